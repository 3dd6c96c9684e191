import type { Graded } from '../eval/context.ts';
import { evaluationSummary } from '../eval/summary.ts';
import type { EvaluationRecord, EvaluationSummary, JudgedAnswer } from '../schema/evaluation.ts';
import type { EvaluationHead } from '../schema/protocol.ts';

export function answersOf(records: readonly EvaluationRecord[]): JudgedAnswer[] {
  return records.filter((record) => record.type === 'answer.judged');
}

/**
 * By problem as the data set has them, then by sample: files do not depend on what was judged
 * first.
 */
export function inOrder(records: readonly EvaluationRecord[]): JudgedAnswer[] {
  const started = records.find((record) => record.type === 'evaluation.started');
  const place = new Map(started?.problems.map(({ id }, index) => [id, index]));
  const at = (answer: JudgedAnswer) => place.get(answer.problem) ?? 0;
  return answersOf(records).toSorted((a, b) => at(a) - at(b) || a.sample - b.sample);
}

export function gradedOf({ code, verdict, parts }: JudgedAnswer): Graded {
  return { code, verdict, ...(parts && { parts }) };
}

/** Of what is judged so far; null where nothing is. */
export function summaryOf(records: readonly EvaluationRecord[]): EvaluationSummary | null {
  const started = records.find((record) => record.type === 'evaluation.started');
  const answers = answersOf(records);
  if (!started || answers.length === 0) return null;
  const { source, dataset } = started.config;
  const isModel = source.kind === 'model';
  const judged = answers.map((answer) => ({
    problem: { id: answer.problem },
    graded: gradedOf(answer),
  }));
  return evaluationSummary(judged, {
    model: isModel ? source.model : null,
    adapter: isModel ? source.adapterOf : null,
    dataset,
    samples: Math.max(...started.problems.map((problem) => problem.answers)),
    seed: isModel ? source.seed : 0,
    wall: ((records.at(-1)?.time ?? started.time) - started.time) / 1000,
  });
}

/** What a list of evaluations says; null where the log does not begin as one does. */
export function headOf(
  id: string,
  records: readonly EvaluationRecord[],
  bytes: number,
  live: boolean,
): EvaluationHead | null {
  const [started] = records;
  if (started?.type !== 'evaluation.started') return null;
  const end = records.at(-1);
  const ended = end?.type === 'evaluation.ended' ? end : null;
  const rates = ended?.summary?.plus ?? ended?.summary?.base;
  return {
    id,
    config: started.config,
    startedAt: started.time,
    judged: answersOf(records).length,
    answers: started.problems.reduce((sum, problem) => sum + problem.answers, 0),
    state: ended?.reason ?? (live ? 'running' : 'interrupted'),
    rate: rates?.['pass@1'] ?? null,
    bytes,
  };
}
