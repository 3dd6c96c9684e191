import backwardWgsl from '../../shaders/rope.bwd.wgsl';
import wgsl from '../../shaders/rope.wgsl';
import { flatGrid, type Kernel, type KernelCase } from '../gpu/kernel.ts';
import { LIB } from './libraries.ts';
import { headNorm } from './head-norm.ts';
import { dot, floats, normals, packRows, words } from './reference-helpers.ts';
import { rowAt } from './rows.ts';

type BackwardParams = 'rows' | 'heads' | 'kv_heads' | 'head_dim';
type Params = BackwardParams | 'eps';

/**
 * With HEAD_NORM the norm of query and key heads comes first, which is `headNorm`'s work otherwise.
 */
export const rope: Kernel<Params> = {
  name: 'rope',
  wgsl,
  lib: [LIB.rows],
  constants: { HEAD_NORM: false },
  grid: (p) => flatGrid(Math.ceil((p.rows * (p.heads + 2 * p.kv_heads) * p.head_dim) / 2 / 64)),
  cost: (p) => 4 * p.rows * (p.heads + 2 * p.kv_heads) * p.head_dim,

  reference(io, p, constants) {
    // (rows, (heads + 2 kv_heads) · head_dim); (rows, heads · head_dim); (kv rows, kv_heads ·
    // head_dim) twice
    const [q, k, v] = [floats(io, 'q'), floats(io, 'k'), floats(io, 'v')];
    let qkv = floats(io, 'qkv');
    if (constants['HEAD_NORM'] === true) {
      const y = new Float64Array(qkv.length);
      headNorm.reference({ qkv, weight: floats(io, 'weight'), y }, p, {});
      qkv = y;
    }
    const table = floats(io, 'table');
    const [d, half] = [p.head_dim, p.head_dim / 2];
    for (let row = 0; row < p.rows; row++) {
      const { position, kv } = rowAt(words(io, 'rows'), row);
      const start = row * (p.heads + 2 * p.kv_heads) * d;
      // Dimension i turns with dimension i + half by the angle of pair i.
      const turned = (at: number, i: number) => {
        const pair = i % half;
        const [cos, sin] = [
          table[2 * (position * half + pair)]!,
          table[2 * (position * half + pair) + 1]!,
        ];
        return i < half
          ? qkv[at + i]! * cos - qkv[at + i + half]! * sin
          : qkv[at + i]! * cos + qkv[at + i - half]! * sin;
      };
      for (let i = 0; i < d; i++) {
        for (let head = 0; head < p.heads; head++)
          q[(row * p.heads + head) * d + i] = turned(start + head * d, i);
        for (let head = 0; head < p.kv_heads; head++) {
          const out = (kv * p.kv_heads + head) * d + i;
          k[out] = turned(start + (p.heads + head) * d, i);
          v[out] = qkv[start + (p.heads + p.kv_heads + head) * d + i]!;
        }
      }
    }
  },

  cases: () =>
    SHAPES.flatMap((s) => {
      const plain = ropeCase(s, ['q', 'k', 'v']);
      const { title, params, io } = { ...plain, params: { ...plain.params, eps: 1e-3 } };
      const weight = normals(params.head_dim)(2 * params.head_dim);
      return [
        { title, params, io },
        {
          title: `heads normed: ${title}`,
          params,
          io: { ...io, weight },
          constants: { HEAD_NORM: true },
        },
      ];
    }),
};

