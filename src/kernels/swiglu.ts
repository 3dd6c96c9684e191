import backwardWgsl from '../../shaders/swiglu.bwd.wgsl';
import wgsl from '../../shaders/swiglu.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

type Params = 'rows' | 'width';

export const swiglu: Kernel<Params> = {
  name: 'swiglu',
  wgsl,
  grid: (p) => flatGrid(Math.ceil((p.rows * p.width) / 64)),
  cost: (p) => 10 * p.rows * p.width,
};

export const swigluBackward: Kernel<Params> = {
  name: 'swiglu.bwd',
  wgsl: backwardWgsl,
  grid: swiglu.grid,
  cost: (p) => 20 * p.rows * p.width,
};
