/**
 * Picks among kernels that compute the same, by measuring them on the device with the model's own shapes. What it picks is
 * kept by adapter and shape, stands in a run's log and is forced when the run goes on, because variants differ by rounding:
 * a run's bits never depend on a measurement but the first.
 */
import * as v from 'valibot';
import type { OpenedDevice } from '../gpu/device.ts';
import { OutOfGpuMemoryError } from '../gpu/errors.ts';
import type { Kernel } from '../gpu/kernel.ts';
import type { Allocator } from '../gpu/memory.ts';
import { kdLoss } from '../kernels/kd-loss.ts';
import { NO_SEGMENT, plain } from '../kernels/linear.ts';
import { measureDevice, perSecond } from '../kernels/measure.ts';
import { ROW_WORDS, writeRow } from '../kernels/rows.ts';
import { sample, SAMPLED_WORDS, SLOT_WORDS, writeSlot } from '../kernels/sample.ts';
import { isSound } from '../kernels/self-test.ts';
import { NO_FLOOR, RESULT_WORDS, TOKEN_WORDS, tokenLoss, writeToken } from '../kernels/token-loss.ts';
import {
  attentionBackwardKernels,
  attentionKernel,
  candidates,
  checkVariants,
  loraGradientKernel,
  productKernel,
  ROW_COUNTS,
  taskKey,
  transposedKernel,
  type Task,
  type Variants,
  vocabularyConstants,
} from '../kernels/variants.ts';
import { isTiled } from '../lib/weight-blocks.ts';
import type { ModelConfig } from './config.ts';
import type { Transformer } from './transformer.ts';

/** Raised when kernels change in a way that makes earlier choices worthless. */
const VERSION = 2;
/** Shortest measurement of one variant; the whole takes a second or two, compilation aside. */
const SECONDS = 0.02;
/** Attention is measured with this many keys a row. */
const KEYS = 512;
/** Sums over the vocabulary are measured on a group of this many rows. */
const VOCABULARY_ROWS = 10;
/** LoRA is measured at this rank, as for q, k and v. */
const LORA_RANK = 16;
const LORA_OUTPUTS = 3 * LORA_RANK;

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
  // The recorder cuts dispatches by the device's speed: by the one it assumes, pieces would be measured.
  await whereThereIsRoom(() => measureDevice(opened));
  const key = cacheKey(opened, model);
  const stored = v.safeParse(Stored, await cache?.read(key).catch(() => null));
  if (stored.success) {
    checkVariants(stored.output);
    return stored.output;
  }
  const variants = await whereThereIsRoom(() => measureVariants(opened, model, SECONDS));
  if (!variants) return {};
  await cache?.write(key, variants).catch(() => undefined); // measured again next time
  return variants;
}

/** Null where there is none: measuring takes memory for a while, and a model that fits without it is not refused. */
async function whereThereIsRoom<T>(measure: () => Promise<T>): Promise<T | null> {
  try {
    return await measure();
  } catch (error) {
    if (error instanceof OutOfGpuMemoryError) return null;
    throw error;
  }
}

/** How many of a piece's outputs are measured: more fill no device better, and need more room. */
export function tunedOutputs(outputs: number): number {
  return Math.min(outputs, 16_384);
}

/** The shape of what is measured: the first piece of the widest product of a layer, gate and up. */
export interface TunedShape {
  readonly inner: number;
  readonly outputs: number;
  /** q8 or q4. */
  readonly tiled: boolean;
}

