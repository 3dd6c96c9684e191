import type { RunConfig } from '../../schema/config.ts';
import type { NewEvent, RunEvent } from '../../schema/events.ts';
import { CONFIG, numbered, startOf, updateOf } from '../../state/testing/log.ts';

/** Greedy and sampled passes of a problem, before and after training; null: not judged. */
export type Answers = readonly [
  greedy: readonly [before: number | null, after: number | null],
  sampled?: readonly [before: number, after: number],
  /** Samples that were judged; without it the log does not say, as older ones did not. */
  judged?: readonly [before: number, after: number],
];

export interface RunOf {
  readonly runId: string;
  readonly config?: Partial<RunConfig>;
  readonly answers: Readonly<Record<string, Answers>>;
  readonly samples?: number;
  readonly update?: Partial<Extract<NewEvent, { type: 'update.applied' }>>;
  /** Events after the evaluation before training; given, they replace the rest of the log. */
  readonly rest?: readonly NewEvent[];
}

/** The log of a small run with one step and two evaluations. */
export function runLog({
  runId,
  config,
  answers,
  samples = 2,
  update = {},
  rest,
}: RunOf): RunEvent[] {
  const problems = Object.keys(answers);
  const started = { ...startOf(runId, { ...CONFIG, evalSamples: samples, ...config }) } as Extract<
    NewEvent,
    { type: 'run.started' }
  >;
  const evaluation = (when: 'before' | 'after'): NewEvent => {
    const at = when === 'before' ? 0 : 1;
    const rate = {
      problems: problems.length,
      passes: 0,
      rate: 0,
      ci95: [0, 1] as [number, number],
    };
    return {
      type: 'eval.completed',
      when,
      greedy: rate,
      sampled: { ...rate, samples, temperature: 1, passAt8: null },
      perProblem: problems.map((id) => {
        const [greedy, sampled, judged] = answers[id]!;
        return {
          id,
          greedy: greedy[at],
          sampled: sampled?.[at] ?? null,
          ...(judged && { judged: judged[at] }),
        };
      }),
    };
  };
  const applied = updateOf(1, update);
  return numbered([
    { ...started, problems: { train: ['t'], val: [], test: problems } },
    evaluation('before'),
    ...(rest ?? [
      applied,
      evaluation('after'),
      { type: 'run.finished', step: 1, reason: 'steps', totals: applied.totals } as const,
    ]),
  ]);
}
