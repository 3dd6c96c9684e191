import rowsLib from '../../shaders/lib/rows.wgsl';
import weightsLib from '../../shaders/lib/weights.wgsl';
import backwardWgsl from '../../shaders/linear.bwd.wgsl';
import wgsl from '../../shaders/linear.wgsl';
import type { Kernel } from '../gpu/kernel.ts';

/** Outputs of a fused product that share one LoRA pair: boundaries of segments 1 and 2; beyond the last output: unused. */
export const NO_SEGMENT = 0xffffffff;

export const linear: Kernel<
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
  | 'scale'
> = {
  name: 'linear',
  wgsl,
  lib: [weightsLib, rowsLib],
  constants: { WEIGHTS_F16: false, LANES: 64, TILE_ROWS: 8 },
  grid: (p, c) => [Math.ceil(p.cols / Number(c['LANES'])), Math.ceil(p.rows / Number(c['TILE_ROWS'])), 1],
  cost: (p) => 8 * p.rows * p.inner4 * p.cols,
};

/** The transposed product: gradient with respect to the input of a linear layer with frozen weights. */
export const linearBackward: Kernel<'rows' | 'inner4' | 'cols' | 'dy_stride' | 'dy_offset' | 'accumulate'> = {
  name: 'linear.bwd',
  wgsl: backwardWgsl,
  lib: [weightsLib],
  constants: { WEIGHTS_F16: false, LANES: 32, TILE_ROWS: 8 },
  grid: (p, c) => [Math.ceil(p.inner4 / Number(c['LANES'])), Math.ceil(p.rows / Number(c['TILE_ROWS'])), 1],
  cost: (p) => 8 * p.rows * p.inner4 * p.cols,
};
