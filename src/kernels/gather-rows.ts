import backwardWgsl from '../../shaders/gather_rows.bwd.wgsl';
import wgsl from '../../shaders/gather_rows.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

export const gatherRows: Kernel<'count' | 'width4' | 'first'> = {
  name: 'gather_rows',
  wgsl,
  grid: (p) => flatGrid(Math.ceil((p.count * p.width4) / 64)),
  cost: (p) => 4 * p.count * p.width4,
};

export const gatherRowsBackward: Kernel<'rows' | 'width4' | 'first' | 'count'> = {
  name: 'gather_rows.bwd',
  wgsl: backwardWgsl,
  grid: (p) => flatGrid(Math.ceil((p.rows * p.width4) / 64)),
  cost: (p) => 8 * p.rows * p.width4,
};
