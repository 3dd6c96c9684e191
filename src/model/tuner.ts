/**
 * Picks among kernels that compute the same, by measuring them on the device with the model's own shapes. What it picks is
 * kept by adapter and shape, stands in a run's log and is forced when the run goes on, because variants differ by rounding:
 * a run's bits never depend on a measurement but the first.
 */
import * as v from 'valibot';
import type { OpenedDevice } from '../gpu/device.ts';
import { OutOfGpuMemoryError } from '../gpu/errors.ts';
import type { Kernel } from '../gpu/kernel.ts';
import type { BufferView } from '../gpu/memory.ts';
import { plain } from '../kernels/linear.ts';
import { measureDevice, perSecond } from '../kernels/measure.ts';
import { ROW_WORDS, writeRow } from '../kernels/rows.ts';
import { isSound } from '../kernels/self-test.ts';
import {
  attentionBackwardKernels,
  attentionKernel,
  candidates,
  checkVariants,
  productKernel,
  ROW_COUNTS,
  taskKey,
  transposedKernel,
  type Task,
  type Variants,
} from '../kernels/variants.ts';
import { isTiled } from '../lib/weight-blocks.ts';
import type { WeightMatrix } from './device-weights.ts';
import type { Transformer } from './transformer.ts';

/** Raised when kernels change in a way that makes earlier choices worthless. */
const VERSION = 1;
/** Shortest measurement of one variant; the whole takes a second or two, compilation aside. */
const SECONDS = 0.02;
/** Attention is measured with this many keys a row. */
const KEYS = 512;

/** Rows from which a product's rate is the device's, for cutting submits. */
const FILLING_ROWS = 256;

/** Where choices are kept between sessions; read back values are `unknown`. */
export interface TunerCache {
  read(key: string): Promise<unknown>;
  write(key: string, value: Variants): Promise<void>;
}

const Stored = v.record(v.string(), v.string());

/** Variants for this model on this device: from the cache, else measured. A software adapter has none: see docs/gpu.md. */
export async function tunedVariants(opened: OpenedDevice, model: Transformer, cache: TunerCache | null): Promise<Variants> {
  if (opened.software) return {};
  const key = cacheKey(opened, model);
  const stored = v.safeParse(Stored, await cache?.read(key).catch(() => null));
  if (stored.success) {
    checkVariants(stored.output);
    await measureDevice(opened); // the recorder's idea of the device's speed, which measuring variants gives too
    return stored.output;
  }
  const variants = await measureVariants(opened, model, SECONDS).catch((error: unknown) => {
    // Measuring needs room for a while; a model that fits without it is not refused.
    if (error instanceof OutOfGpuMemoryError) return null;
    throw error;
  });
  if (!variants) return {};
  await cache?.write(key, variants).catch(() => undefined); // measured again next time
  return variants;
}

