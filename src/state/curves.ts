import { METHODS, type Method } from '../settings/methods.ts';
import type { RunEventOf } from '../schema/events.ts';

type Update = RunEventOf<'update.applied'>;

export interface CurveDef {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  /** One sentence for people who meet the quantity here. */
  readonly about: string;
  /** Fixed range, where the quantity has one. */
  readonly range: readonly [number, number] | null;
  readonly percent: boolean;
  /** Null: this step has no value (nothing was trained on). */
  readonly value: (update: Update) => number | null;
  /**
   * The counts behind `value`: the bold line is then their share over the run so far, not a recent
   * mean.
   */
  readonly counts?: (update: Update) => readonly [part: number, of: number] | null;
  /** A second line to read the first against. */
  readonly against?: { readonly label: string; readonly value: (update: Update) => number | null };
  /** Drawn for the methods that name it in their descriptor; left out: for all. */
  readonly own?: true;
}

/**
 * Null where the student was not trained: no signal, a gradient that was not finite, nothing to
 * distil.
 */
const trained = (read: (update: Update) => number) => (update: Update) =>
  update.noSignal || update.skipped || update.distillation?.targets === 0 ? null : read(update);

/** What the Run screen draws, in this order. Each method's own come first after the reward. */
export const CURVES: readonly CurveDef[] = [
  {
    key: 'reward',
    label: 'Reward',
    unit: '',
    about: 'Mean reward of the step, sandbox failures left out.',
    range: [0, 1],
    percent: false,
    value: (u) => u.reward,
  },
  {
    key: 'passRate',
    label: 'Pass rate',
    unit: '',
    about: 'Share of completions that pass every assert.',
    range: [0, 1],
    percent: true,
    value: (u) => u.passRate,
  },
  {
    key: 'rescue',
    label: 'Rescue rate',
    unit: '',
    about:
      'Failed first attempts of which at least one second answer passed, of all that got one. ' +
      'The bold line is the run so far.',
    range: [0, 1],
    percent: true,
    value: ({ rescue }) => (rescue && rescue.failed > 0 ? rescue.rescued / rescue.failed : null),
    counts: ({ rescue }) => rescue && [rescue.rescued, rescue.failed],
    own: true,
  },
  {
    key: 'retries',
    label: 'With reflection',
    unit: '',
    about:
      'Pass rate of retries that were given a reflection, against the attempts without one ' +
      'that came after the failed attempt, on the same problems: the failed one itself would ' +
      'make any retry look better.',
    range: [0, 1],
    percent: true,
    value: ({ reflection }) => reflection?.paired?.retries ?? null,
    against: { label: 'without', value: ({ reflection }) => reflection?.paired?.baseline ?? null },
    own: true,
  },
  {
    key: 'targets',
    label: 'Programs distilled',
    unit: '',
    about:
      'Programs of the step that passed thanks to a reflection and were taught to the student without it.',
    range: null,
    percent: false,
    value: (u) => u.distillation?.targets ?? 0,
    own: true,
  },
  {
    key: 'reflectorKl',
    label: 'Reflector KL',
    unit: 'nats',
    about: 'Mean k3 estimate per token of the reflector against the model without adapter.',
    range: null,
    percent: false,
    value: ({ reflection }) => (reflection && reflection.weighed > 0 ? reflection.kl : null),
    own: true,
  },
  {
    key: 'kl',
    label: 'KL',
    unit: 'nats',
    about:
      'Mean k3 estimate per token against the model without adapter; 0 before the first update.',
    range: null,
    percent: false,
    value: trained((u) => u.kl),
  },
  {
    key: 'entropy',
    label: 'Entropy',
    unit: 'nats',
    about: 'Mean entropy per generated token.',
    range: null,
    percent: false,
    value: (u) => u.entropy,
  },
  {
    key: 'gradNorm',
    label: 'Gradient norm',
    unit: '',
    about: 'Global L2 norm before clipping; no value where nothing was trained on.',
    range: null,
    percent: false,
    value: trained((u) => u.gradNorm),
  },
  {
    key: 'loss',
    label: 'Loss',
    unit: '',
    about: 'Loss of the step’s update of the policy; it need not fall while the reward rises.',
    range: null,
    percent: false,
    value: trained((u) => u.loss),
  },
  {
    key: 'zeroSignal',
    label: 'No-signal groups',
    unit: '',
    about: 'Share of problems whose completions all earned the same.',
    range: [0, 1],
    percent: true,
    value: (u) => (u.groups === 0 ? null : u.zeroSignal / u.groups),
  },
  {
    key: 'tokensPerSecond',
    label: 'Tokens per second',
    unit: 'tok/s',
    about: 'Tokens the model computed, over the whole step.',
    range: null,
    percent: false,
    value: (u) => u.tokensPerSecond,
  },
];

export function curvesOf(method: Method | undefined): readonly CurveDef[] {
  const curves: readonly string[] = method === undefined ? [] : METHODS[method].curves;
  return CURVES.filter(({ key, own }) => own === undefined || curves.includes(key));
}

/** Steps the smoothing looks back over, about. */
const SPAN = 8;

export interface Curve {
  readonly steps: readonly number[];
  readonly raw: readonly (number | null)[];
  /**
   * Exponential mean with bias correction, or the share so far (only past values enter, so a drawn
   * point never moves).
   */
  readonly smooth: readonly (number | null)[];
  /** The second line, smoothed alike; null at every step where there is none. */
  readonly against: readonly (number | null)[];
  /** Smallest and largest raw value of the last `SPAN` steps. */
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

export function curveOf(def: CurveDef, updates: readonly Update[]): Curve {
  const raw = updates.map((update) => finite(def.value(update)));
  const recent = raw.map((_, i) =>
    raw.slice(Math.max(0, i - SPAN + 1), i + 1).filter((x) => x !== null),
  );
  return {
    steps: updates.map((u) => u.step),
    raw,
    smooth: def.counts ? shareSoFar(updates.map(def.counts)) : smoothed(raw),
    against: smoothed(updates.map((update) => finite(def.against?.value(update) ?? null))),
    low: recent.map((seen) => (seen.length === 0 ? null : Math.min(...seen))),
    high: recent.map((seen) => (seen.length === 0 ? null : Math.max(...seen))),
  };
}

export function smoothed(raw: readonly (number | null)[]): (number | null)[] {
  const decay = 1 - 2 / (SPAN + 1);
  let sum = 0;
  let weight = 0;
  return raw.map((value) => {
    if (value !== null) {
      sum = decay * sum + (1 - decay) * value;
      weight = decay * weight + (1 - decay);
    }
    return weight === 0 ? null : sum / weight;
  });
}

function shareSoFar(
  counts: readonly (readonly [part: number, of: number] | null)[],
): (number | null)[] {
  let part = 0;
  let all = 0;
  return counts.map((count) => {
    part += count?.[0] ?? 0;
    all += count?.[1] ?? 0;
    return all === 0 ? null : part / all;
  });
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
