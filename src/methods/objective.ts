import { atToken, type LossOptions, type Score, type TokenColumns } from '../model/engine.ts';
import type { RunConfig } from '../schema/config.ts';
import type { Rollout, Step } from './step.ts';

/*
 * What the switches of an objective need before the backward pass: log-probs of whole completions,
 * what follows from them for each, and the loss as the engine is told. docs/methods.md has the
 * formulas.
 */

/** The policy gradient of a run, as the engine is told. */
export function lossOf(config: RunConfig): LossOptions {
  const { loss, objective, maxTokens } = config;
  const sequence = objective.correction === 'sequence'; // then it is in the weights
  return {
    kind: 'pg',
    aggregation: loss.aggregation,
    epsLow: loss.epsLow,
    epsHigh: loss.epsHigh,
    surrogate: {
      clip: { kind: 'clip', cap: objective.ratioCap } as const,
      cispo: { kind: 'cispo', max: objective.cispoMax } as const,
      sapo: {
        kind: 'sapo',
        positive: objective.sapoPositive,
        negative: objective.sapoNegative,
      } as const,
      mask: { kind: 'mask', threshold: objective.maskThreshold } as const,
    }[objective.surrogate],
    beta: objective.klPlace === 'loss' ? loss.beta : 0,
    kl: objective.kl,
    correctionCap: sequence ? null : loss.correctionCap,
    correctionMasks: objective.correctionMode === 'mask',
    entropyBonus: objective.entropyBonus,
    maxTokens,
  };
}

/** Log-probs of completions under the student as it stands, or the base model. */
export function scoresOf(
  step: Step,
  rollouts: readonly Rollout[],
  adapter: 'student' | 'none',
): Promise<Score[]> {
  return step.context.engine.score(
    rollouts.map(({ prompt, completion, temperature }) => ({
      ids: [...prompt.ids, ...completion.ids],
      promptLength: prompt.ids.length,
      adapter,
      temperature: temperature === 0 ? 1 : temperature, // as in the loss
    })),
  );
}

/**
 * β times the estimated KL to the base model of each token of each completion, from the sampler's
 * log-probs; null where the loss, or nothing, has it.
 */
export async function klPenalties(
  step: Step,
  rollouts: readonly Rollout[],
): Promise<Map<Rollout, readonly number[]> | null> {
  const { loss, objective } = step.config;
  if (objective.klPlace === 'loss' || loss.beta === 0 || rollouts.length === 0) return null;
  const reference = await scoresOf(step, rollouts, 'none');
  return new Map(
    rollouts.map((rollout, i) => [
      rollout,
      Array.from(
        reference[i]!.logprobs,
        (logprob, t) =>
          loss.beta * klEstimate(objective.kl, logprob - rollout.completion.logprobs[t]!),
      ),
    ]),
  );
}

/** An estimate of KL(π ‖ reference) from Δ = ℓ_ref − ℓ. */
function klEstimate(estimator: RunConfig['objective']['kl'], difference: number): number {
  const delta = Math.min(Math.max(difference, -20), 20);
  switch (estimator) {
    case 'k1':
      return -delta;
    case 'k2':
      return delta ** 2 / 2;
    default:
      return Math.min(Math.expm1(delta) - delta, 10); // k3; at the sampler's own policy ρ is 1
  }
}

/** What an update makes of a completion beside its advantage. */
export interface Coefficients {
  /** ρ of its sequence, where the objective takes that. */
  readonly ratio?: number;
  /** Weight of its tokens in the policy gradient. */
  readonly weight: number;
}

/**
 * The ratio and the weight of each completion in an update: the sequence's ratio, its sampler
 * correction, and the off-policy mask. `old`: the trainer's columns of the first update, null in it.
 */
export async function coefficientsOf(
  step: Step,
  rollouts: readonly Rollout[],
  advantages: readonly (number | ArrayLike<number>)[],
  old: readonly TokenColumns[] | null,
): Promise<readonly Coefficients[]> {
  const { loss, objective } = step.config;
  const ratios = objective.ratio === 'sequence' && old !== null;
  const cap = objective.correction === 'sequence' ? loss.correctionCap : null;
  const mask = objective.offPolicyMask;
  const scores =
    ratios || mask !== null || (cap !== null && old === null)
      ? await scoresOf(step, rollouts, 'student')
      : null;
  return rollouts.map(({ completion }, i) => {
    const now = scores?.[i]?.logprobs;
    const then = old?.[i]?.logprobs ?? now;
    const n = completion.ids.length;
    const sum = (of: (t: number) => number) =>
      Array.from({ length: n }, (_, t) => of(t)).reduce((a, b) => a + b, 0);
    let weight = 1;
    if (cap !== null) {
      const correction = Math.exp(sum((t) => then![t]! - completion.logprobs[t]!));
      const beyond = objective.correctionMode === 'mask' ? 0 : cap;
      weight *= correction > cap ? beyond : correction;
    }
    if (mask !== null && atToken(advantages[i]!, 0) < 0) {
      const lost = sum((t) => completion.logprobs[t]! - now![t]!) / n;
      if (lost > mask) weight = 0;
    }
    return {
      weight,
      ...(ratios && {
        ratio: Math.exp(Math.min(sum((t) => now![t]! - old[i]!.logprobs[t]!) / n, 69)), // f32's
      }),
    };
  });
}

/**
 * The entropy at and above which a token carries the policy gradient: that of the `share` of all
 * tokens which is most uncertain, by the sampler. −∞ where all carry it.
 */
export function entropyThreshold(rollouts: readonly Rollout[], share: number): number {
  if (share === 1) return -Infinity;
  const entropies = rollouts.flatMap(({ completion }) => [...completion.entropy]);
  entropies.sort((a, b) => b - a);
  return entropies[Math.max(1, Math.ceil(share * entropies.length)) - 1] ?? -Infinity;
}
