import type * as Jax from '@jax-js/jax';
import { nodeGpu } from '../../../gpu/node-gpu.ts';
import { messageOf } from '../../../lib/errors.ts';
import {
  BLOCK_EPS,
  BLOCK_LORA,
  BLOCK_THETA,
  PROJECTIONS,
  projections,
  type BlockNumbers,
  type BlockShape,
  type ProjectionName,
} from './block.ts';
import type { BlockResult } from './ours.ts';
import type { Side } from './side.ts';

type JaxModule = typeof Jax;
type Array1 = Jax.Array;

/**
 * jax-js on the adapter that this process' WebGPU finds first, as our own device is. It looks for a
 * browser's `navigator`, which Node has only in part; it makes a device of its own.
 */
export async function openJax(): Promise<JaxModule> {
  const navigator = { gpu: nodeGpu(), userAgent: 'Node', hardwareConcurrency: 1 };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  giveIteratorsMethods();
  let jax: JaxModule;
  try {
    jax = await import('@jax-js/jax');
  } catch (cause) {
    throw new Error(`--peers needs @jax-js/jax, which npm ci installs: ${messageOf(cause)}.`, {
      cause,
    });
  }
  const devices = await jax.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js found no WebGPU device.');
  jax.defaultDevice('webgpu');
  return jax;
}

/** jax-js maps and filters iterators, which Node's can from 22 on; these stand in eagerly. */
function giveIteratorsMethods(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as Record<
    string,
    unknown
  >;
  prototype['map'] ??= function <T, U>(this: Iterable<T>, f: (value: T, i: number) => U) {
    return [...this].map(f);
  };
  prototype['filter'] ??= function <T>(this: Iterable<T>, f: (value: T, i: number) => boolean) {
    return [...this].filter(f);
  };
}

/**
 * Calls `f`; keeps what came of the last call. jax-js hands nothing to the device before a result
 * is waited for, and what is disposed earlier is never computed, so every result is kept until
 * `finish` has waited for it. One array of each is waited for: all that a jitted function computes
 * is submitted with it.
 */
export class JaxSide<T extends Jax.JsTree<Array1>> implements Side {
  #results: T[] = [];

  constructor(
    private readonly jax: JaxModule,
    private readonly f: () => T,
  ) {}

  readonly run = (): void => {
    this.#results.push(this.f());
  };

