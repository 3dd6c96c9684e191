import backwardWgsl from '../../shaders/head_norm.bwd.wgsl';
import wgsl from '../../shaders/head_norm.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { LIB } from './libraries.ts';
import { dot, floats, normals } from './reference-helpers.ts';
import { rmsNorm, rmsNormBackward } from './rms-norm.ts';

type Params = 'rows' | 'heads' | 'kv_heads' | 'head_dim' | 'eps';

/**
 * Qwen3's norm of every query and key head, before RoPE; `weight` is (2, head_dim): the queries',
 * then the keys'.
 */
export const headNorm: Kernel<Params> = {
  name: 'head_norm',
  wgsl,
  lib: [LIB.reduce],
  constants: { LANES: 32 },
  grid: (p) => flatGrid(p.rows * (p.heads + 2 * p.kv_heads)),
  cost: (p) => 4 * p.rows * (p.heads + 2 * p.kv_heads) * p.head_dim,

  reference(io, p) {
    // (rows, heads + 2 kv_heads, head_dim)
    const [qkv, weight, y] = [floats(io, 'qkv'), floats(io, 'weight'), floats(io, 'y')];
    y.set(qkv);
    eachNormed(p, (at, weightAt) => {
      const [x, w, out] = [
        qkv.subarray(at, at + p.head_dim),
        weight.subarray(weightAt, weightAt + p.head_dim),
        y.subarray(at, at + p.head_dim),
      ];
      rmsNorm.reference({ x, weight: w, y: out }, { rows: 1, width: p.head_dim, eps: p.eps }, {});
    });
  },

  cases: () => SHAPES.map((shape) => headNormCase(shape, ['y'])),
};

export const headNormBackward: Kernel<Params> = {
  name: 'head_norm.bwd',
  wgsl: backwardWgsl,
  lib: [LIB.reduce],
  constants: { LANES: 32 },
  grid: headNorm.grid,
  cost: (p) => 10 * p.rows * (p.heads + 2 * p.kv_heads) * p.head_dim,

  reference(io, p) {
    const [qkv, weight, dy, dqkv] = [
      floats(io, 'qkv'),
      floats(io, 'weight'),
      floats(io, 'dy'),
      floats(io, 'dqkv'),
    ];
    dqkv.set(dy);
    eachNormed(p, (at, weightAt) => {
      const part = (array: Float64Array, from: number) => array.subarray(from, from + p.head_dim);
      const dx = part(dqkv, at).fill(0);
      rmsNormBackward.reference(
        { x: part(qkv, at), weight: part(weight, weightAt), dy: part(dy, at), dx },
        { rows: 1, width: p.head_dim, eps: p.eps },
        {},
      );
    });
  },

  cases: () => SHAPES.map((shape) => headNormCase(shape, ['dy', 'dqkv'])),

  gradients: [
    {
      gradient: 'dqkv',
      wrt: 'qkv',
      loss(qkv, io, params, constants) {
        const y = new Float64Array(qkv.length);
        headNorm.reference({ ...io, qkv, y }, params, constants);
        return dot(y, floats(io, 'dy'));
      },
    },
  ],
};

/** Visits where each query and key head begins, and its weight. */
function eachNormed(
  p: Readonly<Record<Params, number>>,
  visit: (at: number, weightAt: number) => void,
): void {
  const all = p.heads + 2 * p.kv_heads;
  for (let row = 0; row < p.rows; row++) {
    for (let head = 0; head < p.heads + p.kv_heads; head++)
      visit((row * all + head) * p.head_dim, head < p.heads ? 0 : p.head_dim);
  }
}

/** (title, rows, heads, kv_heads, head_dim, eps, scale of qkv). Small values make eps matter. */
const SHAPES: readonly (readonly [string, number, number, number, number, number, number])[] = [
  ['one row, one head', 1, 1, 1, 4, 1e-6, 1],
  [
    'odd rows, three query heads a key head, small values, where eps matters',
    7,
    6,
    2,
    12,
    1e-4,
    0.01,
  ],
  ['heads beyond a workgroup', 3, 4, 2, 132, 1e-6, 3],
  ['more heads than one grid axis holds', 16_500, 2, 1, 4, 1e-5, 1],
];

function headNormCase(
  [title, rows, heads, kvHeads, headDim, eps, scale]: (typeof SHAPES)[number],
  others: readonly string[],
): KernelCase<Params> {
  const normal = normals(rows, heads, headDim);
  const width = (heads + 2 * kvHeads) * headDim;
  return {
    title,
    params: { rows, heads, kv_heads: kvHeads, head_dim: headDim, eps },
    io: {
      qkv: normal(rows * width, scale),
      weight: normal(2 * headDim),
      ...Object.fromEntries(others.map((name) => [name, normal(rows * width, scale)])),
    },
  };
}
