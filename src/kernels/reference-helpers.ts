/** What references and cases share: decoding of what kernels read, random inputs, row states. */
import type { ReferenceIo } from '../gpu/kernel.ts';
import { decodeF16, encodeF16 } from '../lib/float16.ts';
import {
  isTiled,
  packedBytes,
  packRows as packTile,
  TILE,
  tileBytes,
  unpackRows,
  type WeightPrecision,
} from '../lib/weight-blocks.ts';
import { Rng } from '../lib/rng.ts';
import { ROW, type RowState } from './rows.ts';

export type Constants = Readonly<Record<string, number | boolean>>;

/** A float array of a case. */
export function floats(io: ReferenceIo, name: string): Float64Array {
  const array = io[name];
  if (!(array instanceof Float64Array)) throw new Error(`The case holds no float array ${name}.`);
  return array;
}

/** A u32 array of a case. */
export function words(io: ReferenceIo, name: string): Uint32Array {
  const array = io[name];
  if (!(array instanceof Uint32Array)) throw new Error(`The case holds no u32 array ${name}.`);
  return array;
}

/** A (rows, cols) matrix of frozen weights from its storage words. */
export function weights(
  io: ReferenceIo,
  name: string,
  constants: Constants,
  rows: number,
  cols: number,
): Float64Array {
  const packed = words(io, name);
  const bits = constants['WEIGHT_BITS'];
  if (bits === 32)
    return Float64Array.from(new Float32Array(packed.buffer, packed.byteOffset, packed.length));
  if (bits === 16)
    return Float64Array.from(
      decodeF16(new Uint16Array(packed.buffer, packed.byteOffset, 2 * packed.length)),
    );
  const bytes = new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  return Float64Array.from(unpackRows(bytes, rows, cols, bits === 8 ? 'q8' : 'q4'));
}

/** Storage words of frozen weights, rounded as the precision asks. */
export function packWeights(
  values: Float32Array,
  cols: number,
  precision: WeightPrecision,
): Uint32Array {
  const rows = values.length / cols;
  const bytes = new Uint8Array(packedBytes(rows, cols, precision));
  if (isTiled(precision)) {
    for (let tile = 0; tile * TILE < rows; tile++) {
      packTile(
        values.subarray(tile * TILE * cols, (tile + 1) * TILE * cols),
        cols,
        precision,
        bytes,
        tile * tileBytes(cols, precision),
      );
    }
  } else {
    const stored = precision === 'f16' ? encodeF16(values) : values;
    bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
  }
  return new Uint32Array(bytes.buffer);
}

/** Key/value rows that a row attends to: its prefix, then its own segment. */
export function attended(state: RowState): number[] {
  const keys: number[] = [];
  for (let j = 0; j < state.prefixLen; j++) keys.push(state.prefixStart + j);
  for (let j = 0; j < state.ownLen; j++) keys.push(state.ownStart + j);
  return keys;
}

const NO_STATE: RowState = {
  token: 0,
  position: 0,
  kv: 0,
  prefixStart: 0,
  prefixLen: 0,
  ownStart: 0,
  ownLen: 0,
  adapter: 0,
};

/** The `rows` buffer of these states; what is not named is 0. */
export function packRows(states: readonly Partial<RowState>[]): Uint32Array {
  return ROW.pack(states.map((state) => ({ ...NO_STATE, ...state })));
}

/** Rows whose adapters are 0, 1, 2, 0, 1, … */
export function adapterRows(count: number): Uint32Array {
  return packRows(Array.from({ length: count }, (_, row) => ({ adapter: row % 3 })));
}

/** A source of standard normal arrays times `scale`, the same for the same key. */
export function normals(
  ...key: readonly number[]
): (count: number, scale?: number) => Float32Array {
  const rng = new Rng(...key);
  return (count, scale = 1) =>
    Float32Array.from(
      { length: count },
      () =>
        scale * Math.sqrt(-2 * Math.log(1 - rng.uniform())) * Math.cos(2 * Math.PI * rng.uniform()),
    );
}

/** Σ a · b, the loss whose upstream gradient is `b`. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
