import wgsl from '../../shaders/accumulate.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { floats, normals } from './reference-helpers.ts';

/** y += x over flat vectors. */
export const accumulate: Kernel<'count'> = {
  name: 'accumulate',
  wgsl,
  grid: (p) => flatGrid(Math.ceil(p.count / 64)),
  cost: (p) => 4 * p.count,

  reference(io, p) {
    const [x, y] = [floats(io, 'x'), floats(io, 'y')];
    for (let i = 0; i < p.count; i++) y[i] = y[i]! + x[i]!;
  },

  cases() {
    const make = (title: string, count: number, length = count): KernelCase<'count'> => {
      const normal = normals(count, length);
      return { title, params: { count }, io: { x: normal(length), y: normal(length) } };
    };
    return [
      make('one value', 1),
      make('odd, beyond a workgroup', 201),
      make('values after the count stay', 70, 128),
      make('more workgroups than one grid axis holds', 64 * 65_536 + 3),
    ];
  },
};
