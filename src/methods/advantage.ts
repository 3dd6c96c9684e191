import { mean, std } from '../lib/stats.ts';

export type Reward = 0 | 1 | null;

export interface GroupAdvantages {
  readonly mean: number;
  /** ddof 1. */
  readonly std: number;
  /** One per reward; 0 where the reward is null or the group has no signal. */
  readonly advantages: number[];
  /** False: all rewards equal, or fewer than two of them. */
  readonly signal: boolean;
}

/**
 * A = (r − mean) / (std + 1e-4) over the non-null rewards of a group; without the division for
 * `dr_grpo`.
 */
export function groupAdvantages(rewards: readonly Reward[], divideByStd: boolean): GroupAdvantages {
  const paid = rewards.filter((r) => r !== null);
  const passes = paid.filter((r) => r === 1).length;
  const groupMean = mean(paid);
  const groupStd = std(paid);
  const signal = passes > 0 && passes < paid.length; // on integer counts, never on a float std
  const scale = divideByStd ? 1 / (groupStd + 1e-4) : 1;
  const advantages = rewards.map((r) => (signal && r !== null ? (r - groupMean) * scale : 0));
  return { mean: groupMean, std: groupStd, advantages, signal };
}
