/**
 * What a training method asks of the model: sample, score, update. Implemented on WebGPU by
 * `GpuEngine` (gpu-engine.ts); methods and session see this interface only. Token ids everywhere;
 * text is the caller's business.
 */
import type { Completion, GenerateOptions, GenerateRequest } from './decode/request.ts';
import type { Score, ScoreRequest } from './forward/scorer.ts';
import type { TrainResult, TrainStepOptions } from './train/step.ts';
import type { AdapterTensors, LoraConfig, TrainableName } from './weights/adapter.ts';

export type { Completion, GenerateOptions, GenerateRequest } from './decode/request.ts';
export type { Score, ScoreRequest } from './forward/scorer.ts';
export type {
  Aggregation,
  KlEstimator,
  LossOptions,
  OptimizerOptions,
  Surrogate,
  TeacherTokens,
  TokenColumns,
  TrainResult,
  TrainSequence,
  TrainStepOptions,
} from './train/step.ts';
export { atToken } from './train/step.ts';
export {
  LORA_TARGETS,
  type AdapterName,
  type AdapterTensors,
  type LoraConfig,
  type LoraTarget,
  type TrainableName,
} from './weights/adapter.ts';

export interface Engine {
  readonly vocabSize: number;
  readonly maxContext: number;
  generate(requests: readonly GenerateRequest[], options?: GenerateOptions): Promise<Completion[]>;
  score(requests: readonly ScoreRequest[]): Promise<Score[]>;
  /**
   * Creates (or replaces) an adapter: A ~ U(−1/√in, 1/√in) from the seed, B = 0, fresh optimiser
   * state.
   */
  createAdapter(name: TrainableName, config: LoraConfig, seed: number): void;
  loadAdapter(name: TrainableName, config: LoraConfig, tensors: AdapterTensors): void;
  exportAdapter(name: TrainableName): Promise<AdapterTensors>;
  /** One optimiser step of `adapter` over all sequences, in micro-batches of fixed size. */
  trainStep(options: TrainStepOptions & { readonly adapter: TrainableName }): Promise<TrainResult>;
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
