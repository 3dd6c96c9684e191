import type { RunConfig } from '../schema/config.ts';
import { rounds } from './dynamic.ts';
import type { MethodContext, StepInput, StepOutcome } from './method.ts';
import { byProblem, learn } from './learn.ts';
import { Step, type Rollout } from './step.ts';

/*
 * GRPO: G completions per problem from the plain prompt, group-relative advantages, an optimiser
 * update a step.
 *
 * Source: Shao et al. 2024 (DeepSeekMath), with the loss of docs/methods.md (clip-higher and
 * token-level `dapo` aggregation from DAPO; sampler correction u from verl). Departures from the
 * paper:
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
  const { first: rollouts } = await rounds(step, async (problems) => ({
    first: await firstAttempts(step, config.group, problems),
    second: [],
  }));
  return await learn(step, { groups: byProblem(step, rollouts), first: rollouts });
}

/**
 * `samples` answers to the plain prompt of every problem, or of those with these numbers, at the
 * run's temperature.
 */
export function firstAttempts(
  step: Step,
  samples: number,
  problems: readonly number[] = step.problems.map((_, index) => index),
): Promise<Rollout[]> {
  const { context, config } = step;
  return step.complete(
    problems.map((problem) => ({
      problem,
      prompt: context.text.prompt(step.problems[problem]!),
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
