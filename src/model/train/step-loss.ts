import {
  HAS_OLD,
  HAS_REFERENCE,
  HAS_SAMPLER,
  NO_FLOOR,
  RESULT_WORDS,
  TOKEN_WORDS,
} from '../../kernels/token-loss.ts';
import type { LossOptions, TrainSequence } from '../engine.ts';
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
        epsLow: loss.epsLow,
        epsHigh: loss.epsHigh,
        cap: loss.correctionCap ?? 0,
      };
    case 'nll':
      return { ...NO_LOSS, floor: loss.floor ?? NO_FLOOR };
    case 'kd':
      return NO_LOSS;
    default:
      return loss satisfies never;
  }
}

/**
 * (entries, 9) words for the token-loss kernel; `weights` are 1/Z by sequence, `reference` the
 * results of a pass without adapter.
 */
export function tokenWords(
  packed: Packed,
  sequences: readonly TrainSequence[],
  weights: readonly number[],
  loss: LossOptions,
  reference: Float32Array | null,
): Uint32Array {
  const n = packed.sources.length;
  const words = new Uint32Array(n * TOKEN_WORDS);
  const floats = new Float32Array(words.buffer);
  const beta = loss.kind === 'kd' ? 0 : loss.beta;
  const corrected = loss.kind === 'pg' && loss.correctionCap !== null;
  for (let e = 0; e < n; e++) {
    const i = packed.items[e] ?? 0;
    const position = packed.positions[e] ?? 0;
    const s = sequences[i];
    if (!s) continue;
    const at = e * TOKEN_WORDS;
    const old = s.oldLogprobs?.[position];
    const sampler = corrected ? s.samplerLogprobs?.[position] : undefined;
    words[at] = s.completion[position] ?? 0;
    floats[at + 1] = s.temperature === 0 ? 1 : s.temperature;
    floats[at + 2] = s.advantage ?? 0;
    floats[at + 3] = old ?? 0;
    floats[at + 4] = sampler ?? 0;
    floats[at + 5] = reference?.[e * RESULT_WORDS] ?? 0;
    // A phase's λ weighs its policy gradient (or NLL) only, never the KL term.
    floats[at + 6] = (weights[i] ?? 0) * (s.weight ?? 1);
    floats[at + 7] = (weights[i] ?? 0) * beta;
    words[at + 8] =
      (old === undefined ? 0 : HAS_OLD) |
      (sampler === undefined ? 0 : HAS_SAMPLER) |
      (reference ? HAS_REFERENCE : 0);
  }
  return words;
}
