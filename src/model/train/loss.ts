import { NO_FLOOR, NO_LIMIT, packTokens, resultAt } from '../../kernels/token-loss.ts';
import { ESTIMATORS, SURROGATES, type LossToken } from '../../kernels/token-loss-terms.ts';
import { atToken, type LossOptions, type TrainSequence } from './step.ts';
import { NO_LOSS, type TokenLossOptions } from '../forward/head.ts';
import type { Packed } from '../forward/packing.ts';

/** 1/Z of each sequence's tokens, by aggregation, 0 where masked; Z ≥ 1. See docs/methods.md. */
export function inverseZ(
  loss: LossOptions,
  sequences: readonly TrainSequence[],
  batches: readonly Packed[],
): number[] {
  const aggregation = loss.kind === 'kd' ? 'sum' : loss.aggregation;
  const maxTokens = loss.kind === 'pg' ? loss.maxTokens : 0;
  const counted = (s: TrainSequence | undefined) => (s && !s.masked ? s.completion.length : 0);
  const all = sequences.reduce((n, s) => n + counted(s), 0);
  const inBatch = sequences.map(() => 0);
  for (const batch of batches) {
    const members = new Set(batch.items);
    let tokens = 0;
    for (const i of members) tokens += counted(sequences[i]);
    for (const i of members) inBatch[i] = tokens;
  }
  return sequences.map((s, i) => {
    const z = {
      sum: 1,
      grpo: sequences.length * s.completion.length,
      dr_grpo: sequences.length * maxTokens,
      dapo: all,
      bnpo: batches.length * (inBatch[i] ?? 0),
    }[aggregation];
    return s.masked ? 0 : 1 / Math.max(1, z);
  });
}

/** What the token-loss kernel is told of the step's loss. Distillation has a kernel of its own. */
export function tokenLossOptions(loss: LossOptions): TokenLossOptions {
  switch (loss.kind) {
    case 'pg':
      return {
        ...NO_LOSS,
        nll: false,
        ...boundsOf(loss),
        cap: loss.correctionCap ?? 0,
        capMasks: loss.correctionMasks ? 1 : 0,
        estimator: ESTIMATORS[loss.kl ?? 'k3'],
      };
    case 'nll':
      return { ...NO_LOSS, floor: loss.floor ?? NO_FLOOR };
    case 'kd':
      return NO_LOSS;
    default:
      return loss satisfies never;
  }
}

/** What bounds the ratio, as the kernel is told. */
function boundsOf({ epsLow, epsHigh, ...loss }: Extract<LossOptions, { kind: 'pg' }>) {
  const bound = loss.surrogate ?? { kind: 'clip', cap: null };
  const surrogate = SURROGATES[bound.kind];
  switch (bound.kind) {
    case 'clip': {
      // Within the clip range a cap would bound what the clip lets through.
      const limit = bound.cap === null ? NO_LIMIT : Math.max(bound.cap, 1 + epsHigh);
      return { surrogate, epsLow, epsHigh, limit };
    }
    case 'cispo':
      return { surrogate, limit: bound.max };
    case 'sapo':
      return { surrogate, epsLow: bound.negative, epsHigh: bound.positive };
    case 'mask':
      return { surrogate, limit: bound.threshold };
    default:
      return bound satisfies never;
  }
}

/**
 * The tokens of a micro-batch for the token-loss kernel; `weights` are 1/Z by sequence, `reference`
 * the results of a pass without adapter.
 */
export function tokenWords(
  packed: Packed,
  sequences: readonly TrainSequence[],
  weights: readonly number[],
  loss: LossOptions,
  reference: Float32Array | null,
): Uint32Array {
  const beta = loss.kind === 'kd' ? 0 : loss.beta;
  const bonus = loss.kind === 'pg' ? (loss.entropyBonus ?? 0) : 0;
  const corrected = loss.kind === 'pg' && loss.correctionCap !== null;
  return packTokens(
    Array.from(packed.items, (i, e): LossToken => {
      const [s, weight] = [sequences[i], weights[i]];
      const position = packed.positions[e];
      const id = position === undefined ? undefined : s?.completion[position];
      if (!s || weight === undefined || position === undefined || id === undefined)
        throw new Error(`Entry ${e} of a micro-batch is no token of sequence ${i}.`);
      return {
        id,
        tau: s.temperature === 0 ? 1 : s.temperature,
        advantage: atToken(s.advantage ?? 0, position),
        old: s.oldLogprobs?.[position] ?? null,
        sampler: (corrected ? s.samplerLogprobs?.[position] : null) ?? null,
        reference: reference && resultAt(reference, e).logprob,
        // A phase's λ weighs its policy gradient (or NLL) only, never the KL term.
        weight: weight * atToken(s.weight ?? 1, position),
        klWeight: weight * beta,
        entropyWeight: weight * bonus,
        ratio: s.ratio ?? null,
      };
    }),
  );
}