/** The fastest candidate of each task; measured on the first layer's gate and up, the widest product of a layer. */
export async function measureVariants(opened: OpenedDevice, model: Transformer, seconds: number, rowCounts: readonly number[] = ROW_COUNTS): Promise<Variants> {
  const { memory, recorder } = opened;
  const { heads, kvHeads, headDim } = model.config;
  const frozen = model.layer(0).gateUp;
  const rows = Math.max(...rowCounts);
  const bench = new Bench(opened, seconds);
  const views = bench.views;
  try {
    const wide = Math.max(frozen.rows, frozen.cols);
    const [x, y] = [bench.alloc('x', rows * wide), bench.alloc('y', rows * wide)];
    // LoRA's A is in rows of f32 whatever the weights are; with weights in rows one choice serves both.
    const a = isTiled(frozen.precision) ? { shards: [{ view: bench.alloc('a', 48 * frozen.cols), firstRow: 0, rows: 48 }], precision: 'f32' as const, rows: 48, cols: frozen.cols } : null;
    const matrices: WeightMatrix[] = a ? [frozen, a] : [frozen];
    const kvWords = (KEYS + rows) * kvHeads * headDim;
    const [k, w] = [bench.alloc('k', kvWords), bench.alloc('v', kvWords)];
    const stats = bench.alloc('stats', 2 * rows * heads);
    const states = bench.alloc('rows', rows * ROW_WORDS);
    const keys = bench.alloc('keys', 4 * rows);
    await memory.settle();
    memory.write(states, rowsWithPrefix(rows));
    memory.write(keys, Uint32Array.from({ length: 4 * rows }, (_, i) => (i % 4 === 0 ? Math.min(rows, Math.floor(i / 4) + KEYS) : 0)));
    const chosen: Record<string, string> = {};
    for (const count of rowCounts) {
      for (const matrix of matrices) {
        const { precision, cols } = matrix;
        const shard = matrix.shards[0];
        if (!shard) throw new Error('A weight matrix has no shard.');
        const rate = await bench.pick(chosen, { kind: 'product', precision }, count, (trial) => [productKernel(trial, precision, count).kernel], (trial) => {
          const { kernel, constants } = productKernel(trial, precision, count);
          recorder.run(kernel, plain(count, cols / 4, shard.rows), { x, w: shard.view, y }, constants);
        });
        if (matrix === frozen && count >= FILLING_ROWS) recorder.flopsPerSecond = 2 * count * cols * shard.rows * rate;
        await bench.pick(chosen, { kind: 'transposed', precision }, count, (trial) => [transposedKernel(trial, precision, count).kernel], (trial) => {
          const { kernel, constants } = transposedKernel(trial, precision, count);
          recorder.run(kernel, { rows: count, inner4: cols / 4, cols: shard.rows, dy_stride: shard.rows, dy_offset: 0, accumulate: 0 }, { dy: y, w: shard.view, dx: x }, constants);
        });
      }
      const shape = { rows: count, heads, kv_heads: kvHeads, scale: 1 / Math.sqrt(headDim), keys: KEYS + 1 };
      const constants = { HEAD_DIM: headDim };
      await bench.pick(chosen, { kind: 'attention' }, count, (trial) => [attentionKernel(trial, count)], (trial) => {
        recorder.run(attentionKernel(trial, count), shape, { q: x, k, v: w, rows: states, o: y, stats }, constants);
      });
      await bench.pick(chosen, { kind: 'attention backward' }, count, (trial) => Object.values(attentionBackwardKernels(trial, count)), (trial) => {
        const { query, keyValue } = attentionBackwardKernels(trial, count);
        const [dq, dk, dv] = bench.gradients(rows * heads * headDim, rows * kvHeads * headDim);
        recorder.run(query, shape, { q: x, k, v: w, rows: states, o: y, d_o: y, stats, dq }, constants);
        recorder.run(keyValue, shape, { q: x, k, v: w, keys, d_o: y, stats, dk, dv }, constants);
      });
    }
    return chosen;
  } finally {
    recorder.submit();
    for (const view of views) memory.free(view);
    recorder.forgetBindGroups();
  }
}

class Bench {
  readonly views: BufferView[] = [];
  readonly #sound = new Map<Kernel, boolean>();
  #gradients: [BufferView, BufferView, BufferView] | null = null;

  constructor(
    private readonly opened: OpenedDevice,
    private readonly seconds: number,
  ) {}

  alloc(label: string, words: number): BufferView {
    const view = this.opened.memory.alloc(`tuner ${label}`, 4 * words);
    this.views.push(view);
    return view;
  }

  gradients(queries: number, keys: number): readonly [BufferView, BufferView, BufferView] {
    this.#gradients ??= [this.alloc('dq', queries), this.alloc('dk', keys), this.alloc('dv', keys)];
    return this.#gradients;
  }

  async sound(kernels: readonly Kernel[]): Promise<boolean> {
    for (const kernel of kernels) {
      if (!this.#sound.has(kernel)) this.#sound.set(kernel, await isSound(this.opened, kernel));
      if (this.#sound.get(kernel) !== true) return false;
    }
    return true;
  }

  /**
   * Adds the fastest candidate to `chosen`; returns its runs a second. A candidate other than the plain one must have shown
   * on this device that it computes what its reference does: a driver may refuse a kernel, or get it wrong.
   */
  async pick(chosen: Record<string, string>, task: Task, rows: number, kernels: (trial: Variants) => readonly Kernel[], run: (trial: Variants) => void): Promise<number> {
    const key = taskKey(task, rows);
    let best = 0;
    for (const name of candidates(task, rows)) {
      if (name !== 'plain' && !(await this.sound(kernels({ [key]: name })))) continue;
      const rate = await perSecond(this.opened, this.seconds, () => run({ [key]: name }));
      if (rate <= best) continue;
      best = rate;
      chosen[key] = name;
    }
    return best;
  }
}

/** Rows that attend to the same prefix of KEYS rows and to themselves. */
function rowsWithPrefix(count: number): Uint32Array {
  const words = new Uint32Array(count * ROW_WORDS);
  for (let row = 0; row < count; row++) {
    writeRow(words, row, { token: 0, position: 0, kv: row, prefixStart: 0, prefixLen: KEYS, ownStart: KEYS + row, ownLen: 1, adapter: 0 });
  }
  return words;
}

function cacheKey({ info }: OpenedDevice, model: Transformer): string {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = model.config;
  const shape = [hiddenSize, intermediateSize, heads, kvHeads, headDim, model.layer(0).gateUp.precision];
  return ['tuner', VERSION, info.vendor, info.architecture, info.description, ...shape].join('/');
}
