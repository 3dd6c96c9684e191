import type { EvaluationConfig, EvaluationEvent } from '../../schema/evaluation.ts';
import type { VerdictStatus } from '../../schema/verdict.ts';

export const GRADING: EvaluationConfig = {
  version: 1,
  source: { kind: 'samples', file: 'samples.jsonl' },
  dataset: 'starter',
  timeoutSeconds: 10,
};

/**
 * The log of an evaluation without its end: a line of statuses a problem, in the order of samples;
 * judged a second each.
 */
export function evaluationLog(
  answers: Readonly<Record<string, readonly VerdictStatus[]>>,
): EvaluationEvent[] {
  const problems = Object.entries(answers).map(([id, statuses]) => ({
    id,
    text: `Task ${id}.`,
    answers: statuses.length,
  }));
  const judged = Object.entries(answers).flatMap(([problem, statuses]) =>
    statuses.map((status, sample) => ({
      type: 'answer.judged' as const,
      problem,
      sample,
      status,
      passed: 1,
      asserts: 2,
    })),
  );
  const events = [
    {
      type: 'evaluation.started' as const,
      version: 1 as const,
      config: GRADING,
      problems,
      available: problems.length,
    },
    ...judged,
  ];
  return events.map((event, seq) => ({ ...event, seq, time: 1000 * seq }));
}
