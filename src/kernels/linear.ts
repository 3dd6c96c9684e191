import backwardWgsl from '../../shaders/linear.bwd.wgsl';
import wgsl from '../../shaders/linear.wgsl';
import tiledBackwardWgsl from '../../shaders/linear_tiled.bwd.wgsl';
import tiledWgsl from '../../shaders/linear_tiled.wgsl';
import type { Kernel, KernelCase } from '../gpu/kernel.ts';
import { isTiled, TILE, type WeightPrecision } from '../lib/weight-blocks.ts';
import { LIB } from './libraries.ts';
import {
  adapterRows,
  dot,
  floats,
  normals,
  packWeights,
  weights,
  words,
} from './reference-helpers.ts';
import { rowAt } from './rows.ts';
import { weightConstants } from './weight-constants.ts';

/**
 * Outputs of a fused product that share one LoRA pair: boundaries of segments 1 and 2; beyond the
 * last output: unused.
 */
export const NO_SEGMENT = 0xffffffff;

export type LinearParams =
  | 'rows'
  | 'inner4'
  | 'cols'
  | 'y_stride'
  | 'y_offset'
  | 'accumulate'
  | 'use_bias'
  | 'rank'
  | 'h_stride'
  | 'segment1'
  | 'segment2'
  | 'adapter'
  | 'scale';
/** `eps` is that of a norm that a group kernel takes in (PROLOGUE). */
export type GroupParams = LinearParams | 'eps';
export type LinearBackwardParams =
  'rows' | 'inner4' | 'cols' | 'dy_stride' | 'dy_offset' | 'accumulate';

/** y (+)= x Wᵀ + bias + LoRA, for weights in rows (f32, f16). */
export const linear: Kernel<LinearParams> = {
  name: 'linear',
  wgsl,
  lib: [LIB.weights, LIB.rowWeights, LIB.rows, LIB.product],
  constants: { ...weightConstants('f32'), LANES: 16 },
  grid: (p, c) => [Math.ceil(p.cols / 4 / Number(c['LANES'])), Math.ceil(p.rows / 4), 1],
  cost: (p) => 8 * p.rows * p.inner4 * p.cols,

  reference(io, p, constants) {
    const inner = 4 * p.inner4;
    const [x, w, y] = [
      floats(io, 'x'),
      weights(io, 'w', constants, p.cols, inner),
      floats(io, 'y'),
    ]; // (rows, inner), (cols, inner), (rows, y_stride)
    for (let row = 0; row < p.rows; row++) {
      for (let n = 0; n < p.cols; n++) {
        let value = 0;
        for (let k = 0; k < inner; k++) value += x[row * inner + k]! * w[n * inner + k]!;
        if (p.use_bias !== 0) value += floats(io, 'bias')[n]!;
        if (p.rank !== 0 && rowAt(words(io, 'rows'), row).adapter === p.adapter) {
          const [h, b] = [floats(io, 'h'), floats(io, 'b')]; // (rows, h_stride), (cols, rank)
          const segment = n >= p.segment2 ? 2 : n >= p.segment1 ? 1 : 0;
          for (let j = 0; j < p.rank; j++)
            value += p.scale * h[row * p.h_stride + segment * p.rank + j]! * b[n * p.rank + j]!;
        }
        const out = row * p.y_stride + p.y_offset + n;
        y[out] = p.accumulate !== 0 ? y[out]! + value : value;
      }
    }
  },

  cases: () => [
    linearCase('one output of four inputs', { rows: 1, inner: 4, cols: 1 }),
    linearCase('odd rows, bias, accumulated into a wider row', {
      rows: 7,
      inner: 20,
      cols: 33,
      bias: true,
      accumulate: true,
      stride: 40,
      offset: 3,
    }),
    linearCase('f16, beyond a workgroup and a tile of rows', {
      rows: 9,
      inner: 28,
      cols: 129,
      precision: 'f16',
    }),
    linearCase('three LoRA segments of unequal width, three adapters in the batch', {
      rows: 33,
      inner: 12,
      cols: 70,
      bias: true,
      rank: 8,
      segments: [31, 50],
      adapter: 1,
      scale: 2,
    }),
    linearCase('rank 4, two segments', {
      rows: 2,
      inner: 8,
      cols: 11,
      rank: 4,
      segments: [5],
      adapter: 1,
      scale: 0.5,
    }),
    linearCase('rank 16, one segment, the second adapter, f16, accumulated', {
      rows: 9,
      inner: 16,
      cols: 65,
      rank: 16,
      adapter: 2,
      scale: 1.5,
      precision: 'f16',
      accumulate: true,
    }),
    linearCase('the second shard of a vocabulary', {
      rows: 3,
      inner: 8,
      cols: 37,
      stride: 101,
      offset: 64,
      precision: 'f16',
    }),
    linearCase('a long inner product', { rows: 2, inner: 900, cols: 3 }),
    linearCase("LoRA's A: a product without bias", { rows: 33, inner: 36, cols: 24 }),
  ],
};

