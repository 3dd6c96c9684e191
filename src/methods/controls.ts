import { mean } from '../lib/stats.ts';
import { Rng } from '../lib/rng.ts';
import type { RunConfig } from '../schema/config.ts';
import { rounds } from './dynamic.ts';
import { firstAttempts } from './grpo.ts';
import { byProblem, learn } from './learn.ts';
import type { MethodContext, StepInput, StepOutcome } from './method.ts';
import { Step } from './step.ts';

/*
 * Controls: what makes a comparison worth reading. `resample`, SRRL without feedback, stands beside
 * it in srrl.ts.
 */

const COIN = 0x636f696e;

/**
 * `random-reward`: GRPO paid by coin flips. Each judged completion gets 1 with the probability that
 * the step's completions really passed with, so there is as much reward as in GRPO and none of its
 * information. A step in which nothing or everything passed pays all alike, and has no signal, as
 * in GRPO. Verdicts are logged as they were reached.
 */
export async function randomRewardStep(
  context: MethodContext,
  config: RunConfig,
  input: StepInput,
): Promise<StepOutcome> {
  const step = new Step(context, config, input, config.group);
  const { first: rollouts } = await rounds(step, async (problems) => ({
    first: await firstAttempts(step, config.group, problems),
    second: [],
  }));
  const rate = mean(rollouts.flatMap(({ reward }) => reward ?? []));
  const rng = new Rng(COIN, config.seed, input.step);
  const coins = new Map(
    rollouts.map((rollout) => [rollout, rng.uniform() < rate ? 1 : 0] as const),
  );
  return await learn(step, {
    groups: byProblem(step, rollouts),
    first: rollouts,
    paid: (rollout) => (rollout.reward === null ? null : coins.get(rollout)!),
  });
}

/**
 * `rft`, rejection fine-tuning: the likelihood of the completions that passed, every token of them
 * alike (mean over the step's tokens). No baseline, so nothing is learnt from failures, and a
 * problem that always passes still pulls.
 */
export async function rejectionStep(
  context: MethodContext,
  config: RunConfig,
  input: StepInput,
): Promise<StepOutcome> {
  const step = new Step(context, config, input, config.group);
  const rollouts = await firstAttempts(step, config.group);
  return await learn(step, {
    groups: byProblem(step, rollouts),
    first: rollouts,
    loss: 'nll',
  });
}
