import type { EvaluationFiles } from '../schema/protocol.ts';
import type { EvaluationSummary } from '../schema/evaluation.ts';
import type { Graded } from './context.ts';
import { resultLine } from './grade.ts';

/** An answer as files name it. */
export interface FiledAnswer {
  readonly taskId: string;
  readonly sample: number;
  readonly text: string;
  readonly graded: Graded;
}

/** What an evaluation leaves for others: EvalPlus' samples, a verdict a line, the rates. */
export function evaluationFiles(
  answers: readonly FiledAnswer[],
  summary: EvaluationSummary,
): EvaluationFiles {
  const lines = (of: (answer: FiledAnswer) => object) =>
    answers.map((a) => `${JSON.stringify(of(a))}\n`).join('');
  return {
    'samples.jsonl': lines((a) => ({ task_id: a.taskId, solution: a.graded.code ?? a.text })),
    'results.jsonl': lines((a) => resultLine(a.taskId, a.sample, a.graded)),
    'summary.json': `${JSON.stringify(summary, null, 2)}\n`,
  };
}
