import { groupAdvantages, type GroupAdvantages, type Reward } from './advantage.ts';
import type { StepOutcome } from './method.ts';
import { policyUpdate } from './policy-update.ts';
import type { Rollout, Step, StepFigures } from './step.ts';

export interface Lesson {
  /** Completions that are compared with each other. */
  readonly groups: readonly (readonly Rollout[])[];
  /** First attempts: what the step's reward and pass rate are of. */
  readonly first: readonly Rollout[];
  /** What a completion is paid; its own reward where left out. */
  readonly paid?: (rollout: Rollout) => Reward;
  /** Weight of a completion's loss; 1 where undefined. */
  readonly weight?: (rollout: Rollout) => number | undefined;
  /** Group-relative advantages where left out. */
  readonly compare?: (rewards: readonly Reward[]) => GroupAdvantages;
  /** `nll`: the likelihood of completions with an advantage in place of the policy gradient. */
  readonly loss?: 'pg' | 'nll';
  readonly rescue?: StepFigures['rescue'];
}

/**
 * The second half of a step that trains the student on what it sampled: advantages within each
 * group, the update, a ledger line a completion, the step's line.
 */
export async function learn(step: Step, lesson: Lesson): Promise<StepOutcome> {
  const { first, loss = 'pg' } = lesson;
  const paid = lesson.paid ?? ((rollout: Rollout) => rollout.reward);
  const weight = (rollout: Rollout) => {
    const value = lesson.weight?.(rollout);
    return value === undefined ? {} : { weight: value };
  };
  const compare =
    lesson.compare ??
    ((rewards) => groupAdvantages(rewards, step.config.loss.aggregation !== 'dr_grpo'));

  const groups = lesson.groups.map((members) => ({ members, ...compare(members.map(paid)) }));
  const rows = groups.flatMap(({ signal, members, advantages }) =>
    members.flatMap((rollout, i) =>
      signal && paid(rollout) !== null && (loss === 'pg' || advantages[i] !== 0)
        ? [{ rollout, advantage: advantages[i]!, ...weight(rollout) }]
        : [],
    ),
  );
  const update = await policyUpdate(step, rows, loss);

  const placed = new Map(
    groups.flatMap((group) => group.members.map((rollout, i) => [rollout, { group, i }] as const)),
  );
  for (const rollout of step.rollouts) {
    const { group, i } = placed.get(rollout)!;
    step.ledger(rollout, {
      reward: paid(rollout),
      advantage: group.advantages[i]!,
      ...weight(rollout),
      groupMean: group.mean,
      groupStd: group.std,
      inLoss: update.inLoss(rollout),
      columns: update.columns(rollout),
    });
  }
  return step.finish({
    ...update.figures,
    zeroSignal: groups.filter((group) => !group.signal).length,
    groups: groups.length,
    firsts: first.map((rollout) => ({ reward: paid(rollout), passed: rollout.reward === 1 })),
    ...(lesson.rescue === undefined ? {} : { rescue: lesson.rescue }),
  });
}

/** The completions of each problem of the step. */
export function byProblem(step: Step, rollouts: readonly Rollout[]): Rollout[][] {
  return step.problems.map((_, index) => rollouts.filter(({ problem }) => problem === index));
}
