/**
 * The products of linear.ts done otherwise: for groups of rows, in blocks through workgroup memory,
 * by subgroups.
 */
import blockBackwardWgsl from '../../shaders/linear_block.bwd.wgsl';
import blockWgsl from '../../shaders/linear_block.wgsl';
import groupRowsWgsl from '../../shaders/linear_group_rows.wgsl';
import groupWgsl from '../../shaders/linear_group.wgsl';
import subgroupBackwardWgsl from '../../shaders/linear_subgroup.bwd.wgsl';
import subgroupWgsl from '../../shaders/linear_subgroup.wgsl';
import type { Kernel, KernelCase } from '../gpu/kernel.ts';
import { TILE, type WeightPrecision } from '../lib/weight-blocks.ts';
import { LIB } from './libraries.ts';
import {
  backwardCase,
  linear,
  linearBackward,
  linearCase,
  linearTiled,
  linearTiledBackward,
  type GroupParams,
  type LinearBackwardParams,
  type LinearParams,
} from './linear.ts';
import { floats, normals } from './reference-helpers.ts';
import { rmsNorm } from './rms-norm.ts';
import { swiglu } from './swiglu.ts';
import { weightConstants } from './weight-constants.ts';

/** Rows and outputs of a block. */
const BLOCK = 64;
const PRECISIONS = ['f32', 'f16', 'q8', 'q4'] as const;

/**
 * What a group kernel does to its input while it reads it; values of PROLOGUE in
 * shaders/lib/prologue.wgsl.
 */
export const PROLOGUES = { none: 0, norm: 1, swiglu: 2 } as const;
export type Prologue = Exclude<keyof typeof PROLOGUES, 'none'>;

const group: Pick<Kernel<GroupParams>, 'cost' | 'reference'> = {
  cost: linear.cost,

  reference(io, p, constants) {
    const width = 4 * p.inner4;
    let x = floats(io, 'x'); // (rows, width), (rows, 2 width) for SwiGLU
    if (constants['PROLOGUE'] === PROLOGUES.norm) {
      const y = new Float64Array(p.rows * width);
      rmsNorm.reference(
        { x, weight: floats(io, 'norm_weight'), y },
        { rows: p.rows, width, eps: p.eps },
        {},
      );
      x = y;
    } else if (constants['PROLOGUE'] === PROLOGUES.swiglu) {
      const y = new Float64Array(p.rows * width);
      swiglu.reference({ gate_up: x, y }, { rows: p.rows, width }, {});
      x = y;
    }
    linear.reference({ ...io, x }, p, constants);
  },
};

/**
 * Up to ROWS rows by a tile of 32 outputs (q8, q4) a workgroup; reads weights once for ROWS rows.
 */
export const linearGroup: Kernel<GroupParams> = {
  ...group,
  name: 'linear_group',
  wgsl: groupWgsl,
  lib: [LIB.weights, LIB.rows, LIB.product, LIB.prologue],
  constants: { ...weightConstants('q4'), ROWS: 4, PROLOGUE: PROLOGUES.none },
  grid: (p, c) => [Math.ceil(p.cols / TILE), Math.ceil(p.rows / Number(c['ROWS'])), 1],
  cases: () => [
    ...linearTiled.cases().map((c) => groupCase(c, 'none')),
    ...prologueCases('q8', { norm: 1, swiglu: 5 }),
    ...prologueCases('q4', { norm: 1, swiglu: 1 }),
  ],
};

/** Up to ROWS rows by four outputs (f32, f16) a workgroup, lanes along the inputs. */
export const linearGroupRows: Kernel<GroupParams> = {
  ...group,
  name: 'linear_group_rows',
  wgsl: groupRowsWgsl,
  lib: [LIB.weights, LIB.rowWeights, LIB.rows, LIB.product, LIB.prologue],
  constants: { ...weightConstants('f32'), ROWS: 4, PROLOGUE: PROLOGUES.none },
  grid: (p, c) => [Math.ceil(p.cols / 4), Math.ceil(p.rows / Number(c['ROWS'])), 1],
  cases: () => [
    ...linear.cases().map((c) => groupCase(c, 'none')),
    ...prologueCases('f32', { norm: 8, swiglu: 1 }),
    ...prologueCases('f16', { norm: 1, swiglu: 4 }),
  ],
};

/** 64 rows by 64 outputs a workgroup, whatever the layout of the weights; for many rows. */
export const linearBlock: Kernel<LinearParams> = {
  ...linear,
  name: 'linear_block',
  wgsl: blockWgsl,
  lib: [LIB.weights, LIB.anyWeights, LIB.rows, LIB.product, LIB.block],
  constants: weightConstants('f32'),
  grid: (p) => [Math.ceil(p.cols / BLOCK), Math.ceil(p.rows / BLOCK), 1],
  cases: () => [
    ...PRECISIONS.map((precision) =>
      linearCase(`${precision}: beyond a block, odd terms`, {
        rows: 67,
        inner: 52,
        cols: 75,
        precision,
      }),
    ),
    ...linear.cases(),
    ...linearTiled.cases(),
  ],
};

