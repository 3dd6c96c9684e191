/**
 * Measures the variants of every task on a device; for the tuner, and for benches that want what it
 * would pick.
 */
import type { OpenedDevice } from '../../gpu/device.ts';
import type { BufferView } from '../../gpu/memory.ts';
import type { Recorder } from '../../gpu/recorder.ts';
import { headNorm } from '../../kernels/head-norm.ts';
import type { Prologue } from '../../kernels/linear-variants.ts';
import { NO_SEGMENT, plain } from '../../kernels/linear.ts';
import { rope } from '../../kernels/rope.ts';
import { sample } from '../../kernels/sample.ts';
import { CLIP_ALONE, NO_FLOOR, tokenLoss } from '../../kernels/token-loss.ts';
import {
  attentionBackwardKernels,
  attentionKernel,
  loraGradientKernel,
  productKernel,
  productTask,
  ropeNorms,
  ROW_COUNTS,
  TASK_NAMES,
  transposedKernel,
  vocabularyConstants,
  type TaskName,
  type Variants,
} from '../../kernels/variants.ts';
import { isTiled, type WeightPrecision } from '../../lib/weight-blocks.ts';
import type { Transformer } from '../forward/transformer.ts';
import { matrixOf } from '../weights/device.ts';
import {
  fillTunerBuffers,
  KEYS,
  LORA_OUTPUTS,
  LORA_RANK,
  tunedOutputs,
  tunerBuffers,
  VOCABULARY_ROWS,
  type TunerBuffers,
} from './tuner-buffers.ts';
import { VariantBench } from './variant-bench.ts';

/** Rows from which a product's rate is the device's, for cutting dispatches and submits. */
const FILLING_ROWS = 256;

/** The fastest candidate of each task. */
export async function measureVariants(
  opened: OpenedDevice,
  model: Transformer,
  seconds: number,
  rowCounts: readonly number[] = ROW_COUNTS,
): Promise<Variants> {
  const { memory, recorder } = opened;
  const { gateUp } = model.layer(0);
  const [shard] = gateUp.shards;
  if (!shard) throw new Error('A weight matrix has no shard.');
  const widest = {
    precision: gateUp.precision,
    inner: gateUp.cols,
    outputs: tunedOutputs(shard.rows),
    view: shard.view,
  };
  const most = Math.max(...rowCounts);
  const b = memory.whole(() => tunerBuffers(memory, model.config, widest, most));
  const bench = new VariantBench(opened, seconds);
  const bed = { model, recorder, b, widest };
  const before = model.variants;
  try {
    await memory.settle();
    fillTunerBuffers(memory, b, most);
    for (const rows of rowCounts) {
      for (const task of TASK_NAMES) {
        if (task === 'vocabulary') continue; // decided once, for all numbers of rows
        const work = WORK[task](bed, rows);
        if (!work) continue;
        const rate = await bench.pick(task, rows, (trial) => work({ ...bench.chosen, ...trial }));
        if (task === productTask('product', widest.precision) && rows >= FILLING_ROWS)
          recorder.flopsPerSecond = 2 * rows * widest.inner * widest.outputs * rate;
      }
    }
    await bench.pick('vocabulary', VOCABULARY_ROWS, WORK.vocabulary(bed));
    return bench.chosen;
  } finally {
    model.variants = before;
    recorder.submit();
    for (const view of Object.values(b)) memory.free(view);
    recorder.forgetBindGroups();
  }
}

interface Matrix {
  readonly precision: WeightPrecision;
  readonly inner: number;
  readonly outputs: number;
  readonly view: BufferView;
}

interface Bed {
  readonly model: Transformer;
  readonly recorder: Recorder;
  readonly b: TunerBuffers;
  /** The first piece of the widest product of a layer. */
  readonly widest: Matrix;
}

/** Records a task once, as these variants do it. */
type Work = (variants: Variants) => void;

/** What is measured of each task; null where the model does nothing of the kind. */
const WORK = {
  'product rows': (bed: Bed, rows: number) => product(bed, matrixInRows(bed), rows),
  'product tiles': (bed: Bed, rows: number) =>
    isTiled(bed.widest.precision) ? product(bed, bed.widest, rows) : null,
  'transposed rows': (bed: Bed, rows: number) => transposed(bed, matrixInRows(bed), rows),
  'transposed tiles': (bed: Bed, rows: number) =>
    isTiled(bed.widest.precision) ? transposed(bed, bed.widest, rows) : null,
  norm: (bed: Bed, rows: number) => prologue(bed, 'norm', rows),
  swiglu: (bed: Bed, rows: number) => prologue(bed, 'swiglu', rows),
  'head norm': headNorms,
  attention,
  'attention backward': attentionBackward,
  'lora gradient': loraGradient,
  vocabulary,
} satisfies Record<TaskName, (bed: Bed, rows: number) => Work | null>;

/**
 * LoRA's A is in rows of f32 whatever the weights are; with weights in rows one choice serves both.
 */
function matrixInRows({ widest, b }: Bed): Matrix {
  return isTiled(widest.precision)
    ? { precision: 'f32', inner: widest.inner, outputs: LORA_OUTPUTS, view: b.a }
    : widest;
}

