import backwardWgsl from '../../shaders/gather_rows.bwd.wgsl';
import wgsl from '../../shaders/gather_rows.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { Layout } from './layout.ts';
import { dot, floats, normals, words } from './reference-helpers.ts';

/** Entries [start, end) that a row predicts, the `spans` of the backward pass. */
export const SPAN = new Layout({ start: 'u32', end: 'u32' });

type Params = 'count' | 'width4' | 'first';
type BackwardParams = 'rows' | 'width4' | 'first' | 'count';

export const gatherRows: Kernel<Params> = {
  name: 'gather_rows',
  wgsl,
  grid: (p) => flatGrid(Math.ceil((p.count * p.width4) / 64)),
  cost: (p) => 4 * p.count * p.width4,

  reference(io, p) {
    // (rows, width), (entries), (count, width)
    const [x, index, y] = [floats(io, 'x'), words(io, 'index'), floats(io, 'y')];
    const width = 4 * p.width4;
    for (let i = 0; i < p.count; i++) {
      for (let k = 0; k < width; k++) y[i * width + k] = x[index[p.first + i]! * width + k]!;
    }
  },

  cases: () =>
    SHAPES.map(([title, index, rows, width4, first, count]): KernelCase<Params> => {
      const normal = normals(rows, width4);
      const io = {
        x: normal(rows * width4 * 4),
        index: Uint32Array.from(index),
        y: new Float32Array(count * width4 * 4),
      };
      return { title, params: { count, width4, first }, io };
    }),
};

export const gatherRowsBackward: Kernel<BackwardParams> = {
  name: 'gather_rows.bwd',
  wgsl: backwardWgsl,
  grid: (p) => flatGrid(Math.ceil((p.rows * p.width4) / 64)),
  cost: (p) => 8 * p.rows * p.width4,

  reference(io, p) {
    // (count, width), (rows, 2), (rows, width)
    const [dy, spans, dx] = [floats(io, 'dy'), words(io, 'spans'), floats(io, 'dx')];
    const width = 4 * p.width4;
    for (let row = 0; row < p.rows; row++) {
      const { start, end } = SPAN.read(spans, row);
      for (let entry = start; entry < end; entry++) {
        if (entry < p.first || entry >= p.first + p.count) continue;
        for (let k = 0; k < width; k++) dx[row * width + k]! += dy[(entry - p.first) * width + k]!;
      }
    }
  },

  cases: () =>
    SHAPES.map(([title, index, rows, width4, first, count]): KernelCase<BackwardParams> => {
      const normal = normals(rows, width4, 1);
      const spans = SPAN.pack(
        every(rows, (row) => index.filter((source) => source < row).length).map((start, row) => ({
          start,
          end: start + index.filter((source) => source === row).length,
        })),
      );
      return {
        title,
        params: { rows, width4, first, count },
        io: {
          dy: normal(count * width4 * 4),
          spans,
          dx: normal(rows * width4 * 4),
          // For the forward.
          x: normal(rows * width4 * 4),
          index: Uint32Array.from(index),
        },
      };
    }),

  gradients: [
    {
      gradient: 'dx',
      wrt: 'x',
      loss(x, io, params, constants) {
        const dy = floats(io, 'dy');
        const y = new Float64Array(dy.length);
        gatherRows.reference({ ...io, x, y }, params, constants);
        return dot(y, dy);
      },
    },
  ],
};

const every = (count: number, source: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => source(i));

/**
 * (title, source rows in order, rows, width4, first entry, entries). The last prompt token of a
 * group is gathered once a completion.
 */
const SHAPES: readonly (readonly [string, readonly number[], number, number, number, number])[] = [
  ['one row', [0], 1, 1, 0, 1],
  ['a shared row, a gap, a chunk in the middle', [1, 1, 1, 2, 4, 5, 5, 6], 8, 3, 2, 4],
  ['all entries, beyond a workgroup', every(70, (i) => Math.floor(i / 2)), 37, 5, 0, 70],
  ['a last, short chunk', every(33, (i) => i + 2), 36, 9, 32, 1],
];
