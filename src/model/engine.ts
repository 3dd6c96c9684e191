/**
 * What a training method asks of the model: sample, score, update. Implemented on WebGPU by
 * `GpuEngine` (gpu-engine.ts); methods and session see this interface only. Token ids everywhere;
 * text is the caller's business.
 */

/**
 * Adapters an engine can hold: the policy, Refl-KD's reflector, and a teacher that is neither (an
 * average of students).
 */
export type TrainableName = 'student' | 'reflector' | 'teacher';
export type AdapterName = 'none' | TrainableName;
/** What rows carry to choose one. */
export const ADAPTER_INDEX = {
  none: 0,
  student: 1,
  reflector: 2,
  teacher: 3,
} as const satisfies Record<AdapterName, number>;

export interface GenerateRequest {
  /** Prompt token ids; their KV is computed once and shared by all `samples`. */
  readonly prompt: readonly number[];
  readonly samples: number;
  readonly adapter: AdapterName;
  /** 0 is greedy. */
  readonly temperature: number;
  /** 0: off. */
  readonly topK: number;
  /** 1: off. */
  readonly topP: number;
  /**
   * Random numbers are keyed by (seed, stream + sample, position): they depend on no batch
   * neighbour and no order.
   */
  readonly seed: number;
  readonly stream: number;
  /** Most new tokens, the end token included. */
  readonly maxTokens: number;
  /** Ids that end a completion; the one that did is kept as its last id. */
  readonly stopIds: readonly number[];
  /**
   * Called with the new ids so far at block boundaries; returning true ends the completion there
   * with `stop`.
   */
  readonly stopWhen?: (ids: readonly number[]) => boolean;
}

export interface Completion {
  /** Index into the requests given. */
  readonly request: number;
  readonly sample: number;
  /** New tokens, the end token included. */
  readonly ids: number[];
  /**
   * log softmax(z/τ)[id] over the full vocabulary at the request's temperature (τ = 1 when greedy).
   */
  readonly logprobs: Float32Array;
  /** Entropy of softmax(z/τ) in nats. */
  readonly entropy: Float32Array;
  readonly finish: 'eos' | 'stop' | 'length';
}

export interface ScoreRequest {
  readonly ids: readonly number[];
  /** Positions >= promptLength are scored; at least 1. */
  readonly promptLength: number;
  readonly adapter: AdapterName;
  /** τ of all figures (1). */
  readonly temperature?: number;
  /** k most likely (id, logprob) per position; 0 or absent: none. */
  readonly top?: number;
}

export interface Score {
  readonly logprobs: Float32Array;
  readonly entropy: Float32Array;
  readonly top?: [id: number, logprob: number][][];
}

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
  /** Policy gradient: A. */
  readonly advantage?: number;
  /** Policy gradient: ℓ_old per completion token; absent: this step's own (ratio 1). */
  readonly oldLogprobs?: ArrayLike<number>;
  /** The sampler's own log-probs, for the correction weight u and the sampler-trainer gap. */
  readonly samplerLogprobs?: ArrayLike<number>;
  /** NLL and KD: weight of every completion token (1). Policy gradient: λ of the phase (1). */
  readonly weight?: number;
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

export type Aggregation = 'dapo' | 'grpo' | 'dr_grpo' | 'bnpo';

export type LossOptions =
  | {
      readonly kind: 'pg';
      readonly aggregation: Aggregation;
      readonly epsLow: number;
      readonly epsHigh: number;
      /** Weight of k3 to the reference (every adapter off). */
      readonly beta: number;
      /** Cap C of the sampler correction; null: no correction. */
      readonly correctionCap: number | null;
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

export interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Of q, k, v, o, gate, up, down. */
  readonly targets: readonly LoraTarget[];
}
export type LoraTarget = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';
export const LORA_TARGETS: readonly LoraTarget[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];

/**
 * PEFT-named f32 tensors of one adapter:
 * `base_model.model.model.layers.N.<block>.<proj>.lora_{A,B}.weight`.
 */
export type AdapterTensors = Map<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array }
>;

export interface Engine {
  readonly vocabSize: number;
  readonly maxContext: number;
  generate(
    requests: readonly GenerateRequest[],
    options?: {
      readonly onCompletion?: (completion: Completion) => void;
      readonly onTokens?: (generated: number) => void;
      readonly signal?: AbortSignal;
    },
  ): Promise<Completion[]>;
  score(requests: readonly ScoreRequest[]): Promise<Score[]>;
  /**
   * Creates (or replaces) an adapter: A ~ U(−1/√in, 1/√in) from the seed, B = 0, fresh optimiser
   * state.
   */
  createAdapter(name: TrainableName, config: LoraConfig, seed: number): void;
  loadAdapter(name: TrainableName, config: LoraConfig, tensors: AdapterTensors): void;
  exportAdapter(name: TrainableName): Promise<AdapterTensors>;
  /** One optimiser step of `adapter` over all sequences, in micro-batches of fixed size. */
  trainStep(options: {
    readonly adapter: TrainableName;
    readonly sequences: readonly TrainSequence[];
    readonly loss: LossOptions;
    readonly optimizer: OptimizerOptions;
    /** Also run the reference (adapters off), for KL. */
    readonly reference: boolean;
    readonly signal?: AbortSignal;
  }): Promise<TrainResult>;
  /** Parameters, both Adam moments and the step count of an adapter, bit-exact. */
  saveState(name: TrainableName): Promise<Uint8Array>;
  restoreState(name: TrainableName, config: LoraConfig, state: Uint8Array): void;
  /** Rows of a training micro-batch: written into `run.started` and forced on resume. */
  microBatchRows: number;
  /** Completions decoded side by side; written and forced likewise. */
  slots: number;
  /**
   * Which kernel computes what (src/kernels/variants.ts); written and forced likewise. {}: the
   * plain ones.
   */
  variants: Readonly<Record<string, string>>;
  destroy(): void;
}
