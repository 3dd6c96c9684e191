import { judgedSamples, recordOf, workingSeconds } from '../compare/record.ts';
import type { RunConfig } from '../schema/config.ts';
import type { RunEvent, RunEventOf, TokenTotals } from '../schema/events.ts';
import { mcnemarExact, mean, pairedDifference95 } from '../lib/stats.ts';

type Eval = RunEventOf<'eval.completed'>;

export interface SummaryRates {
  readonly greedy: {
    problems: number;
    passes: number;
    rate: number;
    ci95: [number, number];
  } | null;
  readonly sampled: {
    problems: number;
    samples: number;
    temperature: number;
    rate: number;
    ci95: [number, number];
    'pass@8'?: number;
  } | null;
}

/** summary.json of a run: a function of its log. */
export interface RunSummaryFile {
  readonly version: 1;
  readonly method: string;
  readonly model: string;
  readonly dataset: string;
  readonly seed: number;
  readonly steps: number;
  readonly tokens: TokenTotals;
  readonly before: SummaryRates | null;
  readonly after: SummaryRates | null;
  readonly paired: {
    readonly greedy: { gained: string[]; lost: string[]; mcnemar_p: number } | null;
    readonly sampled: { difference: number; ci95: [number, number] } | null;
  } | null;
  /**
   * Failed first attempts of which a second answer passed, of those that got any; absent where none
   * were asked for.
   */
  readonly rescue_rate?: number;
  /** Groups without signal, of all groups of all steps. */
  readonly zero_signal: number;
  readonly skipped_steps: number;
  readonly infra: number;
  /** Mean |ℓ_sampler − ℓ_trainer| over updates. */
  readonly sampler_trainer_gap: number | null;
  /**
   * Changes after which the run is no longer byte-identical to one that went through undisturbed;
   * absent where there was none.
   */
  readonly non_identical?: readonly string[];
  /** Seconds the run was at work, interruptions left out. */
  readonly wall_s: number;
  readonly config: RunConfig;
}

export function summarise(events: readonly RunEvent[], now: number): RunSummaryFile {
  const started = events.find((event) => event.type === 'run.started');
  if (!started)
    throw new Error('This log does not begin with run.started, so there is nothing to summarise.');
  const updates = events.filter((event) => event.type === 'update.applied');
  const evals = events.filter((event) => event.type === 'eval.completed');
  const before = evals.find((event) => event.when === 'before') ?? null;
  const after = evals.findLast((event) => event.when === 'after') ?? null;
  const gaps = updates.map((update) => update.samplerGap).filter((gap) => gap !== null);
  const { config } = started;
  const sum = (of: (update: RunEventOf<'update.applied'>) => number) =>
    updates.reduce((total, update) => total + of(update), 0);
  return {
    version: 1,
    method: config.method,
    model: config.model,
    dataset: config.dataset,
    seed: config.seed,
    steps: updates.length,
    tokens: updates.at(-1)?.totals ?? { prompt: 0, generated: 0, trained: 0 },
    before: before && rates(before),
    after: after && rates(after),
    paired: before && after && paired(before, after, config.seed),
    ...rescueRate(events),
    zero_signal: sum((update) => update.zeroSignal),
    skipped_steps: sum((update) => (update.skipped ? 1 : 0)),
    infra: sum((update) => update.infra),
    sampler_trainer_gap: gaps.length ? mean(gaps) : null,
    ...nonIdentical(events),
    wall_s: workingSeconds(events, now),
    config,
  };
}

function rescueRate(events: readonly RunEvent[]): Pick<RunSummaryFile, 'rescue_rate'> {
  const rescue = recordOf(events)?.rescue;
  return rescue && rescue.failed > 0 ? { rescue_rate: rescue.rescued / rescue.failed } : {};
}

function nonIdentical(events: readonly RunEvent[]): Pick<RunSummaryFile, 'non_identical'> {
  const changes = events.filter(
    (event) => event.type === 'warning.raised' && event.nonIdentical !== undefined,
  );
  return changes.length > 0
    ? {
        non_identical: changes.flatMap((event) =>
          event.type === 'warning.raised' ? event.message : [],
        ),
      }
    : {};
}

function rates({ greedy, sampled }: Eval): SummaryRates {
  return {
    greedy,
    sampled: sampled && {
      problems: sampled.problems,
      samples: sampled.samples,
      temperature: sampled.temperature,
      rate: sampled.rate,
      ci95: sampled.ci95,
      ...(sampled.passAt8 === null ? {} : { 'pass@8': sampled.passAt8 }),
    },
  };
}

function paired(before: Eval, after: Eval, seed: number): NonNullable<RunSummaryFile['paired']> {
  const earlier = new Map(before.perProblem.map((problem) => [problem.id, problem]));
  const pairs = after.perProblem.flatMap((b) => {
    const a = earlier.get(b.id);
    return a ? [{ id: b.id, a, b }] : [];
  });
  const judged = pairs.filter(({ a, b }) => a.greedy !== null && b.greedy !== null);
  const gained = judged
    .filter(({ a, b }) => a.greedy === 0 && b.greedy === 1)
    .map((pair) => pair.id);
  const lost = judged.filter(({ a, b }) => a.greedy === 1 && b.greedy === 0).map((pair) => pair.id);
  const sampled = pairs.flatMap(({ a, b }) =>
    a.sampled === null || b.sampled === null
      ? []
      : [
          {
            first: outcomes(a.sampled, judgedSamples(before, a)),
            second: outcomes(b.sampled, judgedSamples(after, b)),
          },
        ],
  );
  return {
    greedy: judged.length
      ? { gained, lost, mcnemar_p: mcnemarExact(gained.length, lost.length) }
      : null,
    sampled: sampled.length ? pairedDifference95(sampled, seed) : null,
  };
}

/** Judged samples of a problem of which so many passed; their order does not matter. */
function outcomes(passes: number, judged: number): number[] {
  return Array.from({ length: judged }, (_, i) => (i < passes ? 1 : 0));
}
