import wgsl from '../../shaders/embed.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import type { WeightPrecision } from '../lib/weight-blocks.ts';
import { LIB } from './libraries.ts';
import { floats, normals, packRows, packWeights, weights, words } from './reference-helpers.ts';
import { rowAt } from './rows.ts';
import { weightConstants } from './weight-constants.ts';

type Params = 'rows' | 'width4' | 'first_row' | 'shard_rows';

export const embed: Kernel<Params> = {
  name: 'embed',
  wgsl,
  lib: [LIB.weights, LIB.rows],
  constants: weightConstants('f32'),
  grid: (p) => flatGrid(Math.ceil((p.rows * p.width4) / 64)),
  cost: (p) => 4 * p.rows * p.width4,

  reference(io, p, constants) {
    const x = floats(io, 'x'); // (rows, width)
    const width = 4 * p.width4;
    const table = weights(io, 'table', constants, p.shard_rows, width);
    for (let row = 0; row < p.rows; row++) {
      const entry = rowAt(words(io, 'rows'), row).token - p.first_row;
      if (entry < 0 || entry >= p.shard_rows) continue;
      for (let i = 0; i < width; i++) x[row * width + i] = table[entry * width + i]!;
    }
  },

  cases() {
    const make = (
      title: string,
      rows: number,
      width4: number,
      first: number,
      shard: number,
      precision: WeightPrecision = 'f32',
    ): KernelCase<Params> => {
      const normal = normals(rows, width4, first);
      return {
        title,
        params: { rows, width4, first_row: first, shard_rows: shard },
        constants: weightConstants(precision),
        io: {
          table: packWeights(normal(shard * width4 * 4), 4 * width4, precision),
          // Tokens run from below the shard's first to beyond its last: those keep what x held.
          rows: packRows(
            Array.from({ length: rows }, (_, t) => ({
              token: Math.max(0, first - 2) + ((t * 7) % (shard + 4)),
            })),
          ),
          x: normal(rows * width4 * 4),
        },
      };
    };
    return [
      make('one token, four values', 1, 1, 0, 1),
      make('a whole table', 33, 5, 0, 60),
      make('a later shard', 29, 3, 17, 13),
      make('f16, a later shard', 31, 9, 100, 11, 'f16'),
      make('q8, a later shard, padded blocks', 31, 11, 64, 45, 'q8'),
      make('q4, a later shard, padded blocks', 37, 19, 128, 67, 'q4'),
      make('q4, one token, four values', 1, 1, 0, 1, 'q4'),
    ];
  },
};
