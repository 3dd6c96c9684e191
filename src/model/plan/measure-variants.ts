/**
 * Measures the variants of every task on a device; for the tuner, and for benches that want what it
 * would pick.
 */
import type { OpenedDevice } from '../../gpu/device.ts';
import type { Allocator, BufferView } from '../../gpu/memory.ts';
import { headNorm } from '../../kernels/head-norm.ts';
import { kdLoss } from '../../kernels/kd-loss.ts';
import { NO_SEGMENT, plain } from '../../kernels/linear.ts';
import { rope } from '../../kernels/rope.ts';
import { ROW_WORDS, writeRow } from '../../kernels/rows.ts';
import { sample, SAMPLED_WORDS, SLOT_WORDS, writeSlot } from '../../kernels/sample.ts';
import {
  NO_FLOOR,
  RESULT_WORDS,
  TOKEN_WORDS,
  tokenLoss,
  writeToken,
} from '../../kernels/token-loss.ts';
import {
  attentionBackwardKernels,
  attentionKernel,
  loraGradientKernel,
  productKernel,
  ropeNorms,
  ROW_COUNTS,
  transposedKernel,
  vocabularyConstants,
  type Variants,
} from '../../kernels/variants.ts';
import { isTiled } from '../../lib/weight-blocks.ts';
import type { ModelConfig } from '../config.ts';
import { matrixOf } from '../weights/device-weights.ts';
import type { Transformer } from '../forward/transformer.ts';
import { VariantBench } from './variant-bench.ts';

/** Attention is measured with this many keys a row. */
const KEYS = 512;
/** Sums over the vocabulary are measured on a group of this many rows. */
const VOCABULARY_ROWS = 10;
/** LoRA is measured at this rank, as for q, k and v. */
const LORA_RANK = 16;
const LORA_OUTPUTS = 3 * LORA_RANK;
/** Beyond so many rows no product takes in what comes before it. */
const PROLOGUE_ROWS = 128;
/** Rows from which a product's rate is the device's, for cutting dispatches and submits. */
const FILLING_ROWS = 256;

/** How many of a piece's outputs are measured: more fill no device better, and need more room. */
export function tunedOutputs(outputs: number): number {
  return Math.min(outputs, 16_384);
}

/** The shape of what is measured: the first piece of the widest product of a layer, gate and up. */
export interface TunedShape {
  readonly inner: number;
  readonly outputs: number;
}

/**
 * What measuring passes of up to `rows` rows takes; it is given back before a run takes its own.
 */
