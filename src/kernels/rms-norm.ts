import reduceLib from '../../shaders/lib/reduce.wgsl';
import backwardWgsl from '../../shaders/rms_norm.bwd.wgsl';
import wgsl from '../../shaders/rms_norm.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

type Params = 'rows' | 'width' | 'eps';

export const rmsNorm: Kernel<Params> = {
  name: 'rms_norm',
  wgsl,
  lib: [reduceLib],
  constants: { LANES: 32 },
  grid: (p) => flatGrid(p.rows),
  cost: (p) => 4 * p.rows * p.width,
};

export const rmsNormBackward: Kernel<Params> = {
  name: 'rms_norm.bwd',
  wgsl: backwardWgsl,
  lib: [reduceLib],
  constants: { LANES: 32 },
  grid: (p) => flatGrid(p.rows),
  cost: (p) => 10 * p.rows * p.width,
};
