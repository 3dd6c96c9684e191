import { DEFAULT_METHOD } from '../schema/config.ts';
import {
  bootstrap95,
  clustered95,
  holm,
  mcnemarExact,
  mean,
  signFlipP,
  smallSampleLabel,
  wilson95,
  type Interval,
} from '../lib/stats.ts';
import type { TokenTotals } from '../schema/events.ts';
import { armsOf, type Arm } from './arms.ts';
import { refusalOf, runOfSeed, unpairedArms } from './comparable.ts';
import type { Change, Outcome, RunRecord } from './record.ts';

/*
 * Methods over seeds. Each seed draws test problems of its own, and a problem may occur in several
 * seeds, so the unit is the problem: a rate, a gain or a difference of gains is the mean over
 * problems of the mean over the seeds that have it, and its interval a bootstrap over problems with
 * the seeds resampled inside. Two methods are paired by seed and problem; their p flips the signs
 * of the problems' differences. Both speak of other problems, not of other runs: how far runs
 * differ is what the figures by seed show.
 */

/** A rate before and after training and the difference of the two. */
export interface Gain {
  readonly problems: number;
  readonly before: { readonly rate: number; readonly ci95: Interval };
  readonly after: { readonly rate: number; readonly ci95: Interval };
  readonly gain: { readonly difference: number; readonly ci95: Interval };
  readonly by_seed: readonly ({ readonly seed: number; readonly problems: number } & Change)[];
}

/** A problem of one seed. */
export interface Flip {
  readonly seed: number;
  readonly problem: string;
}

/** Problems whose greedy answers differ, both ways. */
export interface Discordant {
  readonly gained: readonly Flip[];
  readonly lost: readonly Flip[];
  /**
   * Exact, within a seed: its answers are independent, those of several seeds to one problem are
   * not.
   */
  readonly mcnemar: readonly {
    readonly seed: number;
    readonly gained: number;
    readonly lost: number;
    readonly p: number;
  }[];
}

/** Gain of a method minus that of the reference on the same problems and seeds. */
export interface GainDifference {
  readonly problems: number;
  readonly difference: number;
  readonly ci95: Interval;
  /**
   * Of the problems' differences under flipped signs. It decides: the interval of few problems is
   * too short.
   */
  readonly p: number;
  /** Adjusted over every difference of the comparison, greedy and sampled. */
  readonly p_holm: number;
  readonly by_seed: readonly { readonly seed: number; readonly difference: number }[];
}

export interface ComparedArm {
  readonly name: string;
  readonly method: string;
  readonly seeds: readonly number[];
  readonly runs: readonly string[];
  /** Means a run. */
  readonly steps: number;
  readonly tokens: TokenTotals;
  readonly wall_s: number;
  /** With the answers that training gained and lost. */
  readonly greedy: (Gain & Discordant) | null;
  readonly sampled: (Gain & { readonly samples: number; readonly temperature: number }) | null;
  /** Of all failed first attempts that got second answers. */
  readonly rescue: {
    readonly failed: number;
    readonly rescued: number;
    readonly rate: number | null;
  } | null;
  /**
   * Null of the reference itself. `gained` and `lost`: after training only this arm, or only the
   * reference, has it right.
   */
  readonly difference: {
    readonly greedy: (GainDifference & Discordant) | null;
    readonly sampled: GainDifference | null;
  } | null;
}

/** comparison.json: a function of the runs' logs. */
export interface Comparison {
  readonly version: 1;
  readonly model: string;
  readonly dataset: string;
  /** Name of the arm that differences are taken to. */
  readonly reference: string;
  /** Distinct test problems over all seeds. */
  readonly problems: number;
  /**
   * What the result must be labelled with; null where every difference rests on 100 problems or
   * more.
   */
  readonly label: string | null;
  /** What a reader must know besides, one sentence each. */
  readonly notes: readonly string[];
  readonly arms: readonly ComparedArm[];
}

/**
 * Two arms have spent the same when their tokens differ by less: runs end with the step that
 * reaches the budget.
 */
const EQUAL_WITHIN = 0.1;

type Kind = 'greedy' | 'sampled';
type Raw = Omit<GainDifference, 'p_holm'>;

/**
 * Compares finished runs; the reference is the first arm of `grpo`, or else the first. Throws a
 * sentence where they do not compare.
 */