function product({ recorder, b }: Bed, matrix: Matrix, rows: number): Work {
  const { precision, inner, outputs, view: w } = matrix;
  return (variants) => {
    const { kernel, constants } = productKernel(variants, precision, rows);
    recorder.run(kernel, plain(rows, inner / 4, outputs), { x: b.x, w, y: b.y }, constants);
  };
}

function transposed({ recorder, b }: Bed, matrix: Matrix, rows: number): Work {
  const { precision, inner, outputs, view: w } = matrix;
  const params = {
    rows,
    inner4: inner / 4,
    cols: outputs,
    dy_stride: outputs,
    dy_offset: 0,
    accumulate: 0,
  };
  return (variants) => {
    const { kernel, constants } = transposedKernel(variants, precision, rows);
    recorder.run(kernel, params, { dy: b.y, w, dx: b.x }, constants);
  };
}

/**
 * Whether the norm and SwiGLU are done by the products that read them. It must pay for all that do:
 * gate/up and its LoRA A, down and its A. Recorded by the model itself: from x to y, or by way of y
 * to x again.
 */
function prologue({ model, b: { x, y, a } }: Bed, kind: Prologue, rows: number): Work {
  const { gateUp, down, norm2 } = model.layer(0);
  const readers = {
    norm: [matrixOf(a, 0, LORA_OUTPUTS, gateUp.cols), gateUp],
    swiglu: [matrixOf(a, 0, LORA_RANK, down.cols), down],
  }[kind];
  return (variants) => {
    model.variants = variants;
    const input = kind === 'norm' ? model.normed(x, norm2, y, rows) : model.activated(x, y, rows);
    for (const matrix of readers)
      model.product(matrix, input, input.x === x ? y : x, rows, {
        accumulate: false,
        bias: null,
        lora: null,
      });
  };
}

function headNorms({ model, recorder, b }: Bed, rows: number): Work | null {
  const weight = model.layer(0).queryKeyNorm;
  if (!weight) return null;
  const { heads, kvHeads, headDim, rmsNormEps } = model.config;
  const shape = { rows, heads, kv_heads: kvHeads, head_dim: headDim, eps: rmsNormEps };
  return (variants) => {
    const within = ropeNorms(variants, rows);
    if (!within) recorder.run(headNorm, shape, { qkv: b.x, weight, y: b.y });
    const [qkv, q] = within ? [b.x, b.y] : [b.y, b.x];
    recorder.run(
      rope,
      shape,
      { qkv, rows: b.rows, table: model.turns, q, k: b.k, v: b.v, weight },
      { HEAD_NORM: within },
    );
  };
}

function attentionShape({ model }: Bed, rows: number) {
  const { heads, kvHeads, headDim } = model.config;
  return {
    params: { rows, heads, kv_heads: kvHeads, scale: 1 / Math.sqrt(headDim), keys: KEYS + 1 },
    constants: { HEAD_DIM: headDim },
  };
}

function attention(bed: Bed, rows: number): Work {
  const { params, constants } = attentionShape(bed, rows);
  const { recorder, b } = bed;
  const buffers = { q: b.x, k: b.k, v: b.v, rows: b.rows, o: b.y, stats: b.stats };
  return (variants) => recorder.run(attentionKernel(variants, rows), params, buffers, constants);
}

function attentionBackward(bed: Bed, rows: number): Work {
  const { params, constants } = attentionShape(bed, rows);
  const { recorder, b } = bed;
  return (variants) => {
    const { query, keyValue } = attentionBackwardKernels(variants, rows);
    recorder.run(query, params, { ...b, q: b.x, o: b.y, d_o: b.y }, constants);
    recorder.run(keyValue, params, { ...b, q: b.x, d_o: b.y }, constants);
  };
}

/** Of the widest product's B, and of q, k and v's A. */
function loraGradient({ recorder, b, widest }: Bed, rows: number): Work {
  const { inner, outputs } = widest;
  const all = { rows, segment1: NO_SEGMENT, segment2: NO_SEGMENT, adapter: 0, scale: 1 };
  const ofB = {
    ...all,
    outer: outputs,
    width4: LORA_RANK / 4,
    a_stride: outputs,
    c_stride4: LORA_OUTPUTS / 4,
  };
  const ofA = {
    ...all,
    outer: LORA_OUTPUTS,
    width4: inner / 4,
    a_stride: LORA_OUTPUTS,
    c_stride4: inner / 4,
  };
  return (variants) => {
    const kernel = loraGradientKernel(variants, rows);
    recorder.run(kernel, ofB, { a: b.y, c: b.h, rows: b.rows, grad: b.gradient });
    recorder.run(kernel, ofA, { a: b.h, c: b.x, rows: b.rows, grad: b.gradient });
  };
}

function vocabulary({ model, recorder, b }: Bed): Work {
  const vocab = model.config.vocabSize;
  const buffers = { ...b, logits: b.y };
  const loss = {
    count: VOCABULARY_ROWS,
    vocab,
    first: 0,
    nll: 1,
    gradient: 1,
    eps_low: 0,
    eps_high: 0,
    cap: 0,
    floor: NO_FLOOR,
    ...CLIP_ALONE,
  };
  const draw = { slots: VOCABULARY_ROWS, vocab, step: 0 };
  return (variants) => {
    const constants = vocabularyConstants(variants);
    recorder.run(tokenLoss, loss, buffers, constants);
    recorder.run(sample, draw, buffers, { FILTER: false, ...constants });
  };
}
