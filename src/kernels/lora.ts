import hiddenWgsl from '../../shaders/lora_hidden.bwd.wgsl';
import weightWgsl from '../../shaders/lora_weight.bwd.wgsl';
import weightSplitWgsl from '../../shaders/lora_weight_split.bwd.wgsl';
import {
  flatGrid,
  type GradientCheck,
  type Kernel,
  type KernelCase,
  type ReferenceIo,
} from '../gpu/kernel.ts';
import { LIB } from './libraries.ts';
import { linear, NO_SEGMENT, plain } from './linear.ts';
import { adapterRows, dot, floats, normals, words } from './reference-helpers.ts';
import { rowAt } from './rows.ts';

type HiddenParams =
  'rows' | 'cols' | 'rank' | 'segments' | 'segment1' | 'segment2' | 'adapter' | 'scale';
type WeightParams =
  | 'rows'
  | 'outer'
  | 'width4'
  | 'a_stride'
  | 'c_stride4'
  | 'segment1'
  | 'segment2'
  | 'adapter'
  | 'scale';

/** Gradient with respect to h = x Aᵀ of a fused linear's LoRA term. */
export const loraHiddenBackward: Kernel<HiddenParams> = {
  name: 'lora_hidden.bwd',
  wgsl: hiddenWgsl,
  lib: [LIB.rows],
  grid: (p) => flatGrid(Math.ceil((p.rows * p.segments * p.rank) / 4 / 64)),
  cost: (p) => 2 * p.rows * p.cols * p.rank,

  reference(io, p) {
    // (rows, cols), (cols, rank), (rows, segments · rank)
    const [dy, b, dh] = [floats(io, 'dy'), floats(io, 'b'), floats(io, 'dh')];
    dh.fill(0);
    for (let row = 0; row < p.rows; row++) {
      if (rowAt(words(io, 'rows'), row).adapter !== p.adapter) continue;
      for (let n = 0; n < p.cols; n++) {
        const segment = n >= p.segment2 ? 2 : n >= p.segment1 ? 1 : 0;
        for (let j = 0; j < p.rank; j++) {
          dh[(row * p.segments + segment) * p.rank + j]! +=
            p.scale * dy[row * p.cols + n]! * b[n * p.rank + j]!;
        }
      }
    }
  },

  cases: () =>
    SHAPES.map(
      ({ title, rows, cols, rank, segments, adapter, scale }): KernelCase<HiddenParams> => {
        const normal = normals(rows, cols, rank);
        const hidden = rows * rank * (1 + segments.length);
        return {
          title,
          params: {
            rows,
            cols,
            rank,
            segments: 1 + segments.length,
            segment1: segments[0] ?? NO_SEGMENT,
            segment2: segments[1] ?? NO_SEGMENT,
            adapter,
            scale,
          },
          io: {
            dy: normal(rows * cols),
            b: normal(cols * rank),
            rows: adapterRows(rows),
            dh: normal(hidden),
            // For the forward.
            h: normal(hidden),
          },
        };
      },
    ),

  gradients: [
    {
      gradient: 'dh',
      wrt: 'h',
      loss(h, io, params) {
        const p = params as Record<HiddenParams, number>;
        return lowRankLoss({ ...io, h }, floats(io, 'dy'), { ...p, h_stride: p.segments * p.rank });
      },
    },
  ],
};

/** Gradient of LoRA's A or B, added to what is there. */
export const loraWeightBackward: Kernel<WeightParams> = {
  name: 'lora_weight.bwd',
  wgsl: weightWgsl,
  lib: [LIB.rows, LIB.loraWeight],
  grid: (p) => flatGrid(Math.ceil((p.outer * p.width4) / 64)),
  cost: (p) => 8 * p.rows * p.outer * p.width4,

  reference(io, p) {
    // (rows, a_stride), (rows, c_stride), (outer, width)
    const [a, c, grad] = [floats(io, 'a'), floats(io, 'c'), floats(io, 'grad')];
    const width = 4 * p.width4;
    for (let row = 0; row < p.rows; row++) {
      if (rowAt(words(io, 'rows'), row).adapter !== p.adapter) continue;
      for (let m = 0; m < p.outer; m++) {
        const segment = m >= p.segment2 ? 2 : m >= p.segment1 ? 1 : 0;
        for (let k = 0; k < width; k++) {
          grad[m * width + k]! +=
            p.scale * a[row * p.a_stride + m]! * c[row * 4 * p.c_stride4 + segment * width + k]!;
        }
      }
    }
  },

  cases: () => [...SHAPES.map(gradientOfB), ...SHAPES.map(gradientOfA)],

  gradients: [
    {
      // y = scale · h Bᵀ, a = dy, c = h.
      gradient: 'grad',
      wrt: 'lora_b',
      loss(b, io, params) {
        const p = params as Record<WeightParams, number>;
        const forward = { ...p, cols: p.outer, rank: 4 * p.width4, h_stride: 4 * p.c_stride4 };
        return lowRankLoss({ ...io, h: floats(io, 'c'), b }, floats(io, 'a'), forward);
      },
    },
    {
      // h = x Aᵀ, a = dh (zero for rows of other adapters), c = x.
      gradient: 'grad',
      wrt: 'lora_a',
      loss(a, io, params) {
        const p = params as Record<WeightParams, number>;
        const [x, dh] = [floats(io, 'c'), floats(io, 'a')];
        const inner = 4 * p.width4;
        let loss = 0;
        for (let row = 0; row < p.rows; row++) {
          for (let m = 0; m < p.outer; m++) {
            for (let k = 0; k < inner; k++)
              loss += dh[row * p.outer + m]! * x[row * inner + k]! * a[m * inner + k]!;
          }
        }
        return loss;
      },
    },
  ] satisfies readonly GradientCheck[],
};

