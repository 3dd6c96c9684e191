import wgsl from '../../shaders/embed.wgsl';
import rowsLib from '../../shaders/lib/rows.wgsl';
import weightsLib from '../../shaders/lib/weights.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

export const embed: Kernel<'rows' | 'width4' | 'first_row' | 'shard_rows'> = {
  name: 'embed',
  wgsl,
  lib: [weightsLib, rowsLib],
  constants: { WEIGHTS_F16: false },
  grid: (p) => flatGrid(Math.ceil((p.rows * p.width4) / 64)),
  cost: (p) => 4 * p.rows * p.width4,
};