/** What measuring passes of up to `rows` rows takes; it is given back before a run takes its own. */
export function tunerBuffers(memory: Allocator, config: ModelConfig, { inner, outputs, tiled }: TunedShape, rows: number) {
  const words = (label: string, count: number) => memory.alloc(`tuner ${label}`, 4 * count);
  const [queries, keys] = [config.heads * config.headDim, config.kvHeads * config.headDim];
  return {
    x: words('x', rows * Math.max(inner, queries)),
    y: words('y', Math.max(rows * Math.max(outputs, queries), VOCABULARY_ROWS * config.vocabSize)),
    // LoRA's A is in rows of f32 whatever the weights are; with weights in rows one choice serves both.
    a: tiled ? words('a', LORA_OUTPUTS * inner) : undefined,
    h: words('h', rows * LORA_OUTPUTS),
    gradient: words('gradient', Math.max(LORA_OUTPUTS * inner, LORA_RANK * outputs)),
    k: words('k', (KEYS + rows) * keys),
    v: words('v', (KEYS + rows) * keys),
    keys: words('keys', 4 * rows),
    stats: words('stats', 2 * rows * config.heads),
    rows: words('rows', Math.max(rows, VOCABULARY_ROWS) * ROW_WORDS),
    dq: words('dq', rows * queries),
    dk: words('dk', rows * keys),
    dv: words('dv', rows * keys),
    tokens: words('tokens', VOCABULARY_ROWS * TOKEN_WORDS),
    results: words('results', VOCABULARY_ROWS * RESULT_WORDS),
    slots: words('slots', VOCABULARY_ROWS * SLOT_WORDS),
    sampled: words('sampled', VOCABULARY_ROWS * SAMPLED_WORDS),
  };
}

/** The fastest candidate of each task. */
export async function measureVariants(opened: OpenedDevice, model: Transformer, seconds: number, rowCounts: readonly number[] = ROW_COUNTS): Promise<Variants> {
  const { memory, recorder } = opened;
  const { heads, kvHeads, headDim, vocabSize } = model.config;
  const frozen = model.layer(0).gateUp;
  const [shard] = frozen.shards;
  if (!shard) throw new Error('A weight matrix has no shard.');
  const { cols: inner, precision } = frozen;
  const outputs = tunedOutputs(shard.rows);
  const rows = Math.max(...rowCounts);
  const bench = new Bench(opened, seconds);
  const b = memory.whole(() => tunerBuffers(memory, model.config, { inner, outputs, tiled: isTiled(precision) }, rows));
  try {
    await memory.settle();
    memory.write(b.rows, rowsWithPrefix(rows));
    memory.write(b.keys, Uint32Array.from({ length: 4 * rows }, (_, i) => (i % 4 === 0 ? Math.min(rows, Math.floor(i / 4) + KEYS) : 0)));
    const tokens = new Uint32Array(VOCABULARY_ROWS * TOKEN_WORDS);
    const token = { id: 0, tau: 1, advantage: 1, old: null, sampler: null, reference: null, weight: 1, klWeight: 0 };
    for (let entry = 0; entry < VOCABULARY_ROWS; entry++) writeToken(tokens, entry, token);
    memory.write(b.tokens, tokens);
    const slots = new Uint32Array(VOCABULARY_ROWS * SLOT_WORDS);
    const slot = { temperature: 1, topP: 1, topK: 0, seed: 1, stream: 0, limit: 0, count: 0, done: false, stopIds: [] };
    for (let i = 0; i < VOCABULARY_ROWS; i++) writeSlot(slots, i, slot); // at its limit already, so that its row stays
    memory.write(b.slots, slots);
    const matrices = [{ precision, view: shard.view, outputs }, ...(b.a ? [{ precision: 'f32' as const, view: b.a, outputs: LORA_OUTPUTS }] : [])];
    const chosen: Record<string, string> = {};
    for (const count of rowCounts) {
      for (const { precision, view: w, outputs } of matrices) {
        const rate = await bench.pick(chosen, { kind: 'product', precision }, count, (trial) => [productKernel(trial, precision, count).kernel], (trial) => {
          const { kernel, constants } = productKernel(trial, precision, count);
          recorder.run(kernel, plain(count, inner / 4, outputs), { x: b.x, w, y: b.y }, constants);
        }, (trial) => {
          const { WEIGHT_BITS: _, ...own } = productKernel(trial, precision, count).constants;
          return own;
        });
        if (w === shard.view && count >= FILLING_ROWS) recorder.flopsPerSecond = 2 * count * inner * outputs * rate;
        await bench.pick(chosen, { kind: 'transposed', precision }, count, (trial) => [transposedKernel(trial, precision, count).kernel], (trial) => {
          const { kernel, constants } = transposedKernel(trial, precision, count);
          recorder.run(kernel, { rows: count, inner4: inner / 4, cols: outputs, dy_stride: outputs, dy_offset: 0, accumulate: 0 }, { dy: b.y, w, dx: b.x }, constants);
        });
      }
      const shape = { rows: count, heads, kv_heads: kvHeads, scale: 1 / Math.sqrt(headDim), keys: KEYS + 1 };
      const constants = { HEAD_DIM: headDim };
      await bench.pick(chosen, { kind: 'attention' }, count, (trial) => [attentionKernel(trial, count)], (trial) => {
        recorder.run(attentionKernel(trial, count), shape, { q: b.x, k: b.k, v: b.v, rows: b.rows, o: b.y, stats: b.stats }, constants);
      });
      await bench.pick(chosen, { kind: 'attention backward' }, count, (trial) => Object.values(attentionBackwardKernels(trial, count)), (trial) => {
        const { query, keyValue } = attentionBackwardKernels(trial, count);
        recorder.run(query, shape, { ...b, q: b.x, o: b.y, d_o: b.y }, constants);
        recorder.run(keyValue, shape, { ...b, q: b.x, d_o: b.y }, constants);
      });
      await bench.pick(chosen, { kind: 'lora gradient' }, count, (trial) => [loraGradientKernel(trial, count)], (trial) => {
        const kernel = loraGradientKernel(trial, count);
        const all = { rows: count, segment1: NO_SEGMENT, segment2: NO_SEGMENT, adapter: 0, scale: 1 };
        const ofB = { outer: outputs, width4: LORA_RANK / 4, a_stride: outputs, c_stride4: LORA_OUTPUTS / 4 };
        const ofA = { outer: LORA_OUTPUTS, width4: inner / 4, a_stride: LORA_OUTPUTS, c_stride4: inner / 4 };
        recorder.run(kernel, { ...all, ...ofB }, { a: b.y, c: b.h, rows: b.rows, grad: b.gradient });
        recorder.run(kernel, { ...all, ...ofA }, { a: b.h, c: b.x, rows: b.rows, grad: b.gradient });
      });
    }
    await bench.pick(chosen, { kind: 'vocabulary' }, VOCABULARY_ROWS, () => [tokenLoss, kdLoss, sample], (trial) => {
      const loss = { count: VOCABULARY_ROWS, vocab: vocabSize, first: 0, nll: 1, gradient: 1, eps_low: 0, eps_high: 0, cap: 0, floor: NO_FLOOR };
      recorder.run(tokenLoss, loss, { ...b, logits: b.y }, vocabularyConstants(trial));
      recorder.run(sample, { slots: VOCABULARY_ROWS, vocab: vocabSize, step: 0 }, { ...b, logits: b.y }, { FILTER: false, ...vocabularyConstants(trial) });
    }, vocabularyConstants);
    return chosen;
  } finally {
    recorder.submit();
    for (const view of Object.values(b)) if (view) memory.free(view);
    recorder.forgetBindGroups();
  }
}

