import backwardWgsl from '../../shaders/swiglu.bwd.wgsl';
import wgsl from '../../shaders/swiglu.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { dot, floats, normals } from './reference-helpers.ts';

type Params = 'rows' | 'width';

export const swiglu: Kernel<Params> = {
  name: 'swiglu',
  wgsl,
  grid: (p) => flatGrid(Math.ceil((p.rows * p.width) / 64)),
  cost: (p) => 10 * p.rows * p.width,

  reference(io, p) {
    const [fused, y] = [floats(io, 'gate_up'), floats(io, 'y')]; // (rows, 2 width), (rows, width)
    for (let row = 0; row < p.rows; row++) {
      for (let i = 0; i < p.width; i++) {
        const gate = fused[2 * row * p.width + i]!;
        y[row * p.width + i] = (gate / (1 + Math.exp(-gate))) * fused[(2 * row + 1) * p.width + i]!;
      }
    }
  },

  cases: () => [
    ...SHAPES.map(([title, rows, width]): KernelCase<Params> => {
      const normal = normals(rows, width);
      return {
        title,
        params: { rows, width },
        io: { gate_up: normal(2 * rows * width, 4), y: new Float32Array(rows * width) },
      };
    }),
    {
      // One value repeated: drawing four million would take longer than the test.
      title: 'more than 65,535 workgroups',
      params: { rows: 2, width: 2_097_200 },
      io: {
        gate_up: Float32Array.from({ length: 4 * 2_097_200 }, (_, i) => (i % 7) - 3),
        y: new Float32Array(2 * 2_097_200),
      },
    },
  ],
};

export const swigluBackward: Kernel<Params> = {
  name: 'swiglu.bwd',
  wgsl: backwardWgsl,
  grid: swiglu.grid,
  cost: (p) => 20 * p.rows * p.width,

  reference(io, p) {
    const [fused, dy, out] = [floats(io, 'gate_up'), floats(io, 'dy'), floats(io, 'd_gate_up')];
    for (let row = 0; row < p.rows; row++) {
      for (let i = 0; i < p.width; i++) {
        const [gateAt, upAt] = [2 * row * p.width + i, (2 * row + 1) * p.width + i];
        const gate = fused[gateAt]!;
        const sigma = 1 / (1 + Math.exp(-gate));
        out[gateAt] = dy[row * p.width + i]! * fused[upAt]! * sigma * (1 + gate * (1 - sigma));
        out[upAt] = dy[row * p.width + i]! * gate * sigma;
      }
    }
  },

  cases: () =>
    SHAPES.map(([title, rows, width]): KernelCase<Params> => {
      const normal = normals(rows, width, 1);
      const io = {
        gate_up: normal(2 * rows * width, 2),
        dy: normal(rows * width),
        d_gate_up: normal(2 * rows * width),
      };
      return { title, params: { rows, width }, io };
    }),

  gradients: [
    {
      gradient: 'd_gate_up',
      wrt: 'gate_up',
      loss(gateUp, io, params, constants) {
        const y = new Float64Array(gateUp.length / 2);
        swiglu.reference({ gate_up: gateUp, y }, params, constants);
        return dot(y, floats(io, 'dy'));
      },
    },
  ],
};

const SHAPES: readonly (readonly [string, number, number])[] = [
  ['one value', 1, 1],
  ['odd', 7, 13],
  ['beyond a workgroup', 3, 150],
];
