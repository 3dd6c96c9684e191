import type { Verdict } from '../schema/verdict.ts';

/** One line of results.jsonl; `plus` is null where the data set has no further tests. */
export function resultLine(taskId: string, sample: number, verdict: Verdict): object {
  const { status, asserts, error, stdout } = verdict;
  return {
    task_id: taskId,
    sample,
    status,
    base: status,
    plus: null,
    asserts: asserts.map((a) => ({
      status: a.status,
      source: a.source,
      ...(a.actual === undefined ? {} : { actual: a.actual }),
      ...(a.expected === undefined ? {} : { expected: a.expected }),
    })),
    ...(error === undefined ? {} : { error }),
    ...(stdout ? { stdout } : {}),
  };
}