class Bench {
  readonly #sound = new Map<string, boolean>();

  constructor(
    private readonly opened: OpenedDevice,
    private readonly seconds: number,
  ) {}

  async #allSound(kernels: readonly Kernel[], constants: Readonly<Record<string, number>>): Promise<boolean> {
    for (const kernel of kernels) {
      const key = `${kernel.name} ${JSON.stringify(constants)}`;
      if (!this.#sound.has(key)) this.#sound.set(key, await isSound(this.opened, kernel, constants));
      if (this.#sound.get(key) !== true) return false;
    }
    return true;
  }

  /**
   * Adds the fastest candidate to `chosen`; returns its runs a second. A candidate other than the plain one must have shown
   * on this device that it computes what its reference does: a driver may refuse a kernel, or get it wrong. `constants` are
   * those that make the candidate.
   */
  async pick(
    chosen: Record<string, string>,
    task: Task,
    rows: number,
    kernels: (trial: Variants) => readonly Kernel[],
    run: (trial: Variants) => void,
    constants: (trial: Variants) => Readonly<Record<string, number>> = () => ({}),
  ): Promise<number> {
    const key = taskKey(task, rows);
    let best = 0;
    for (const name of candidates(task, rows)) {
      const trial = { [key]: name };
      if (name !== 'plain' && !(await this.#allSound(kernels(trial), constants(trial)))) continue;
      const rate = await perSecond(this.opened, this.seconds, () => run(trial));
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
