import wgsl from '../../shaders/embed.wgsl';
import rowsLib from '../../shaders/lib/rows.wgsl';
import weightsLib from '../../shaders/lib/weights.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { floats, normals, packRows, packWeights, rowAt, weights, words } from './reference-helpers.ts';

type Params = 'rows' | 'width4' | 'first_row' | 'shard_rows';

export const embed: Kernel<Params> = {
  name: 'embed',
  wgsl,
  lib: [weightsLib, rowsLib],
  constants: { WEIGHTS_F16: false },
  grid: (p) => flatGrid(Math.ceil((p.rows * p.width4) / 64)),
  cost: (p) => 4 * p.rows * p.width4,

  reference(io, p, constants) {
    const x = floats(io, 'x'); // (rows, width)
    const table = weights(io, 'table', constants); // (shard_rows, width)
    const width = 4 * p.width4;
    for (let row = 0; row < p.rows; row++) {
      const entry = rowAt(words(io, 'rows'), row).token - p.first_row;
      if (entry < 0 || entry >= p.shard_rows) continue;
      for (let i = 0; i < width; i++) x[row * width + i] = table[entry * width + i]!;
    }
  },

  cases() {
    const make = (title: string, rows: number, width4: number, first: number, shard: number, f16 = false): KernelCase<Params> => {
      const normal = normals(rows, width4, first);
      return {
        title,
        params: { rows, width4, first_row: first, shard_rows: shard },
        constants: { WEIGHTS_F16: f16 },
        io: {
          table: packWeights(normal(shard * width4 * 4), f16),
          // Tokens run from below the shard's first to beyond its last: those keep what x held.
          rows: packRows(Array.from({ length: rows }, (_, t) => ({ token: Math.max(0, first - 2) + ((t * 7) % (shard + 4)) }))),
          x: normal(rows * width4 * 4),
        },
      };
    };
    return [
      make('one token, four values', 1, 1, 0, 1),
      make('a whole table', 33, 5, 0, 60),
      make('a later shard', 29, 3, 17, 13),
      make('f16, a later shard', 31, 9, 100, 11, true),
    ];
  },
};