export const linearBlockBackward: Kernel<LinearBackwardParams> = {
  ...linearBackward,
  name: 'linear_block.bwd',
  wgsl: blockBackwardWgsl,
  lib: [LIB.weights, LIB.anyWeights, LIB.transposed, LIB.block],
  constants: weightConstants('f32'),
  grid: (p) => [Math.ceil((4 * p.inner4) / BLOCK), Math.ceil(p.rows / BLOCK), 1],
  cases: () => [
    ...PRECISIONS.map((precision) =>
      backwardCase(`${precision}: beyond a block, odd terms`, {
        rows: 67,
        inner: 76,
        cols: 43,
        precision,
      }),
    ),
    ...linearBackward.cases(),
    ...linearTiledBackward.cases(),
  ],
};

/**
 * ROWS (4 or 16) rows by four outputs a lane, whatever the layout of the weights; lanes of a
 * subgroup load different rows of x and tell each other. An output's sum has the same order at any
 * subgroup size and any ROWS.
 */
export const linearSubgroup: Kernel<LinearParams> = {
  ...linear,
  name: 'linear_subgroup',
  wgsl: subgroupWgsl,
  lib: [LIB.weights, LIB.anyWeights, LIB.rows, LIB.product, LIB.subgroupRows],
  subgroups: true,
  constants: { ...weightConstants('f32'), ROWS: 16, SUBGROUP: 8 },
  grid: (p, c) => [
    Math.ceil(p.cols / 4 / Number(c['SUBGROUP'])),
    Math.ceil(p.rows / Number(c['ROWS'])),
    1,
  ],
  cases: () => [...linear.cases(), ...linearTiled.cases()].map(withRows<LinearParams>),
};

export const linearSubgroupBackward: Kernel<LinearBackwardParams> = {
  ...linearBackward,
  name: 'linear_subgroup.bwd',
  wgsl: subgroupBackwardWgsl,
  lib: [LIB.weights, LIB.anyWeights, LIB.transposed, LIB.subgroupRows],
  subgroups: true,
  constants: { ...weightConstants('f32'), ROWS: 16, SUBGROUP: 8 },
  grid: (p, c) => [
    Math.ceil(p.inner4 / Number(c['SUBGROUP'])),
    Math.ceil(p.rows / Number(c['ROWS'])),
    1,
  ],
  cases: () =>
    [...linearBackward.cases(), ...linearTiledBackward.cases()].map(withRows<LinearBackwardParams>),
};

/** ROWS of the subgroup kernels for so many rows. */
export function subgroupRows(rows: number): { readonly ROWS: number } {
  return { ROWS: rows <= 4 ? 4 : 16 };
}

/** A case as a model would compute it. */
function withRows<P extends LinearParams | LinearBackwardParams>(
  c: KernelCase<'rows' | P>,
): KernelCase<'rows' | P> {
  return { ...c, constants: { ...c.constants, ...subgroupRows(c.params.rows) } };
}

/**
 * Both prologues by groups of so many rows: beyond a turn of the tiled kernel and a round of the
 * other's lanes, and the least. A software adapter compiles each pair of prologue and group for
 * seconds, so every precision has one of each only.
 */
function prologueCases(
  precision: WeightPrecision,
  rows: { readonly norm: number; readonly swiglu: number },
): KernelCase<GroupParams>[] {
  return (['norm', 'swiglu'] as const).flatMap((prologue) => {
    const title = `${precision}: ${prologue} before groups of ${rows[prologue]}`;
    return [
      groupCase(
        linearCase(`${title}, nine rows, 340 inputs, bias, accumulated`, {
          rows: 9,
          inner: 340,
          cols: 37,
          precision,
          bias: true,
          accumulate: true,
        }),
        prologue,
        rows[prologue],
      ),
      groupCase(
        linearCase(`${title}, one output of four inputs`, {
          rows: 1,
          inner: 4,
          cols: 1,
          precision,
        }),
        prologue,
        rows[prologue],
      ),
    ];
  });
}

/** A product's case for a group kernel that makes its input by the prologue first. */
function groupCase(
  c: KernelCase<LinearParams>,
  prologue: keyof typeof PROLOGUES,
  rows?: number,
): KernelCase<GroupParams> {
  const inner = 4 * c.params.inner4;
  const normal = normals(c.params.rows, inner, c.params.cols, PROLOGUES[prologue]);
  return {
    ...c,
    params: { ...c.params, eps: 1e-3 },
    constants: { ...c.constants, PROLOGUE: PROLOGUES[prologue], ...(rows && { ROWS: rows }) },
    io: {
      ...c.io,
      ...(prologue === 'norm' && { norm_weight: normal(inner) }),
      ...(prologue === 'swiglu' && { x: normal(2 * c.params.rows * inner, 2) }),
    },
  };
}