export function tunerBuffers(
  memory: Allocator,
  config: ModelConfig,
  { inner, outputs }: TunedShape,
  rows: number,
) {
  const words = (label: string, count: number) => memory.alloc(`tuner ${label}`, 4 * count);
  const [queries, keys] = [config.heads * config.headDim, config.kvHeads * config.headDim];
  const qkv = queries + 2 * keys;
  const gateUp = Math.min(rows, PROLOGUE_ROWS) * 2 * config.intermediateSize;
  return {
    x: words('x', Math.max(rows * Math.max(inner, qkv), gateUp)),
    y: words(
      'y',
      Math.max(rows * Math.max(outputs, qkv), gateUp, VOCABULARY_ROWS * config.vocabSize),
    ),
    a: words('a', Math.max(LORA_OUTPUTS * inner, LORA_RANK * config.intermediateSize)),
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
export async function measureVariants(
  opened: OpenedDevice,
  model: Transformer,
  seconds: number,
  rowCounts: readonly number[] = ROW_COUNTS,
): Promise<Variants> {
  const { memory, recorder } = opened;
  const { heads, kvHeads, headDim, vocabSize, rmsNormEps } = model.config;
  const { gateUp: frozen, queryKeyNorm } = model.layer(0);
  const [shard] = frozen.shards;
  if (!shard) throw new Error('A weight matrix has no shard.');
  const { cols: inner, precision } = frozen;
  const outputs = tunedOutputs(shard.rows);
  const rows = Math.max(...rowCounts);
  const bench = new VariantBench(opened, seconds);
  const b = memory.whole(() => tunerBuffers(memory, model.config, { inner, outputs }, rows));
  const before = model.variants;
  try {
    await memory.settle();
    memory.write(b.rows, rowsWithPrefix(rows));
    memory.write(
      b.keys,
      Uint32Array.from({ length: 4 * rows }, (_, i) =>
        i % 4 === 0 ? Math.min(rows, Math.floor(i / 4) + KEYS) : 0,
      ),
    );
    const tokens = new Uint32Array(VOCABULARY_ROWS * TOKEN_WORDS);
    const token = {
      id: 0,
      tau: 1,
      advantage: 1,
      old: null,
      sampler: null,
      reference: null,
      weight: 1,
      klWeight: 0,
    };
    for (let entry = 0; entry < VOCABULARY_ROWS; entry++) writeToken(tokens, entry, token);
    memory.write(b.tokens, tokens);
    const slots = new Uint32Array(VOCABULARY_ROWS * SLOT_WORDS);
    const slot = {
      temperature: 1,
      topP: 1,
      topK: 0,
      seed: 1,
      stream: 0,
      limit: 0,
      count: 0,
      done: false,
      stopIds: [],
    };
    // at its limit already, so that its row stays
    for (let i = 0; i < VOCABULARY_ROWS; i++) writeSlot(slots, i, slot);
    memory.write(b.slots, slots);
    // LoRA's A is in rows of f32 whatever the weights are; with weights in rows one choice serves
    // both.
    const matrices = [
      { precision, view: shard.view, outputs },
      ...(isTiled(precision)
        ? [{ precision: 'f32' as const, view: b.a, outputs: LORA_OUTPUTS }]
        : []),
    ];
    const chosen: Record<string, string> = {};
    for (const count of rowCounts) {
      for (const { precision, view: w, outputs } of matrices) {
        const rate = await bench.pick(
          chosen,
          { kind: 'product', precision },
          count,
          (trial) => [productKernel(trial, precision, count).kernel],
          (trial) => {
            const { kernel, constants } = productKernel(trial, precision, count);
            recorder.run(
              kernel,
              plain(count, inner / 4, outputs),
              { x: b.x, w, y: b.y },
              constants,
            );
          },
          (trial) => {
            const { ROWS } = productKernel(trial, precision, count).constants;
            return ROWS === undefined ? {} : { ROWS };
          },
        );
        if (w === shard.view && count >= FILLING_ROWS)
          recorder.flopsPerSecond = 2 * count * inner * outputs * rate;
        await bench.pick(
          chosen,
          { kind: 'transposed', precision },
          count,
          (trial) => [transposedKernel(trial, precision, count).kernel],
          (trial) => {
            const { kernel, constants } = transposedKernel(trial, precision, count);
            recorder.run(
              kernel,
              {
                rows: count,
                inner4: inner / 4,
                cols: outputs,
                dy_stride: outputs,
                dy_offset: 0,
                accumulate: 0,
              },
              { dy: b.y, w, dx: b.x },
              constants,
            );
          },
        );
      }
      await pickPrologues(bench, model, chosen, count, b);
      if (queryKeyNorm) {
        const headShape = {
          rows: count,
          heads,
          kv_heads: kvHeads,
          head_dim: headDim,
          eps: rmsNormEps,
        };
        await bench.pick(
          chosen,
          { kind: 'head norm' },
          count,
          () => [rope],
          (trial) => {
            const within = ropeNorms(trial, count);
            if (!within)
              recorder.run(headNorm, headShape, { qkv: b.x, weight: queryKeyNorm, y: b.y });
            const [fused, q] = within ? [b.x, b.y] : [b.y, b.x];
            recorder.run(
              rope,
              headShape,
              {
                qkv: fused,
                rows: b.rows,
                table: model.turns,
                q,
                k: b.k,
                v: b.v,
                weight: queryKeyNorm,
              },
              { HEAD_NORM: within },
            );
          },
        );
      }
      const shape = {
        rows: count,
        heads,
        kv_heads: kvHeads,
        scale: 1 / Math.sqrt(headDim),
        keys: KEYS + 1,
      };
      const constants = { HEAD_DIM: headDim };
      await bench.pick(
        chosen,
        { kind: 'attention' },
        count,
        (trial) => [attentionKernel(trial, count)],
        (trial) => {
          recorder.run(
            attentionKernel(trial, count),
            shape,
            { q: b.x, k: b.k, v: b.v, rows: b.rows, o: b.y, stats: b.stats },
            constants,
          );
        },
      );
      await bench.pick(
        chosen,
        { kind: 'attention backward' },
        count,
        (trial) => Object.values(attentionBackwardKernels(trial, count)),
        (trial) => {
          const { query, keyValue } = attentionBackwardKernels(trial, count);
          recorder.run(query, shape, { ...b, q: b.x, o: b.y, d_o: b.y }, constants);
          recorder.run(keyValue, shape, { ...b, q: b.x, d_o: b.y }, constants);
        },
      );
      await bench.pick(
        chosen,
        { kind: 'lora gradient' },
        count,
        (trial) => [loraGradientKernel(trial, count)],
        (trial) => {
          const kernel = loraGradientKernel(trial, count);
          const all = {
            rows: count,
            segment1: NO_SEGMENT,
            segment2: NO_SEGMENT,
            adapter: 0,
            scale: 1,
          };
          const ofB = {
            outer: outputs,
            width4: LORA_RANK / 4,
            a_stride: outputs,
            c_stride4: LORA_OUTPUTS / 4,
          };
          const ofA = {
            outer: LORA_OUTPUTS,
            width4: inner / 4,
            a_stride: LORA_OUTPUTS,
            c_stride4: inner / 4,
          };
          recorder.run(
            kernel,
            { ...all, ...ofB },
            { a: b.y, c: b.h, rows: b.rows, grad: b.gradient },
          );
          recorder.run(
            kernel,
            { ...all, ...ofA },
            { a: b.h, c: b.x, rows: b.rows, grad: b.gradient },
          );
        },
      );
    }
    await bench.pick(
      chosen,
      { kind: 'vocabulary' },
      VOCABULARY_ROWS,
      () => [tokenLoss, kdLoss, sample],
      (trial) => {
        const loss = {
          count: VOCABULARY_ROWS,
          vocab: vocabSize,
          first: 0,
          nll: 1,
          gradient: 1,
          eps_low: 0,
          eps_high: 0,
          cap: 0,
          floor: NO_FLOOR,
        };
        recorder.run(tokenLoss, loss, { ...b, logits: b.y }, vocabularyConstants(trial));
        recorder.run(
          sample,
          { slots: VOCABULARY_ROWS, vocab: vocabSize, step: 0 },
          { ...b, logits: b.y },
          { FILTER: false, ...vocabularyConstants(trial) },
        );
      },
      vocabularyConstants,
    );
    return chosen;
  } finally {
    model.variants = before;
    recorder.submit();
    for (const view of Object.values(b)) memory.free(view);
    recorder.forgetBindGroups();
  }
}

/**
 * Whether the norm and SwiGLU are done by the products that read them. It must pay for all that do:
 * gate/up and its LoRA A, down and its A. Recorded by the model itself: from x to y, or by way of y
 * to x again.
 */
async function pickPrologues(
  bench: VariantBench,
  model: Transformer,
  chosen: Record<string, string>,
  count: number,
  { x, y, a }: Readonly<Record<'x' | 'y' | 'a', BufferView>>,
): Promise<void> {
  const { gateUp, down, norm2 } = model.layer(0);
  const readers = {
    norm: [matrixOf(a, 0, LORA_OUTPUTS, gateUp.cols), gateUp],
    swiglu: [matrixOf(a, 0, LORA_RANK, down.cols), down],
  };
  for (const prologue of ['norm', 'swiglu'] as const) {
    const kernels = (trial: Variants) =>
      readers[prologue].map(
        ({ precision }) => productKernel(trial, precision, count, prologue).kernel,
      );
    await bench.pick(chosen, { kind: prologue }, count, kernels, (trial) => {
      model.variants = { ...chosen, ...trial };
      const input =
        prologue === 'norm' ? model.normed(x, norm2, y, count) : model.activated(x, y, count);
      for (const matrix of readers[prologue])
        model.product(matrix, input, input.x === x ? y : x, count, {
          accumulate: false,
          bias: null,
          lora: null,
        });
    });
  }
}

/** Rows that attend to the same prefix of KEYS rows and to themselves. */
function rowsWithPrefix(count: number): Uint32Array {
  const words = new Uint32Array(count * ROW_WORDS);
  for (let row = 0; row < count; row++) {
    writeRow(words, row, {
      token: 0,
      position: 0,
      kv: row,
      prefixStart: 0,
      prefixLen: KEYS,
      ownStart: KEYS + row,
      ownLen: 1,
      adapter: 0,
    });
  }
  return words;
}
