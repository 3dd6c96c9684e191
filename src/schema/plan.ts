import * as v from 'valibot';
import { WEIGHT_PRECISIONS } from '../lib/weight-blocks.ts';

/**
 * Parts of the device's memory, in the order they are shown; buffers name theirs with the first
 * word of their label.
 */
export const MEMORY_PARTS = [
  'weights',
  'adapter',
  'kv',
  'decode',
  'train',
  'checkpoints',
  'head',
  'staging',
] as const;
export type MemoryPart = (typeof MEMORY_PARTS)[number];
/** The parts in words. */
export const PART_NAMES: Readonly<Record<MemoryPart, string>> = {
  weights: 'weights',
  adapter: 'adapters with gradients and moments',
  kv: 'keys and values',
  decode: 'decoding',
  train: 'training activations',
  checkpoints: 'layer inputs',
  head: 'output head',
  staging: 'read-back',
};

const bytes = v.pipe(v.number(), v.minValue(0));

/** What an engine takes at once; chosen by plan, written into `run.started`, forced on resume. */
export const EngineSizes = v.object({
  /** Rows (tokens) of a training micro-batch. */
  microBatchRows: v.number(),
  /** Completions decoded side by side. */
  slots: v.number(),
});
export type EngineSizes = v.InferOutput<typeof EngineSizes>;

/** Memory that a run would take, and whether it is there. All sizes in bytes. */
export const MemoryPlan = v.object({
  precision: v.picklist(WEIGHT_PRECISIONS),
  sizes: EngineSizes,
  /** On the device, all at once. */
  parts: v.object(v.entriesFromList(MEMORY_PARTS, bytes)),
  device: bytes,
  /**
   * In the page or process beside it, roughly: adapter states on their way to the store, results on
   * their way back.
   */
  host: bytes,
  /** One checkpoint: every adapter with its optimiser. */
  checkpoint: bytes,
  budget: v.object({
    bytes,
    /**
     * Where the number is from, as half a sentence: WebGPU does not tell how much memory there is.
     */
    source: v.string(),
    /** It was given by the user, not assumed. */
    given: v.boolean(),
  }),
  /** The buffer that is larger than the device allows one to be, if any. */
  tooLarge: v.nullable(v.object({ what: v.string(), bytes, limit: bytes })),
  fits: v.boolean(),
  /** One sentence: what it takes, and of what. */
  summary: v.string(),
  /** What was made smaller so that it fits, or what to change where it does not; null: nothing. */
  advice: v.nullable(v.string()),
  /**
   * The largest precision that would fit where the planned one does not; null: it fits, or none
   * would.
   */
  proposes: v.nullable(v.picklist(WEIGHT_PRECISIONS)),
});
export type MemoryPlan = v.InferOutput<typeof MemoryPlan>;

/** What a run would store, against what there is room for. Bytes. */
export const StoragePlan = v.object({
  /**
   * Checkpoints (the last two, and the next while it is written), the log, the trained adapters.
   */
  bytes,
  /** Null: not known. */
  free: v.nullable(bytes),
  /** The browser will not delete it unasked; null: no browser. */
  persisted: v.nullable(v.boolean()),
  fits: v.boolean(),
  summary: v.string(),
});
export type StoragePlan = v.InferOutput<typeof StoragePlan>;

export const RunPlan = v.object({
  memory: MemoryPlan,
  storage: StoragePlan,
  /**
   * One sentence where the model is not here and the plan was made without its files: from what.
   */
  ahead: v.nullable(v.string()),
});
export type RunPlan = v.InferOutput<typeof RunPlan>;

const seconds = v.pipe(v.number(), v.minValue(0));
/**
 * How long a step takes here, measured before the start. Grading is left out: it goes on beside
 * sampling.
 */
export const StepEstimate = v.object({
  /** Where every answer has half the tokens it may have, and where it has all of them. */
  sample: v.object({ half: seconds, full: seconds }),
  update: v.object({ half: seconds, full: seconds }),
  /** Of the two together. */
  step: v.object({ half: seconds, full: seconds }),
  /**
   * Relative difference between repeated measurements, the machine's own noise; null: too slow to
   * measure twice, so worked out from a small piece.
   */
  noise: v.nullable(v.number()),
  /** What the measuring took. */
  measured: seconds,
});
export type StepEstimate = v.InferOutput<typeof StepEstimate>;
