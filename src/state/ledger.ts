import type { RunConfig } from '../schema/config.ts';
import type { GroupView, RolloutView } from './fold.ts';

/** How one reward came about and what it did, in the numbers the log holds. */
export interface Ledger {
  readonly passed: number;
  readonly asserts: number;
  readonly reward: number | null;
  /** Completions of the group that count, and how many of these earned 1. */
  readonly counted: number;
  readonly earned: number;
  readonly groupMean: number;
  readonly groupStd: number;
  readonly advantage: number;
  /** The advantage spelled out with its numbers; null where the formula does not apply. */
  readonly formula: string | null;
  readonly inLoss: boolean;
  /** Why the completion is in the loss, or why it is not. */
  readonly reason: string;
}

export function ledgerOf(rollout: RolloutView, group: GroupView | null, config: RunConfig | null): Ledger | null {
  const paid = rollout.reward;
  if (!paid) return null;
  const rewards = (group?.rollouts ?? []).flatMap((r) => (r?.reward && r.reward.reward !== null ? [r.reward.reward] : []));
  const equal = rewards.length > 0 && rewards.every((r) => r === rewards[0]);
  return {
    passed: paid.passed,
    asserts: paid.asserts,
    reward: paid.reward,
    counted: rewards.length,
    earned: rewards.filter((r) => r === 1).length,
    groupMean: paid.groupMean,
    groupStd: paid.groupStd,
    advantage: paid.advantage,
    formula: paid.reward === null || equal ? null : formula(paid.reward, paid.groupMean, paid.groupStd, config),
    inLoss: paid.inLoss,
    reason: reason(rollout, equal, config),
  };
}

function formula(reward: number, mean: number, std: number, config: RunConfig | null): string {
  const difference = `${reward} − ${mean.toFixed(3)}`;
  return config?.loss.aggregation === 'dr_grpo' ? difference : `(${difference}) / (${std.toFixed(3)} + 0.0001)`;
}

function reason(rollout: RolloutView, equal: boolean, config: RunConfig | null): string {
  const paid = rollout.reward;
  const { tokens, finish } = rollout.completion;
  if (paid?.inLoss) return `All ${tokens} tokens of this completion carried loss.`;
  if (paid?.reward === null) return 'Left out: the sandbox failed here, not the program, so there is no reward to learn from.';
  if (equal) return 'Left out: every completion of this problem earned the same, so none is better than another.';
  if (finish === 'length' && config?.loss.maskTruncated) {
    return `Left out: cut off at the limit of ${config.maxTokens} tokens. It still counts in the group's mean.`;
  }
  return 'Left out of the loss.';
}