  readonly finish = async (): Promise<void> => {
    const { tree } = this.jax;
    await Promise.all(
      this.#results
        .flatMap((result) => tree.leaves(result).slice(0, 1))
        .map((array) => array.blockUntilReady()),
    );
    for (const result of this.#results.splice(0, this.#results.length - 1)) tree.dispose(result);
  };

  free(): void {
    for (const result of this.#results.splice(0)) this.jax.tree.dispose(result);
  }

  get last(): T {
    const last = this.#results.at(-1);
    if (last === undefined) throw new Error('Nothing was computed yet.');
    return last;
  }
}

type Parameters = {
  norm1: Array1;
  norm2: Array1;
  w: Record<ProjectionName, Array1>;
  bias: { q: Array1; k: Array1; v: Array1 };
};
type Lora = { a: Record<ProjectionName, Array1>; b: Record<ProjectionName, Array1> };

export interface JaxBlock {
  readonly forward: Side;
  readonly forwardBackward: Side;
  readonly read: () => Promise<BlockResult>;
  readonly free: () => void;
}

/**
 * The same block in jax-js: jit of the function, and of its value and gradients to the input and
 * the LoRA pairs.
 */
export async function jaxBlock(
  jax: JaxModule,
  shape: BlockShape,
  numbers: BlockNumbers,
  lora: boolean,
): Promise<JaxBlock> {
  const { numpy: np, nn } = jax;
  const { rows, width, heads, kvHeads, headDim } = shape;
  const all = projections(shape);
  const matrix = (data: Float32Array, r: number, c: number) => np.array(data).reshape([r, c]);
  // (inputs, outputs), so that a product is x · w as in JAX.
  const transposed = (data: Float32Array, r: number, c: number) =>
    matrix(transpose(data, r, c), c, r);
  const each = (make: (name: ProjectionName) => Array1) =>
    Object.fromEntries(PROJECTIONS.map((name) => [name, make(name)])) as Record<
      ProjectionName,
      Array1
    >;
  const vector = (data: Float32Array | undefined) => np.array(data ?? new Float32Array());
  const p: Parameters = {
    norm1: vector(numbers.norm1),
    norm2: vector(numbers.norm2),
    w: each((name) => transposed(numbers.weight[name], all[name].outputs, all[name].inputs)),
    bias: { q: vector(numbers.bias.q), k: vector(numbers.bias.k), v: vector(numbers.bias.v) },
  };
  const pairs: Lora = {
    a: each((name) => transposed(numbers.a[name], BLOCK_LORA.rank, all[name].inputs)),
    b: each((name) => transposed(numbers.b[name], all[name].outputs, BLOCK_LORA.rank)),
  };
  const x = matrix(numbers.x, rows, width);
  const dy = matrix(numbers.dy, rows, width);
  const [cosTable, sinTable] = turns(rows, headDim);
  const half = headDim / 2;
  const cos = matrix(cosTable, rows, half).reshape([rows, 1, half]);
  const sin = matrix(sinTable, rows, half).reshape([rows, 1, half]);

  const norm = (input: Array1, weight: Array1) => {
    const scale = np.reciprocal(
      np.sqrt(np.mean(np.square(input.ref), -1, { keepdims: true }).add(BLOCK_EPS)),
    );
    return input.mul(scale).mul(weight);
  };
  const rope = (input: Array1, c: Array1, s: Array1) => {
    const [a, b] = np.split(input, 2, -1) as [Array1, Array1];
    return np.concatenate([a.ref.mul(c.ref).sub(b.ref.mul(s.ref)), b.mul(c).add(a.mul(s))], -1);
  };
  const linear = (name: ProjectionName, input: Array1, params: Parameters, low: Lora): Array1 => {
    const product = np.matmul(input.ref, params.w[name]);
    if (!lora) {
      input.dispose();
      return product;
    }
    const scaled = np
      .matmul(np.matmul(input, low.a[name]), low.b[name])
      .mul(BLOCK_LORA.alpha / BLOCK_LORA.rank);
    return product.add(scaled);
  };
  const block = (input: Array1, low: Lora, params: Parameters, c: Array1, s: Array1): Array1 => {
    const n1 = norm(input.ref, params.norm1);
    const q = linear('q', n1.ref, params, low).add(params.bias.q).reshape([rows, heads, headDim]);
    const k = linear('k', n1.ref, params, low).add(params.bias.k).reshape([rows, kvHeads, headDim]);
    const v = linear('v', n1, params, low).add(params.bias.v).reshape([rows, kvHeads, headDim]);
    const mixed = nn.dotProductAttention(rope(q, c.ref, s.ref), rope(k, c, s), v, {
      isCausal: true,
    });
    const mid = input.add(linear('o', mixed.reshape([rows, heads * headDim]), params, low));
    const n2 = norm(mid.ref, params.norm2);
    const gate = linear('gate', n2.ref, params, low);
    const up = linear('up', n2, params, low);
    return mid.add(linear('down', nn.silu(gate).mul(up), params, low));
  };
  const loss = (
    input: Array1,
    low: Lora,
    params: Parameters,
    gradient: Array1,
    c: Array1,
    s: Array1,
  ): [Array1, Array1] => {
    const y = block(input, low, params, c, s);
    return [np.sum(y.ref.mul(gradient)), y];
  };
  const forward = jax.jit(block);
  const both = jax.jit(jax.valueAndGrad(loss, { argnums: lora ? [0, 1] : [0], hasAux: true }));
  const owned = <T extends Jax.JsTree<Array1>>(value: T): T => jax.tree.ref<T>(value);
  const forwardSide = new JaxSide(jax, () =>
    forward(x.ref, owned(pairs), owned(p), cos.ref, sin.ref),
  );
  const bothSide = new JaxSide(jax, () =>
    both(x.ref, owned(pairs), owned(p), dy.ref, cos.ref, sin.ref),
  );
  const data = async (array: Array1): Promise<Float32Array> =>
    (await array.ref.data()) as Float32Array;
  return {
    forward: forwardSide,
    forwardBackward: bothSide,
    read: async () => {
      const [[, y], [dx, dLow]] = bothSide.last as unknown as [[Array1, Array1], [Array1, Lora?]];
      const back = async (
        of: Record<ProjectionName, Array1>,
        r: (name: ProjectionName) => [number, number],
      ) =>
        Object.fromEntries(
          await Promise.all(
            PROJECTIONS.map(
              async (name) => [name, transpose(await data(of[name]), ...r(name))] as const,
            ),
          ),
        );
      return {
        y: await data(y),
        dx: await data(dx),
        dA: dLow ? await back(dLow.a, (name) => [all[name].inputs, BLOCK_LORA.rank]) : {},
        dB: dLow ? await back(dLow.b, (name) => [BLOCK_LORA.rank, all[name].outputs]) : {},
      };
    },
    free: () => {
      forwardSide.free();
      bothSide.free();
      jax.tree.dispose({ p, pairs, x, dy, cos, sin });
    },
  };
}

/** (rows, half) of cos and of sin, as the lab's own table has them. */
function turns(rows: number, headDim: number): [Float32Array, Float32Array] {
  const half = headDim / 2;
  const angle = (i: number) => Math.floor(i / half) * BLOCK_THETA ** (-(i % half) / half);
  const of = (f: (x: number) => number) =>
    Float32Array.from({ length: rows * half }, (_, i) => f(angle(i)));
  return [of(Math.cos), of(Math.sin)];
}

export function transpose(data: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++) out[c * rows + r] = data[r * cols + c] ?? 0;
  return out;
}