/** The same with the rows divided among 16 lanes of a workgroup; for many rows on many lanes. */
export const loraWeightBackwardSplit: Kernel<WeightParams> = {
  ...loraWeightBackward,
  name: 'lora_weight_split.bwd',
  wgsl: weightSplitWgsl,
  constants: { OUTPUTS: 16 },
  grid: (p, c) => flatGrid(Math.ceil((p.outer * p.width4) / Number(c['OUTPUTS']))),
};

interface LowRank {
  readonly rows: number;
  readonly cols: number;
  readonly rank: number;
  readonly h_stride: number;
  readonly segment1: number;
  readonly segment2: number;
  readonly adapter: number;
  readonly scale: number;
}

/** Σ dy · y of a linear layer that has its LoRA term only. */
function lowRankLoss(io: ReferenceIo, dy: Float64Array, p: LowRank): number {
  const y = new Float64Array(p.rows * p.cols);
  const { rank, h_stride, segment1, segment2, adapter, scale } = p;
  linear.reference(
    { ...io, x: new Float64Array(p.rows * 4), w: new Uint32Array(p.cols * 4), y },
    { ...plain(p.rows, 1, p.cols), rank, h_stride, segment1, segment2, adapter, scale },
    {},
  );
  return dot(y, dy);
}

interface Shape {
  readonly title: string;
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
  readonly rank: number;
  /** First outputs of segments 1 and 2. */
  readonly segments: readonly number[];
  readonly adapter: number;
  readonly scale: number;
}

const SHAPES: readonly Shape[] = [
  {
    title: 'one row, one segment',
    rows: 1,
    inner: 4,
    cols: 1,
    rank: 4,
    segments: [],
    adapter: 0,
    scale: 1,
  },
  {
    title: 'rank 8, three unequal segments, three adapters',
    rows: 33,
    inner: 20,
    cols: 29,
    rank: 8,
    segments: [13, 21],
    adapter: 1,
    scale: 2,
  },
  {
    title: 'rank 16, two segments, the second adapter, beyond a workgroup',
    rows: 9,
    inner: 132,
    cols: 70,
    rank: 16,
    segments: [35],
    adapter: 2,
    scale: 0.5,
  },
];

function gradientOfB(s: Shape): KernelCase<WeightParams> {
  const normal = normals(s.rows, s.cols, s.rank, 2);
  const hStride = s.rank * (1 + s.segments.length);
  return {
    title: `B: ${s.title}`,
    params: {
      rows: s.rows,
      outer: s.cols,
      width4: s.rank / 4,
      a_stride: s.cols,
      c_stride4: hStride / 4,
      segment1: s.segments[0] ?? NO_SEGMENT,
      segment2: s.segments[1] ?? NO_SEGMENT,
      adapter: s.adapter,
      scale: s.scale,
    },
    io: {
      a: normal(s.rows * s.cols),
      c: normal(s.rows * hStride),
      rows: adapterRows(s.rows),
      grad: normal(s.cols * s.rank),
      lora_b: normal(s.cols * s.rank),
    },
  };
}

function gradientOfA(s: Shape): KernelCase<WeightParams> {
  const normal = normals(s.rows, s.cols, s.rank, 3);
  const outer = s.rank * (1 + s.segments.length);
  const dh = normal(s.rows * outer);
  for (let i = 0; i < dh.length; i++) {
    if (Math.floor(i / outer) % 3 !== s.adapter) dh[i] = 0;
  }
  return {
    title: `A: ${s.title}`,
    params: {
      rows: s.rows,
      outer,
      width4: s.inner / 4,
      a_stride: outer,
      c_stride4: s.inner / 4,
      segment1: NO_SEGMENT,
      segment2: NO_SEGMENT,
      adapter: s.adapter,
      scale: 1,
    },
    io: {
      a: dh,
      c: normal(s.rows * s.inner),
      rows: adapterRows(s.rows),
      grad: normal(outer * s.inner),
      lora_a: normal(outer * s.inner),
    },
  };
}
