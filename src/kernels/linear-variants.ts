/** The products of linear.ts done otherwise: for groups of rows, in blocks through workgroup memory, by subgroups. */
import anyWeightsLib from '../../shaders/lib/any_weights.wgsl';
import blockLib from '../../shaders/lib/block.wgsl';
import productLib from '../../shaders/lib/product.wgsl';
import rowsLib from '../../shaders/lib/rows.wgsl';
import subgroupRowsLib from '../../shaders/lib/subgroup_rows.wgsl';
import weightsLib from '../../shaders/lib/weights.wgsl';
import blockBackwardWgsl from '../../shaders/linear_block.bwd.wgsl';
import blockWgsl from '../../shaders/linear_block.wgsl';
import groupRowsWgsl from '../../shaders/linear_group_rows.wgsl';
import groupWgsl from '../../shaders/linear_group.wgsl';
import subgroupBackwardWgsl from '../../shaders/linear_subgroup.bwd.wgsl';
import subgroupWgsl from '../../shaders/linear_subgroup.wgsl';
import type { Kernel, KernelCase } from '../gpu/kernel.ts';
import { TILE } from '../lib/weight-blocks.ts';
import {
  backwardCase,
  linear,
  linearBackward,
  linearCase,
  linearTiled,
  linearTiledBackward,
  type LinearBackwardParams,
  type LinearParams,
} from './linear.ts';
import { weightConstants } from './weight-constants.ts';

/** Rows and outputs of a block. */
const BLOCK = 64;
const PRECISIONS = ['f32', 'f16', 'q8', 'q4'] as const;

/** Up to ROWS rows by a tile of 32 outputs (q8, q4) a workgroup; reads weights once for ROWS rows. */
export const linearGroup: Kernel<LinearParams> = {
  ...linearTiled,
  name: 'linear_group',
  wgsl: groupWgsl,
  constants: { ...weightConstants('q4'), ROWS: 4 },
  grid: (p, c) => [Math.ceil(p.cols / TILE), Math.ceil(p.rows / Number(c['ROWS'])), 1],
};

/** Up to ROWS rows by four outputs (f32, f16) a workgroup, lanes along the inputs. */
export const linearGroupRows: Kernel<LinearParams> = {
  ...linear,
  name: 'linear_group_rows',
  wgsl: groupRowsWgsl,
  constants: { ...weightConstants('f32'), ROWS: 4 },
  grid: (p, c) => [Math.ceil(p.cols / 4), Math.ceil(p.rows / Number(c['ROWS'])), 1],
};

/** 64 rows by 64 outputs a workgroup, whatever the layout of the weights; for many rows. */
export const linearBlock: Kernel<LinearParams> = {
  ...linear,
  name: 'linear_block',
  wgsl: blockWgsl,
  lib: [weightsLib, anyWeightsLib, rowsLib, productLib, blockLib],
  constants: weightConstants('f32'),
  grid: (p) => [Math.ceil(p.cols / BLOCK), Math.ceil(p.rows / BLOCK), 1],
  cases: () => [
    ...PRECISIONS.map((precision) => linearCase(`${precision}: beyond a block, odd terms`, { rows: 67, inner: 52, cols: 75, precision })),
    ...linear.cases(),
    ...linearTiled.cases(),
  ],
};

export const linearBlockBackward: Kernel<LinearBackwardParams> = {
  ...linearBackward,
  name: 'linear_block.bwd',
  wgsl: blockBackwardWgsl,
  lib: [weightsLib, anyWeightsLib, blockLib],
  constants: weightConstants('f32'),
  grid: (p) => [Math.ceil((4 * p.inner4) / BLOCK), Math.ceil(p.rows / BLOCK), 1],
  cases: () => [
    ...PRECISIONS.map((precision) => backwardCase(`${precision}: beyond a block, odd terms`, { rows: 67, inner: 76, cols: 43, precision })),
    ...linearBackward.cases(),
    ...linearTiledBackward.cases(),
  ],
};

/**
 * ROWS (4 or 16) rows by four outputs a lane, whatever the layout of the weights; lanes of a subgroup load different rows of x
 * and tell each other. An output's sum has the same order at any subgroup size and any ROWS.
 */
export const linearSubgroup: Kernel<LinearParams> = {
  ...linear,
  name: 'linear_subgroup',
  wgsl: subgroupWgsl,
  lib: [weightsLib, anyWeightsLib, rowsLib, productLib, subgroupRowsLib],
  subgroups: true,
  constants: { ...weightConstants('f32'), ROWS: 16, SUBGROUP: 8 },
  grid: (p, c) => [Math.ceil(p.cols / 4 / Number(c['SUBGROUP'])), Math.ceil(p.rows / Number(c['ROWS'])), 1],
  cases: () => [...linear.cases(), ...linearTiled.cases()].map(withRows<LinearParams>),
};

export const linearSubgroupBackward: Kernel<LinearBackwardParams> = {
  ...linearBackward,
  name: 'linear_subgroup.bwd',
  wgsl: subgroupBackwardWgsl,
  lib: [weightsLib, anyWeightsLib, subgroupRowsLib],
  subgroups: true,
  constants: { ...weightConstants('f32'), ROWS: 16, SUBGROUP: 8 },
  grid: (p, c) => [Math.ceil(p.inner4 / Number(c['SUBGROUP'])), Math.ceil(p.rows / Number(c['ROWS'])), 1],
  cases: () => [...linearBackward.cases(), ...linearTiledBackward.cases()].map(withRows<LinearBackwardParams>),
};

/** ROWS of the subgroup kernels for so many rows. */
export function subgroupRows(rows: number): { readonly ROWS: number } {
  return { ROWS: rows <= 4 ? 4 : 16 };
}

/** A case as a model would compute it. */
function withRows<P extends LinearParams | LinearBackwardParams>(c: KernelCase<'rows' | P>): KernelCase<'rows' | P> {
  return { ...c, constants: { ...c.constants, ...subgroupRows(c.params.rows) } };
}
