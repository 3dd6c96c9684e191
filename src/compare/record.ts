import type { RunConfig } from '../schema/config.ts';
import type { RunEvent, RunEventOf, TokenTotals } from '../schema/events.ts';

/** What a comparison needs of one run, read from its log. */
export interface RunRecord {
  readonly runId: string;
  readonly config: RunConfig;
  readonly finished: boolean;
  readonly steps: number;
  readonly tokens: TokenTotals;
  /** At work, interruptions left out. */
  readonly seconds: number;
  readonly trainProblems: readonly string[];
  readonly testProblems: readonly string[];
  /** Null: not evaluated before or not after training. */
  readonly outcomes: readonly Outcome[] | null;
  /** Samples a test problem; 0: greedy answers only. */
  readonly samples: number;
  /**
   * Failed first attempts that got second answers, and those of which one passed; null where the
   * method asks for none.
   */
  readonly rescue: { readonly failed: number; readonly rescued: number } | null;
  readonly updates: readonly RunEventOf<'update.applied'>[];
}

/** One test problem before and after training. */
export interface Outcome {
  readonly problem: string;
  /** 1 passed, 0 did not; null: one of the two answers was not judged. */
  readonly greedy: Change | null;
  /** Shares of the judged samples that passed. */
  readonly sampled: Change | null;
}

export interface Change {
  readonly before: number;
  readonly after: number;
}

/** Reads a log; null where it does not begin with `run.started`. */
export function recordOf(events: readonly RunEvent[]): RunRecord | null {
  const started = events.find((event) => event.type === 'run.started');
  if (!started) return null;
  const updates = events.filter((event) => event.type === 'update.applied');
  const evals = events.filter((event) => event.type === 'eval.completed');
  const before = evals.find((event) => event.when === 'before');
  const after = evals.findLast((event) => event.when === 'after');
  const rescues = updates.map((update) => update.rescue).filter((rescue) => rescue !== null);
  const total = (of: (rescue: (typeof rescues)[number]) => number) =>
    rescues.reduce((sum, r) => sum + of(r), 0);
  return {
    runId: started.runId,
    config: started.config,
    finished: events.some((event) => event.type === 'run.finished'),
    steps: updates.length,
    tokens: updates.at(-1)?.totals ?? { prompt: 0, generated: 0, trained: 0 },
    seconds: workingSeconds(events),
    trainProblems: started.problems.train,
    testProblems: started.problems.test,
    outcomes: before && after ? outcomesOf(before, after) : null,
    samples: after?.sampled?.samples ?? 0,
    rescue: rescues.length
      ? { failed: total((r) => r.failed), rescued: total((r) => r.rescued) }
      : null,
    updates,
  };
}

function outcomesOf(
  before: RunEventOf<'eval.completed'>,
  after: RunEventOf<'eval.completed'>,
): Outcome[] {
  const earlier = new Map(before.perProblem.map((problem) => [problem.id, problem]));
  return after.perProblem.flatMap((b) => {
    const a = earlier.get(b.id);
    if (!a) return [];
    return [
      {
        problem: b.id,
        greedy:
          a.greedy === null || b.greedy === null ? null : { before: a.greedy, after: b.greedy },
        sampled:
          a.sampled === null || b.sampled === null
            ? null
            : {
                before: a.sampled / judgedSamples(before, a),
                after: b.sampled / judgedSamples(after, b),
              },
      },
    ];
  });
}

/** Samples of a problem that were judged; logs that do not say so count all of them. */
export function judgedSamples(
  { sampled }: RunEventOf<'eval.completed'>,
  { judged }: RunEventOf<'eval.completed'>['perProblem'][number],
): number {
  return judged ?? sampled?.samples ?? 0;
}

/**
 * Seconds between consecutive events without the gaps that end in a resume, and on to `now` (ms
 * since the epoch).
 */
export function workingSeconds(
  events: readonly RunEvent[],
  now = events.at(-1)?.time ?? 0,
): number {
  let ms = 0;
  for (let i = 1; i < events.length; i++) {
    if (events[i]!.type !== 'run.resumed') ms += events[i]!.time - events[i - 1]!.time;
  }
  return (ms + Math.max(0, now - (events.at(-1)?.time ?? now))) / 1000;
}