/** The same for weights in tiles (q8, q4). */
export const linearTiled: Kernel<LinearParams> = {
  ...linear,
  name: 'linear_tiled',
  wgsl: tiledWgsl,
  lib: [LIB.weights, LIB.rows, LIB.product],
  constants: { ...weightConstants('q4'), LANES: 16 },
  // Every output of the last tile has an invocation: which four are one's own is decided within the
  // tile.
  grid: (p, c) => [
    Math.ceil((8 * Math.ceil(p.cols / TILE)) / Number(c['LANES'])),
    Math.ceil(p.rows / 4),
    1,
  ],
  cases: () =>
    (['q8', 'q4'] as const).flatMap((precision) => [
      linearCase(`${precision}: one output of four inputs`, {
        rows: 1,
        inner: 4,
        cols: 1,
        precision,
      }),
      linearCase(
        `${precision}: a padded block and tile, odd rows, bias, accumulated into a wider row`,
        {
          rows: 7,
          inner: 52,
          cols: 43,
          precision,
          bias: true,
          accumulate: true,
          stride: 60,
          offset: 3,
        },
      ),
      linearCase(`${precision}: inner product of 344, beyond a workgroup and a tile of rows`, {
        rows: 9,
        inner: 344,
        cols: 129,
        precision,
      }),
      linearCase(
        `${precision}: three LoRA segments of unequal width, three adapters in the batch`,
        {
          rows: 33,
          inner: 12,
          cols: 70,
          precision,
          bias: true,
          rank: 8,
          segments: [31, 50],
          adapter: 1,
          scale: 2,
        },
      ),
      linearCase(`${precision}: the second shard of a vocabulary`, {
        rows: 3,
        inner: 96,
        cols: 64,
        precision,
        stride: 128,
        offset: 64,
      }),
    ]),
};

/**
 * The transposed product: gradient with respect to the input of a linear layer with frozen weights
 * in rows.
 */
export const linearBackward: Kernel<LinearBackwardParams> = {
  name: 'linear.bwd',
  wgsl: backwardWgsl,
  lib: [LIB.weights, LIB.rowWeights, LIB.transposed],
  constants: { ...weightConstants('f32'), LANES: 16 },
  grid: (p, c) => [Math.ceil(p.inner4 / Number(c['LANES'])), Math.ceil(p.rows / 8), 1],
  cost: (p) => 8 * p.rows * p.inner4 * p.cols,

  reference(io, p, constants) {
    const inner = 4 * p.inner4;
    const [dy, w, dx] = [
      floats(io, 'dy'),
      weights(io, 'w', constants, p.cols, inner),
      floats(io, 'dx'),
    ]; // (rows, dy_stride), (cols, inner), (rows, inner)
    for (let row = 0; row < p.rows; row++) {
      for (let k = 0; k < inner; k++) {
        let value = p.accumulate !== 0 ? dx[row * inner + k]! : 0;
        for (let n = 0; n < p.cols; n++)
          value += dy[row * p.dy_stride + p.dy_offset + n]! * w[n * inner + k]!;
        dx[row * inner + k] = value;
      }
    }
  },

  cases: () => [
    backwardCase('one output of four inputs', { rows: 1, inner: 4, cols: 1 }),
    backwardCase('odd rows, the second shard of a vocabulary, accumulated', {
      rows: 7,
      inner: 20,
      cols: 33,
      accumulate: true,
      stride: 50,
      offset: 17,
    }),
    backwardCase('f16, beyond a workgroup and a tile of rows', {
      rows: 9,
      inner: 132,
      cols: 5,
      precision: 'f16',
    }),
    backwardCase('33 rows', { rows: 33, inner: 8, cols: 70 }),
    backwardCase('two rows, f16, accumulated', {
      rows: 2,
      inner: 12,
      cols: 9,
      precision: 'f16',
      accumulate: true,
    }),
  ],

  gradients: [
    {
      gradient: 'dx',
      wrt: 'x',
      loss(x, io, params, constants) {
        const p = params as Record<LinearBackwardParams, number>;
        const dy = floats(io, 'dy');
        const y = new Float64Array(dy.length);
        const forward = {
          ...plain(p.rows, p.inner4, p.cols),
          y_stride: p.dy_stride,
          y_offset: p.dy_offset,
        };
        linear.reference({ ...io, x, y }, forward, constants);
        return dot(y, dy);
      },
    },
  ],
};

