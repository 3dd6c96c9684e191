/**
 * The teacher's k most likely tokens at each completion token, by position: (T · k). Ids of one
 * position are distinct.
 */
export interface TeacherTokens {
  readonly k: number;
  readonly ids: ArrayLike<number>;
  /** log softmax(z/τ) at the sequence's temperature. */
  readonly logprobs: ArrayLike<number>;
}

/**
 * One sequence of an optimiser step. Sequences with equal `group` must have the same prompt, which
 * is computed once.
 */
export interface TrainSequence {
  readonly group: number;
  readonly prompt: readonly number[];
  /** Completion ids, end token included; only these carry loss. */
  readonly completion: readonly number[];
  /** The temperature this sequence was sampled at. */
  readonly temperature: number;
  /** Policy gradient: A, of the completion or of each of its tokens. */
  readonly advantage?: number | ArrayLike<number>;
  /** Policy gradient: ℓ_old per completion token; absent: this step's own (ratio 1). */
  readonly oldLogprobs?: ArrayLike<number>;
  /** The sampler's own log-probs, for the correction weight u and the sampler-trainer gap. */
  readonly samplerLogprobs?: ArrayLike<number>;
  /**
   * Weight (1) of the completion's tokens, or of each: of their likelihood, distillation or policy
   * gradient, never of KL and entropy.
   */
  readonly weight?: number | ArrayLike<number>;
  /** Policy gradient: ρ of every token, that of the sequence; absent: each token's own. */
  readonly ratio?: number;
  /** KD: what to follow at each completion token. */
  readonly teacher?: TeacherTokens;
  /**
   * Sequences of one part (0) get a gradient norm of their own. Parts are numbered from 0 without
   * gaps.
   */
  readonly part?: number;
  /** True: in the baseline, but masked out of the loss (truncated completions). */
  readonly masked?: boolean;
}

/** A value of a completion, or of each of its tokens, at one of them. */
export function atToken(value: number | ArrayLike<number>, position: number): number {
  if (typeof value === 'number') return value;
  const found = value[position];
  if (found === undefined)
    throw new Error(`A completion has ${value.length} values, and none for token ${position}.`);
  return found;
}

/** What bounds the ratio; docs/methods.md has the formulas. */
export type Surrogate =
  | {
      readonly kind: 'clip';
      /** δ, the largest ratio where the advantage is negative; null: there is none. */
      readonly cap: number | null;
    }
  | { readonly kind: 'cispo'; readonly max: number }
  | { readonly kind: 'sapo'; readonly positive: number; readonly negative: number }
  | { readonly kind: 'mask'; readonly threshold: number };

export type KlEstimator = 'k1' | 'k2' | 'k3' | 'k3-ratio';

export type Aggregation = 'dapo' | 'grpo' | 'dr_grpo' | 'bnpo';

export type LossOptions =
  | {
      readonly kind: 'pg';
      readonly aggregation: Aggregation;
      readonly epsLow: number;
      readonly epsHigh: number;
      /** What bounds the ratio; absent: `clip` by ε alone. */
      readonly surrogate?: Surrogate;
      /** Weight of the KL to the reference (every adapter off), and its estimate (k3). */
      readonly beta: number;
      readonly kl?: KlEstimator;
      /** Cap C of the sampler correction of each token; null: no correction. */
      readonly correctionCap: number | null;
      /** Corrections above the cap count 0 in place of C. */
      readonly correctionMasks?: boolean;
      /** c_H, weight of the entropy of each token's distribution (0). */
      readonly entropyBonus?: number;
      /** L_max of `dr_grpo`. */
      readonly maxTokens: number;
    }
  | {
      /**
       * Σ weight · (−ℓ): divided by nothing (`sum`) or by the step's tokens with loss (`dapo`).
       * REINFORCE where weights are signed.
       */
      readonly kind: 'nll';
      readonly aggregation: 'sum' | 'dapo';
      /** Weight of k3 to the reference, divided by the same. */
      readonly beta: number;
      /**
       * Tokens with a negative weight and ℓ below this are left out of the likelihood term; null:
       * none are.
       */
      readonly floor: number | null;
    }
  /**
   * Σ weight · τ² · KL(teacher ‖ student) over the teacher's tokens and the mass outside them
   * (`tail`), or renormalised.
   */
  | { readonly kind: 'kd'; readonly mode: 'tail' | 'renorm' };

export interface OptimizerOptions {
  readonly learningRate: number;
  readonly clipNorm: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** Per completion token of one sequence, in its order. */
export interface TokenColumns {
  /** Trainer's log-prob at the sequence's temperature, before the update. */
  readonly logprobs: Float32Array;
  readonly entropy: Float32Array;
  /** k3 to the reference; zeros where no reference pass was asked for. */
  readonly kl: Float32Array;
  /** ρ against ℓ_old. */
  readonly ratio: Float32Array;
  /** The token's share of the loss, its weight and 1/Z included. */
  readonly loss: Float32Array;
}

export interface TrainResult {
  readonly loss: number;
  /** Global L2 norm before clipping. */
  readonly gradNorm: number;
  /** The same of each part of the sequences alone, in the order of their numbers. */
  readonly partNorms: readonly number[];
  /** Mean k3 over unmasked completion tokens (0 without reference pass). */
  readonly kl: number;
  readonly entropy: number;
  /** Fraction of unmasked completion tokens whose ratio was clipped. */
  readonly clipRatio: number;
  /** Completion tokens that carried loss. */
  readonly tokens: number;
  /** Mean |ℓ_sampler − ℓ_trainer| where sampler log-probs were given, else null. */
  readonly samplerGap: number | null;
  /** True: a gradient was not finite and nothing was changed. */
  readonly skipped: boolean;
  readonly columns: TokenColumns[];
}

export interface TrainStepOptions {
  readonly sequences: readonly TrainSequence[];
  readonly loss: LossOptions;
  readonly optimizer: OptimizerOptions;
  /** Also run the reference (adapters off), for KL. */
  readonly reference: boolean;
  readonly signal?: AbortSignal;
}