export function compareRuns(records: readonly RunRecord[]): Comparison {
  const refusal = refusalOf(records);
  if (refusal !== null) throw new Error(refusal);
  const { arms, repeated } = armsOf(records);
  const reference = arms.find(({ config }) => config.method === DEFAULT_METHOD) ?? arms[0]!;
  const others = arms.filter((arm) => arm !== reference);
  const unpaired = others
    .map((arm) => unpairedArms(arm, reference))
    .find((sentence) => sentence !== null);
  if (unpaired !== undefined) throw new Error(unpaired);

  const raw = others.map((arm) => ({
    arm,
    greedy: differenceOf(arm, reference, 'greedy'),
    sampled: differenceOf(arm, reference, 'sampled'),
  }));
  const all = raw
    .flatMap(({ greedy, sampled }) => [greedy, sampled])
    .filter((found) => found !== null);
  const adjusted = holm(all.map(({ p }) => p));
  const withHolm = (found: Raw): GainDifference => ({
    ...found,
    p_holm: adjusted[all.indexOf(found)]!,
  });
  const differenceTo = ({
    arm,
    greedy,
    sampled,
  }: (typeof raw)[number]): ComparedArm['difference'] => ({
    greedy: greedy && { ...withHolm(greedy), ...discordant(answersOfBoth(arm, reference)) },
    sampled: sampled && withHolm(sampled),
  });

  const problems = new Set(records.flatMap((record) => record.testProblems)).size;
  return {
    version: 1,
    model: reference.config.model,
    dataset: reference.config.dataset,
    reference: reference.name,
    problems,
    label: smallSampleLabel(
      all.length ? Math.min(...all.map((found) => found.problems)) : problems,
    ),
    notes: [
      ...notesOf(others, reference, repeated),
      ...raw.flatMap(({ arm, ...found }) => unsteady(arm.name, found)),
    ],
    arms: arms.map((arm) => {
      const found = raw.find((candidate) => candidate.arm === arm);
      return { ...armFigures(arm), difference: found ? differenceTo(found) : null };
    }),
  };
}

function armFigures(arm: Arm): Omit<ComparedArm, 'difference'> {
  const { name, config, runs } = arm;
  const average = (of: (run: RunRecord) => number) => mean(runs.map(of));
  const rescues = runs.map((run) => run.rescue).filter((rescue) => rescue !== null);
  const failed = rescues.reduce((sum, rescue) => sum + rescue.failed, 0);
  const rescued = rescues.reduce((sum, rescue) => sum + rescue.rescued, 0);
  const greedy = gainOf(arm, 'greedy');
  const sampled = gainOf(arm, 'sampled');
  return {
    name,
    method: config.method,
    seeds: runs.map((run) => run.config.seed),
    runs: runs.map((run) => run.runId),
    steps: average((run) => run.steps),
    tokens: {
      prompt: average((run) => run.tokens.prompt),
      generated: average((run) => run.tokens.generated),
      trained: average((run) => run.tokens.trained),
    },
    wall_s: average((run) => run.seconds),
    greedy: greedy && { ...greedy, ...discordant(changesOf(arm, 'greedy')) },
    sampled: sampled && {
      ...sampled,
      samples: Math.max(...runs.map((run) => run.samples)),
      temperature: config.evalTemperature,
    },
    rescue: rescues.length ? { failed, rescued, rate: failed > 0 ? rescued / failed : null } : null,
  };
}

/** Outcomes of a run that were judged before and after. */
function judged(run: RunRecord, kind: Kind): (Change & Pick<Outcome, 'problem'>)[] {
  return (run.outcomes ?? []).flatMap((outcome) => {
    const change = outcome[kind];
    return change ? [{ ...change, problem: outcome.problem }] : [];
  });
}

type BySeed = {
  readonly seed: number;
  readonly changes: readonly (Change & Pick<Outcome, 'problem'>)[];
}[];

function changesOf(arm: Arm, kind: Kind): BySeed {
  return arm.runs.map((run) => ({ seed: run.config.seed, changes: judged(run, kind) }));
}

/** Greedy answers after training, of the reference as `before` and of the arm as `after`. */
function answersOfBoth(arm: Arm, reference: Arm): BySeed {
  return arm.runs.map((run) => {
    const other = runOfSeed(reference, run.config.seed);
    const theirs = new Map(
      other ? judged(other, 'greedy').map(({ problem, after }) => [problem, after]) : [],
    );
    const changes = judged(run, 'greedy').flatMap(({ problem, after }) => {
      const before = theirs.get(problem);
      return before === undefined ? [] : [{ problem, before, after }];
    });
    return { seed: run.config.seed, changes };
  });
}

/** Values by problem, each with one a seed. */
function byProblem(values: readonly (readonly [problem: string, value: number])[]): number[][] {
  const clusters = new Map<string, number[]>();
  for (const [problem, value] of values) {
    const cluster = clusters.get(problem);
    if (cluster) cluster.push(value);
    else clusters.set(problem, [value]);
  }
  return [...clusters.values()];
}

