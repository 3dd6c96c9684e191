import { DeviceLostError, OutOfGpuMemoryError } from '../gpu/errors.ts';
import { partOf } from '../gpu/memory.ts';
import type { EngineSizes } from '../schema/plan.ts';

/**
 * Sizes below which nothing is gained: a sequence is computed whole, however small the micro-batch.
 */
const FEWEST: EngineSizes = { microBatchRows: 64, slots: 1 };

/** Memory ran out: an allocation failed, or the driver gave the device up for it. */
export function isOutOfMemory(error: unknown): error is OutOfGpuMemoryError | DeviceLostError {
  return (
    error instanceof OutOfGpuMemoryError || (error instanceof DeviceLostError && error.outOfMemory)
  );
}

/**
 * The next smaller sizes to try after memory ran out: what ran out is halved (slots in decoding,
 * the micro-batch elsewhere), or, where that is at its floor, the other. Null: nothing is left to
 * make smaller.
 */
export function smallerSizes(
  error: OutOfGpuMemoryError | DeviceLostError,
  sizes: EngineSizes,
): EngineSizes | null {
  const part = error instanceof OutOfGpuMemoryError ? partOf(error.label) : '';
  if (part === 'weights') return null;
  const order: (keyof EngineSizes)[] =
    part === 'kv' || part === 'decode' ? ['slots', 'microBatchRows'] : ['microBatchRows', 'slots'];
  for (const name of order) {
    const half = Math.max(FEWEST[name], Math.floor(sizes[name] / 2));
    if (half < sizes[name]) return { ...sizes, [name]: half };
  }
  return null;
}

/** Most of a run's time that may go into checkpoints. */
const CHECKPOINT_SHARE = 0.05;

/** When to keep a checkpoint: no step's result depends on it, so this may depend on time. */
export class CheckpointPace {
  private last: number;
  private cost = 0;

  /** @param clock ms that never go back; the machine's date may be set back while a run goes on. */
  constructor(private readonly clock: () => number = () => performance.now()) {
    this.last = clock();
  }

  /** Times one checkpoint. */
  async timed(save: () => Promise<void>): Promise<void> {
    const started = this.clock();
    await save();
    this.last = this.clock();
    this.cost = this.last - started;
  }

  /** The work since the last checkpoint is worth what another one costs. */
  get due(): boolean {
    return (this.clock() - this.last) * CHECKPOINT_SHARE >= this.cost;
  }
}