/** The same for weights in tiles. */
export const linearTiledBackward: Kernel<LinearBackwardParams> = {
  ...linearBackward,
  name: 'linear_tiled.bwd',
  wgsl: tiledBackwardWgsl,
  lib: [LIB.weights, LIB.transposed],
  constants: { ...weightConstants('q4'), LANES: 16 },
  grid: (p, c) => [Math.ceil(p.inner4 / 2 / Number(c['LANES'])), Math.ceil(p.rows / 4), 1],
  cases: () =>
    (['q8', 'q4'] as const).flatMap((precision) => [
      backwardCase(`${precision}: one output of four inputs`, {
        rows: 1,
        inner: 4,
        cols: 1,
        precision,
      }),
      backwardCase(`${precision}: a padded block and tile, odd rows, accumulated`, {
        rows: 7,
        inner: 52,
        cols: 43,
        precision,
        accumulate: true,
        stride: 60,
        offset: 17,
      }),
      backwardCase(`${precision}: 344 inputs, beyond a workgroup and a tile of rows`, {
        rows: 9,
        inner: 344,
        cols: 5,
        precision,
      }),
      backwardCase(`${precision}: 33 rows, the second shard of a vocabulary`, {
        rows: 33,
        inner: 32,
        cols: 64,
        precision,
        stride: 128,
        offset: 64,
      }),
    ]),
};

/** The product for weights stored like this. */
export function linearFor(precision: WeightPrecision): Kernel<LinearParams> {
  return isTiled(precision) ? linearTiled : linear;
}

export function linearBackwardFor(precision: WeightPrecision): Kernel<LinearBackwardParams> {
  return isTiled(precision) ? linearTiledBackward : linearBackward;
}

/** Parameters of a product without bias, LoRA or accumulation. */
export function plain(rows: number, inner4: number, cols: number): Record<GroupParams, number> {
  return {
    rows,
    inner4,
    cols,
    y_stride: cols,
    y_offset: 0,
    accumulate: 0,
    use_bias: 0,
    rank: 0,
    h_stride: 0,
    segment1: NO_SEGMENT,
    segment2: NO_SEGMENT,
    adapter: 0,
    scale: 0,
    eps: 0,
  };
}

interface Shape {
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
  readonly bias?: boolean;
  readonly accumulate?: boolean;
  readonly stride?: number;
  readonly offset?: number;
  readonly rank?: number;
  /** First outputs of segments 1 and 2. */
  readonly segments?: readonly number[];
  readonly adapter?: number;
  readonly scale?: number;
  readonly precision?: WeightPrecision;
}

export function linearCase(title: string, s: Shape): KernelCase<LinearParams> {
  const normal = normals(s.rows, s.inner, s.cols);
  const rank = s.rank ?? 0;
  const stride = s.stride ?? s.cols;
  const hStride = rank * (1 + (s.segments?.length ?? 0));
  return {
    title,
    params: {
      rows: s.rows,
      inner4: s.inner / 4,
      cols: s.cols,
      y_stride: stride,
      y_offset: s.offset ?? 0,
      accumulate: s.accumulate ? 1 : 0,
      use_bias: s.bias ? 1 : 0,
      rank,
      h_stride: hStride,
      segment1: s.segments?.[0] ?? NO_SEGMENT,
      segment2: s.segments?.[1] ?? NO_SEGMENT,
      adapter: s.adapter ?? 0,
      scale: s.scale ?? 0,
    },
    constants: weightConstants(s.precision ?? 'f32'),
    io: {
      x: normal(s.rows * s.inner),
      w: packWeights(normal(s.cols * s.inner), s.inner, s.precision ?? 'f32'),
      y: normal(s.rows * stride),
      ...(s.bias ? { bias: normal(s.cols) } : {}),
      ...(rank > 0
        ? { h: normal(s.rows * hStride), b: normal(s.cols * rank), rows: adapterRows(s.rows) }
        : {}),
    },
  };
}

export function backwardCase(title: string, s: Shape): KernelCase<LinearBackwardParams> {
  const normal = normals(s.rows, s.inner, s.cols, 1);
  const stride = s.stride ?? s.cols;
  return {
    title,
    params: {
      rows: s.rows,
      inner4: s.inner / 4,
      cols: s.cols,
      dy_stride: stride,
      dy_offset: s.offset ?? 0,
      accumulate: s.accumulate ? 1 : 0,
    },
    constants: weightConstants(s.precision ?? 'f32'),
    io: {
      dy: normal(s.rows * stride),
      w: packWeights(normal(s.cols * s.inner), s.inner, s.precision ?? 'f32'),
      dx: normal(s.rows * s.inner),
      // For the forward.
      x: normal(s.rows * s.inner),
    },
  };
}
