import wgsl from '../../shaders/adamw.wgsl';
import normWgsl from '../../shaders/grad_norm.wgsl';
import totalWgsl from '../../shaders/grad_norm_total.wgsl';
import reduceLib from '../../shaders/lib/reduce.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

/** Gradient entries one workgroup of `gradNorm` sums. */
export const NORM_CHUNK = 4096;

export const gradNorm: Kernel<'count' | 'per_group'> = {
  name: 'grad_norm',
  wgsl: normWgsl,
  lib: [reduceLib],
  constants: { LANES: 64 },
  grid: (p) => flatGrid(Math.ceil(p.count / p.per_group)),
  cost: (p) => 4 * p.count,
};

export const gradNormTotal: Kernel<'groups'> = {
  name: 'grad_norm_total',
  wgsl: totalWgsl,
  lib: [reduceLib],
  constants: { LANES: 64 },
  grid: () => [1, 1, 1],
  cost: (p) => 4 * p.groups,
};

export const adamw: Kernel<
  | 'count'
  | 'learning_rate'
  | 'beta1'
  | 'beta2'
  | 'epsilon'
  | 'weight_decay'
  | 'clip_norm'
  | 'correction1'
  | 'correction2'
> = {
  name: 'adamw',
  wgsl,
  grid: (p) => flatGrid(Math.ceil(p.count / 64)),
  cost: (p) => 20 * p.count,
};
