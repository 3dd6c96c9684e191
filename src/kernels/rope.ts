import rowsLib from '../../shaders/lib/rows.wgsl';
import backwardWgsl from '../../shaders/rope.bwd.wgsl';
import wgsl from '../../shaders/rope.wgsl';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';

type Params = 'rows' | 'heads' | 'kv_heads' | 'head_dim';

export const rope: Kernel<Params> = {
  name: 'rope',
  wgsl,
  lib: [rowsLib],
  grid: (p) => flatGrid(Math.ceil((p.rows * (p.heads + 2 * p.kv_heads) * p.head_dim) / 2 / 64)),
  cost: (p) => 4 * p.rows * (p.heads + 2 * p.kv_heads) * p.head_dim,
};

export const ropeBackward: Kernel<Params> = {
  name: 'rope.bwd',
  wgsl: backwardWgsl,
  lib: [rowsLib],
  grid: rope.grid,
  cost: rope.cost,
};

/** cos and sin of position · base^(−2i/headDim), interleaved: (positions, headDim / 2, 2). Double precision, then f32. */
export function ropeTable(positions: number, headDim: number, theta: number): Float32Array {
  const half = headDim / 2;
  const table = new Float32Array(positions * half * 2);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * theta ** ((-2 * i) / headDim);
      table[2 * (position * half + i)] = Math.cos(angle);
      table[2 * (position * half + i) + 1] = Math.sin(angle);
    }
  }
  return table;
}