function gainOf(arm: Arm, kind: Kind): Gain | null {
  const bySeed = changesOf(arm, kind);
  const changes = bySeed.flatMap((seed) => seed.changes);
  const gain = clustered95(
    byProblem(changes.map(({ problem, before, after }) => [problem, after - before])),
  );
  if (!gain) return null;
  const rate = (of: 'before' | 'after') =>
    rateOf(byProblem(changes.map((change) => [change.problem, change[of]])), kind);
  return {
    problems: new Set(changes.map(({ problem }) => problem)).size,
    before: rate('before'),
    after: rate('after'),
    gain: { difference: gain.mean, ci95: gain.ci95 },
    by_seed: bySeed.map(({ seed, changes }) => ({
      seed,
      problems: changes.length,
      before: mean(changes.map(({ before }) => before)),
      after: mean(changes.map(({ after }) => after)),
    })),
  };
}

/**
 * One greedy answer a problem: Wilson's interval. Samples, or several seeds: a bootstrap over
 * problems.
 */
function rateOf(
  clusters: readonly (readonly number[])[],
  kind: Kind,
): { rate: number; ci95: Interval } {
  const means = clusters.map((values) => mean(values));
  const rate = mean(means);
  if (clusters.some((values) => values.length > 1))
    return { rate, ci95: clustered95(clusters)!.ci95 };
  return {
    rate,
    ci95: kind === 'greedy' ? wilson95(rate * means.length, means.length) : bootstrap95(means),
  };
}

function discordant(seeds: BySeed): Discordant {
  const bySeed = seeds.map(({ seed, changes }) => {
    const flips = (to: 0 | 1): Flip[] =>
      changes
        .filter(({ before, after }) => before !== after && after === to)
        .map(({ problem }) => ({ seed, problem }));
    return { seed, gained: flips(1), lost: flips(0) };
  });
  return {
    gained: bySeed.flatMap(({ gained }) => gained),
    lost: bySeed.flatMap(({ lost }) => lost),
    mcnemar: bySeed.map(({ seed, gained, lost }) => ({
      seed,
      gained: gained.length,
      lost: lost.length,
      p: mcnemarExact(gained.length, lost.length),
    })),
  };
}

/** Null where no problem was judged in both. */
function differenceOf(arm: Arm, reference: Arm, kind: Kind): Raw | null {
  const bySeed = arm.runs.flatMap((run) => {
    const other = runOfSeed(reference, run.config.seed);
    if (!other) return [];
    const gains = new Map(
      judged(other, kind).map(({ problem, before, after }) => [problem, after - before]),
    );
    const values = judged(run, kind).flatMap(({ problem, before, after }) => {
      const gain = gains.get(problem);
      return gain === undefined ? [] : [[problem, after - before - gain] as const];
    });
    return [{ seed: run.config.seed, values }];
  });
  const clusters = byProblem(bySeed.flatMap(({ values }) => values));
  const found = clustered95(clusters);
  return (
    found && {
      problems: clusters.length,
      difference: found.mean,
      ci95: found.ci95,
      p: signFlipP(clusters.map((values) => mean(values))),
      by_seed: bySeed.map(({ seed, values }) => ({
        seed,
        difference: mean(values.map(([, value]) => value)),
      })),
    }
  );
}

function notesOf(others: readonly Arm[], reference: Arm, repeated: readonly RunRecord[]): string[] {
  const computed = ({ runs }: Arm) =>
    mean(runs.map(({ tokens }) => tokens.prompt + tokens.generated));
  const notes: string[] = [];
  for (const arm of others) {
    const [ours, theirs] = [computed(arm), computed(reference)];
    if (Math.abs(ours - theirs) > EQUAL_WITHIN * Math.max(ours, theirs))
      notes.push(
        `Not at equal tokens: a run of ${arm.name} computed ${Math.round(ours)}, one of ` +
          `${reference.name} ${Math.round(theirs)}.`,
      );
    const alone = (from: Arm, to: Arm) =>
      from.runs.filter((run) => !runOfSeed(to, run.config.seed));
    for (const run of [...alone(arm, reference), ...alone(reference, arm)])
      notes.push(
        `Seed ${run.config.seed} takes no part in the difference of ${arm.name} and ` +
          `${reference.name}: only one of the two has it.`,
      );
  }
  for (const run of repeated)
    notes.push(`Run ${run.runId} is left out: another has the same settings and the same seed.`);
  return notes;
}

/** A difference whose interval excludes 0 although single seeds say the opposite. */
function unsteady(name: string, found: Readonly<Record<Kind, Raw | null>>): string[] {
  return (['greedy', 'sampled'] as const).flatMap((kind) => {
    const raw = found[kind];
    if (!raw || raw.ci95[0] * raw.ci95[1] <= 0) return [];
    const against = raw.by_seed
      .filter(({ difference }) => difference * raw.difference < 0)
      .map(({ seed }) => seed);
    if (against.length === 0) return [];
    return [
      `The ${kind} difference of ${name} has the other sign in seed ${against.join(', ')}: ` +
        'runs differ more than the interval, which is over problems, says.',
    ];
  });
}