export const ropeBackward: Kernel<BackwardParams> = {
  name: 'rope.bwd',
  wgsl: backwardWgsl,
  lib: [LIB.rows],
  grid: rope.grid,
  cost: rope.cost,

  reference(io, p) {
    const [dq, dk, dv, out, table] = [
      floats(io, 'dq'),
      floats(io, 'dk'),
      floats(io, 'dv'),
      floats(io, 'dqkv'),
      floats(io, 'table'),
    ];
    const [d, half, heads] = [p.head_dim, p.head_dim / 2, p.heads + 2 * p.kv_heads];
    for (let row = 0; row < p.rows; row++) {
      const { position, kv } = rowAt(words(io, 'rows'), row);
      for (let head = 0; head < heads; head++) {
        const at = (row * heads + head) * d;
        const isQuery = head < p.heads;
        const isValue = head >= p.heads + p.kv_heads;
        const from = isQuery ? dq : isValue ? dv : dk;
        const source = isQuery
          ? (row * p.heads + head) * d
          : (kv * p.kv_heads + ((head - p.heads) % p.kv_heads)) * d;
        for (let i = 0; i < half; i++) {
          // The inverse of a rotation is its transpose; values were not turned.
          const cos = isValue ? 1 : table[2 * (position * half + i)]!;
          const sin = isValue ? 0 : table[2 * (position * half + i) + 1]!;
          out[at + i] = from[source + i]! * cos + from[source + i + half]! * sin;
          out[at + i + half] = from[source + i + half]! * cos - from[source + i]! * sin;
        }
      }
    }
  },

  cases: () => SHAPES.map((s) => ropeCase(s, ['dq', 'dk', 'dv'])),

  gradients: [
    {
      gradient: 'dqkv',
      wrt: 'qkv',
      loss(qkv, io, params, constants) {
        const [dq, dk, dv] = [floats(io, 'dq'), floats(io, 'dk'), floats(io, 'dv')];
        const [q, k, v] = [
          new Float64Array(dq.length),
          new Float64Array(dk.length),
          new Float64Array(dv.length),
        ];
        rope.reference(
          { ...io, qkv, q, k, v },
          { ...(params as Record<BackwardParams, number>), eps: 0 },
          constants,
        );
        return dot(q, dq) + dot(k, dk) + dot(v, dv);
      },
    },
  ],
};

/**
 * cos and sin of position · frequency, times `factor`, interleaved: (positions, frequencies, 2).
 * Double precision, then f32.
 * @param frequencies radians a position of each pair of dimensions
 */
export function ropeTable(
  positions: number,
  frequencies: readonly number[],
  factor = 1,
): Float32Array {
  const half = frequencies.length;
  const table = new Float32Array(positions * half * 2);
  for (let position = 0; position < positions; position++) {
    frequencies.forEach((frequency, i) => {
      const angle = position * frequency;
      table[2 * (position * half + i)] = factor * Math.cos(angle);
      table[2 * (position * half + i) + 1] = factor * Math.sin(angle);
    });
  }
  return table;
}

/** (title, rows, heads, kv_heads, head_dim). */
const SHAPES: readonly (readonly [string, number, number, number, number])[] = [
  ['one row, one head', 1, 1, 1, 2],
  ['odd rows, three query heads a key head', 7, 6, 2, 12],
  ['beyond a workgroup, seven query heads a key head', 9, 14, 2, 64],
];

/**
 * Rows at scattered positions whose keys and values go to scattered rows; `names` of the q, k and v
 * arrays.
 */
function ropeCase(
  [title, rows, heads, kvHeads, headDim]: (typeof SHAPES)[number],
  names: readonly [q: string, k: string, v: string],
): KernelCase<BackwardParams> {
  const normal = normals(rows, heads, headDim);
  const positions = 50;
  const kvRows = rows + 3;
  const fused = rows * (heads + 2 * kvHeads) * headDim;
  return {
    title,
    params: { rows, heads, kv_heads: kvHeads, head_dim: headDim },
    io: {
      qkv: normal(fused),
      rows: packRows(
        Array.from({ length: rows }, (_, t) => ({
          position: (t * 13 + 5) % positions,
          kv: (kvRows - t) % kvRows,
        })),
      ),
      table: ropeTable(
        positions,
        Array.from({ length: headDim / 2 }, (_, i) => 10_000 ** ((-2 * i) / headDim)),
      ),
      [names[0]]: normal(rows * heads * headDim),
      [names[1]]: normal(kvRows * kvHeads * headDim),
      [names[2]]: normal(kvRows * kvHeads * headDim),
      dqkv: normal(fused),
    },
  };
}
