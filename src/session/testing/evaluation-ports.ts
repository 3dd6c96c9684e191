import type { LoadedProblem } from '../../data/problem.ts';
import type { Grader } from '../../eval/grader.ts';
import { BrowserEvaluations } from '../../storage/browser/opfs-evaluations.ts';
import type { EvaluationPorts } from '../evaluations.ts';
import { BigramEngine } from './bigram-engine.ts';
import { gradeLetters, letterProblem, letterText, VOCABULARY } from './letter-lab.ts';

/**
 * Test support: evaluations of the letters task, kept in `folder`. `letters` has eight problems of
 * its test split.
 */
export function letterEvaluations(
  folder: FileSystemDirectoryHandle,
  grade: Grader['grade'] = gradeLetters,
): EvaluationPorts {
  let time = Date.UTC(2026, 0, 1);
  return {
    store: new BrowserEvaluations(folder),
    datasets: () =>
      Promise.resolve([{ name: 'letters', problems: 8, trains: false, needs: null, given: false }]),
    addDataset: () => Promise.reject(new Error('The letters are the only data set.')),
    problems: (dataset) => {
      if (dataset !== 'letters')
        return Promise.reject(new Error(`There is no data set ${dataset}.`));
      const of = (k: number): LoadedProblem => ({ ...letterProblem('test', k), split: 'test' });
      return Promise.resolve(Array.from({ length: 8 }, (_, k) => of(k)));
    },
    openModel: () =>
      Promise.resolve({
        engine: new BigramEngine(VOCABULARY, 9),
        text: letterText,
        adapter: 'none' as const,
      }),
    openGrader: () => Promise.resolve({ grade, close: () => Promise.resolve() }),
    clock: () => (time += 1000),
  };
}
