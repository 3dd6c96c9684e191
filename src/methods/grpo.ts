import type { RunConfig } from '../schema/config.ts';
import { groupAdvantages } from './advantage.ts';
import type { MethodContext, StepInput, StepOutcome } from './method.ts';
import { policyUpdate } from './policy-update.ts';
import { Step, type Rollout } from './step.ts';

/*
 * GRPO: G completions per problem from the plain prompt, group-relative advantages, an optimiser
 * update a step.
 *
 * Source: Shao et al. 2024 (DeepSeekMath), with the loss of METHODS (clip-higher and token-level
 * `dapo` aggregation from DAPO; sampler correction u from verl). Departures from the paper:
 * - One update per batch of samples (μ = 1) by default, so ℓ_old is the step's own ℓ and ρ = 1;
 *   the clip bounds act where μ grows.
 * - No KL penalty by default (β = 0); KL to the base is computed and logged all the same.
 * - Rewards are 0 or 1 (every assert passes or not). A verdict the sandbox failed to reach is
 *   null and left out of mean, standard deviation and loss. "All equal" is decided on integer
 *   counts.
 * - Groups without signal (all rewards equal, or fewer than two rewards) are left out of the
 *   update, so they count neither in Z nor in the logged KL; TRL keeps their tokens in Z.
 * - Truncated completions keep their reward in the baseline and are masked out of the loss
 *   (`maskTruncated`).
 * - An EOS-first completion is a sequence of one token with reward 0, and its EOS is in the loss.
 * - A step in which nothing carries signal does not touch the optimiser: Adam's moments would
 *   decay on no evidence.
 */
export async function grpoStep(
  context: MethodContext,
  config: RunConfig,
  input: StepInput,
): Promise<StepOutcome> {
  const step = new Step(context, config, input, config.group);
  const rollouts = await firstAttempts(step, config.group);
  return await learn(step, rollouts, (rollout) => rollout.reward);
}

/** `samples` answers to the plain prompt of every problem, at the run's temperature. */
export function firstAttempts(step: Step, samples: number): Promise<Rollout[]> {
  const { context, config, problems } = step;
  return step.complete(
    problems.map((problem, index) => ({
      problem: index,
      prompt: context.text.prompt(problem),
      samples,
    })),
    {
      phase: 'sample',
      kind: 'attempt',
      adapter: 'student',
      temperature: config.temperature,
      maxTokens: config.maxTokens,
    },
  );
}

/**
 * The second half of a step: advantages within each problem's completions, one update, the ledger.
 */
export async function learn(
  step: Step,
  rollouts: readonly Rollout[],
  rewardOf: (rollout: Rollout) => 0 | 1 | null,
): Promise<StepOutcome> {
  const groups = step.problems.map((_, index) => {
    const members = rollouts.filter((rollout) => rollout.problem === index);
    const rewards = members.map(rewardOf);
    const group = groupAdvantages(rewards, step.config.loss.aggregation !== 'dr_grpo');
    return { ...group, members, rewards };
  });
  const update = await policyUpdate(
    step,
    groups.flatMap(({ signal, members, rewards, advantages }) =>
      members.flatMap((rollout, i) =>
        signal && rewards[i] !== null ? [{ rollout, advantage: advantages[i]! }] : [],
      ),
    ),
  );
  for (const { members, rewards, advantages, mean, std } of groups) {
    members.forEach((rollout, i) =>
      step.ledger(rollout, {
        reward: rewards[i]!,
        advantage: advantages[i]!,
        groupMean: mean,
        groupStd: std,
        inLoss: update.inLoss(rollout),
        columns: update.columns(rollout),
      }),
    );
  }
  return step.finish({
    ...update.figures,
    zeroSignal: groups.filter((group) => !group.signal).length,
    groups: groups.length,
    firsts: groups.flatMap(({ members, rewards }) =>
      members.map((rollout, i) => ({ reward: rewards[i]!, passed: rollout.reward === 1 })),
    ),
  });
}
