/** What the loss needs to know of a token; log-probs that are null are absent. */
export interface LossToken {
  readonly id: number;
  /** Temperature the sequence was sampled at. */
  readonly tau: number;
  readonly advantage: number;
  readonly old: number | null;
  readonly sampler: number | null;
  readonly reference: number | null;
  /** λ m / Z. */
  readonly weight: number;
  /** β m / Z. */
  readonly klWeight: number;
  /** c_H m / Z. */
  readonly entropyWeight: number;
  /** The ratio of its sequence, in place of the token's own; null: its own. */
  readonly ratio: number | null;
}

/** What bounds the ratio, by its number in the kernel. */
export const SURROGATES = { clip: 0, cispo: 1, sapo: 2, mask: 3 } as const;
/** Estimates of the KL that the loss may weigh, by their numbers in the kernel. */
export const ESTIMATORS = { k3: 0, k1: 1, k2: 2, 'k3-ratio': 3 } as const;
/** Beyond it f32 has no ratio, and 0 times what it has instead is not 0. */
export const MOST_LOG_RATIO = 69;
const MOST_RATIO = 9e29; // just below e^69

/** Parameters of the kernel that a token's loss depends on. */
export interface LossParams {
  /** 1: the likelihood, in place of the policy gradient. */
  readonly nll: number;
  readonly surrogate: number;
  /** Clip: below and above 1. Sapo: temperatures of negative and positive advantages. */
  readonly eps_low: number;
  readonly eps_high: number;
  /** Clip: the largest ratio. Cispo: the largest weight. Mask: how far a probability may move. */
  readonly limit: number;
  /** Of the sampler correction, and whether what exceeds it counts nothing. */
  readonly cap: number;
  readonly cap_masks: number;
  readonly estimator: number;
  readonly floor: number;
}

/**
 * One token's loss without its entropy, and the slope dL/dℓ, by the formulas of docs/methods.md. The
 * divergence counts under either objective. `at`: ℓ where what is constant to the gradient is taken.
 */
export function lossOf(logprob: number, t: LossToken, p: LossParams, at: number) {
  // A token that is unlikely enough is not pushed down further: the likelihood of unwanted tokens
  // has no lower bound.
  const weight = p.nll !== 0 && t.weight < 0 && logprob < p.floor ? 0 : t.weight;
  let [loss, slope, ratio, divergence, clipped] = [-weight * logprob, -weight, 1, 0, false];
  const old = t.old ?? logprob;
  if (p.nll === 0) {
    // The ratio of a sequence moves with each of its tokens, as in GSPO-token.
    const own = (l: number) => Math.exp(Math.min(l - old, MOST_LOG_RATIO));
    ratio = t.ratio === null ? own(logprob) : t.ratio * Math.exp(logprob - at);
    const fixed = t.ratio ?? own(at);
    const raw = t.sampler === null ? 1 : Math.exp(old - t.sampler);
    const beyond = t.sampler !== null && raw > p.cap;
    const correction = beyond ? (p.cap_masks !== 0 ? 0 : p.cap) : raw;
    const term = surrogateOf(ratio, fixed, logprob, old, t.advantage, p);
    clipped = term.clipped;
    loss = -t.weight * correction * term.value;
    slope = -t.weight * correction * term.slope;
  }
  if (t.reference !== null) {
    const raw = t.reference - logprob;
    const delta = Math.min(Math.max(raw, -20), 20);
    const inside = raw === delta ? 1 : 0;
    divergence = Math.min(Math.expm1(delta) - delta, 10);
    const k3Slope = divergence < 10 ? -Math.expm1(delta) * inside : 0;
    const own = Math.exp(Math.min(logprob - old, MOST_LOG_RATIO));
    const [penalty, penaltySlope] = (
      {
        [ESTIMATORS.k3]: [divergence, k3Slope],
        [ESTIMATORS.k1]: [-delta, inside],
        [ESTIMATORS.k2]: [delta ** 2 / 2, -delta * inside],
        [ESTIMATORS['k3-ratio']]: [own * divergence, own * (divergence + k3Slope)],
      } as const
    )[p.estimator as 0 | 1 | 2 | 3];
    loss += t.klWeight * penalty;
    slope += t.klWeight * penaltySlope;
  }
  return { loss, slope, ratio, divergence, clipped };
}

/** What a ratio and an advantage are worth; `fixed`: the ratio where it is a constant. */
function surrogateOf(
  ratio: number,
  fixed: number,
  logprob: number,
  old: number,
  advantage: number,
  p: LossParams,
): { value: number; slope: number; clipped: boolean } {
  switch (p.surrogate) {
    case SURROGATES.cispo: {
      const slope = Math.min(fixed, p.limit) * advantage;
      return { value: slope * logprob, slope, clipped: ratio > p.limit };
    }
    case SURROGATES.sapo: {
      const temperature = advantage > 0 ? p.eps_high : p.eps_low;
      const gate = 1 / (1 + Math.exp(-temperature * (ratio - 1)));
      return {
        value: (4 / temperature) * gate * advantage,
        slope: 4 * gate * (1 - gate) * ratio * advantage,
        clipped: false,
      };
    }
    case SURROGATES.mask: {
      const moved = (Math.exp(logprob) - Math.exp(old)) * Math.sign(advantage);
      const clipped = moved > p.limit || ratio > MOST_RATIO;
      const value = clipped ? 0 : ratio * advantage;
      return { value, slope: value, clipped };
    }
    default: {
      const bounded = Math.min(Math.max(ratio, 1 - p.eps_low), 1 + p.eps_high);
      const beyond = advantage < 0 && ratio > p.limit;
      const clipped = bounded * advantage < ratio * advantage || beyond;
      return {
        value: Math.min(Math.min(ratio, p.limit) * advantage, bounded * advantage),
        slope: clipped ? 0 : ratio * advantage,
        clipped,
      };
    }
  }
}
