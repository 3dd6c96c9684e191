import backwardWgsl from '../../shaders/rms_norm.bwd.wgsl';
import wgsl from '../../shaders/rms_norm.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { LIB } from './libraries.ts';
import { dot, floats, normals } from './reference-helpers.ts';

type Params = 'rows' | 'width' | 'eps';

export const rmsNorm: Kernel<Params> = {
  name: 'rms_norm',
  wgsl,
  lib: [LIB.reduce],
  constants: { LANES: 32 },
  grid: (p) => flatGrid(p.rows),
  cost: (p) => 4 * p.rows * p.width,

  reference(io, p) {
    // (rows, width), (width), (rows, width)
    const [x, weight, y] = [floats(io, 'x'), floats(io, 'weight'), floats(io, 'y')];
    for (let row = 0; row < p.rows; row++) {
      const inverse = inverseRms(x, row, p.width, p.eps);
      for (let i = 0; i < p.width; i++)
        y[row * p.width + i] = x[row * p.width + i]! * inverse * weight[i]!;
    }
  },

  cases: () =>
    SHAPES.map(([title, rows, width, eps, scale]): KernelCase<Params> => {
      const normal = normals(rows, width);
      return {
        title,
        params: { rows, width, eps },
        io: {
          x: normal(rows * width, scale),
          weight: normal(width),
          y: new Float32Array(rows * width),
        },
      };
    }),
};

export const rmsNormBackward: Kernel<Params> = {
  name: 'rms_norm.bwd',
  wgsl: backwardWgsl,
  lib: [LIB.reduce],
  constants: { LANES: 32 },
  grid: (p) => flatGrid(p.rows),
  cost: (p) => 10 * p.rows * p.width,

  reference(io, p) {
    const [x, weight, dy, dx] = [
      floats(io, 'x'),
      floats(io, 'weight'),
      floats(io, 'dy'),
      floats(io, 'dx'),
    ];
    for (let row = 0; row < p.rows; row++) {
      const at = row * p.width;
      const inverse = inverseRms(x, row, p.width, p.eps);
      let slope = 0;
      for (let i = 0; i < p.width; i++)
        slope += (weight[i]! * dy[at + i]! * x[at + i]! * inverse) / p.width;
      for (let i = 0; i < p.width; i++)
        dx[at + i]! += inverse * (weight[i]! * dy[at + i]! - x[at + i]! * inverse * slope);
    }
  },

  cases: () =>
    SHAPES.map(([title, rows, width, eps, scale]): KernelCase<Params> => {
      const normal = normals(rows, width, 1);
      const io = {
        x: normal(rows * width, scale),
        weight: normal(width),
        dy: normal(rows * width, scale),
        dx: normal(rows * width),
      };
      return { title, params: { rows, width, eps }, io };
    }),

  gradients: [
    {
      gradient: 'dx',
      wrt: 'x',
      loss(x, io, params, constants) {
        const y = new Float64Array(x.length);
        rmsNorm.reference({ ...io, x, y }, params, constants);
        return dot(y, floats(io, 'dy'));
      },
    },
  ],
};

function inverseRms(x: Float64Array, row: number, width: number, eps: number): number {
  let squares = 0;
  for (let i = 0; i < width; i++) squares += x[row * width + i]! ** 2;
  return 1 / Math.sqrt(squares / width + eps);
}

/** (title, rows, width, eps, scale of x and dy). Small x make eps matter. */
const SHAPES: readonly (readonly [string, number, number, number, number])[] = [
  ['one value', 1, 1, 1e-6, 1],
  ['odd, small values, where eps matters', 7, 33, 1e-4, 0.01],
  ['beyond a workgroup', 2, 897, 1e-6, 3],
  ['more rows than one grid axis holds', 65_537, 2, 1e-5, 1],
];
