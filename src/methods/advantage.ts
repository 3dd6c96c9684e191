import { mean, std } from '../lib/stats.ts';
import type { RunConfig } from '../schema/config.ts';

export type Reward = 0 | 1 | null;

export interface GroupAdvantages {
  /** Of the group's rewards. */
  readonly mean: number;
  /** Of the group's rewards, ddof 1. */
  readonly std: number;
  /** What the difference was multiplied by: 1 / scale, or 0 where nothing is known. */
  readonly factor: number;
  /** One per reward; 0 where the reward is null. */
  readonly advantages: number[];
  /** Some advantage is not 0. */
  readonly signal: boolean;
}

export type AdvantageSwitches = Pick<RunConfig['objective'], 'baseline' | 'scale'>;

/** Added to a standard deviation, as TRL does. */
const EPSILON = 1e-4;

/**
 * Advantages of the groups of a step, A = (r − baseline) / scale over the rewards that are not null;
 * docs/methods.md has the table. Statistics of the batch are those of all groups together. Where all
 * that a mean is of is equal the difference is 0 exactly, whatever rounding says; with fewer than two
 * rewards, leave-one-out and standard deviations give 0.
 */
export function advantagesOf(
  groups: readonly (readonly (number | null)[])[],
  { baseline, scale }: AdvantageSwitches,
): GroupAdvantages[] {
  const paidOf = (rewards: readonly (number | null)[]) => rewards.filter((r) => r !== null);
  const batch = groups.flatMap(paidOf);
  const centred = groups.flatMap((rewards) => {
    const paid = paidOf(rewards);
    const middle = meanOf(paid);
    return paid.map((r) => r - middle);
  });
  return groups.map((rewards) => {
    const paid = paidOf(rewards);
    const middle = meanOf(paid);
    const of = { mean: middle, std: std(paid) };
    const baselineOf = (r: number): number => {
      switch (baseline) {
        case 'group-mean':
          return middle;
        case 'leave-one-out':
          return paid.length < 2 ? r : r - (paid.length / (paid.length - 1)) * (r - middle);
        case 'batch-mean':
          return meanOf(batch);
        case 'none':
          return 0;
        default:
          return baseline satisfies never;
      }
    };
    const divisor = {
      'group-std': of.std + EPSILON,
      'batch-std': std(batch) + EPSILON,
      'centred-batch-std': std(centred) + EPSILON,
      'group-mean': middle > 0 ? middle : Infinity, // nothing is learnt where nothing passes
      none: 1,
    }[scale];
    // A deviation of one reward says nothing.
    const known =
      (scale === 'group-std' && paid.length < 2) ||
      (/batch/.test(scale) && batch.length < 2) ||
      (baseline === 'batch-mean' && batch.length < 2) ||
      divisor === Infinity
        ? 0
        : 1 / divisor;
    const advantages = rewards.map((r) => (r === null ? 0 : (r - baselineOf(r)) * known));
    return {
      ...of,
      factor: known,
      advantages: advantages.map((a) => (a === 0 ? 0 : a)), // no −0
      signal: advantages.some((a) => a !== 0),
    };
  });
}

/** The mean, exactly the value where all are equal. */
function meanOf(values: readonly number[]): number {
  const [first] = values;
  return first !== undefined && values.every((value) => value === first) ? first : mean(values);
}

/**
 * The penalty of a long completion (DAPO, soft overlong): from 0 at the start of the last
 * `buffer` · `maxTokens` tokens to −1 at `maxTokens`. @param buffer a share of `maxTokens`.
 */
export function overlongPenalty(tokens: number, maxTokens: number, buffer: number): number {
  const share = buffer * maxTokens;
  return Math.max(-1, Math.min(0, (maxTokens - share - tokens) / share)) || 0;
}
