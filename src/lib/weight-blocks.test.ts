import { describe, expect, it } from 'vitest';
import { f16ToF32, f32ToF16 } from './float16.ts';
import { Rng } from './rng.ts';
import {
  copyRow,
  packedBytes,
  packRows,
  tileBytes,
  unpackRows,
  type TiledPrecision,
} from './weight-blocks.ts';

const PRECISIONS = ['q8', 'q4'] as const;

function random(rows: number, cols: number): Float32Array {
  const rng = new Rng(rows, cols);
  return Float32Array.from(
    { length: rows * cols },
    () => (rng.uniform() - 0.5) * 10 ** (4 * rng.uniform() - 3),
  );
}

function pack(values: Float32Array, cols: number, precision: TiledPrecision): Uint8Array {
  const out = new Uint8Array(tileBytes(cols, precision));
  packRows(values, cols, precision, out, 0);
  return out;
}

/** The definition, value by value (docs/gpu.md, layouts). */
function rounded(block: Float32Array, precision: TiledPrecision): number[] {
  const largest = block.reduce((m, w) => (Math.abs(w) > Math.abs(m) ? w : m), 0);
  const d = f16ToF32(f32ToF16(precision === 'q4' ? largest / -8 : Math.abs(largest) / 127));
  const [low, high] = precision === 'q4' ? [-8, 7] : [-127, 127];
  return [...block].map((w) =>
    d === 0 ? 0 : Math.fround(d * Math.min(high, Math.max(low, Math.floor(w / d + 0.5)))),
  );
}

describe.each(PRECISIONS)('%s', (precision) => {
  it('takes 576 bytes a tile and block at q4, 1,088 at q8', () => {
    const chunk = precision === 'q4' ? 576 : 1088;
    expect(packedBytes(1, 1, precision)).toBe(chunk);
    expect(packedBytes(33, 344, precision)).toBe(2 * 11 * chunk);
  });

  it('rounds every block of 32 inputs by its own scale, a cut one at the end too', () => {
    const [rows, cols] = [19, 76];
    const values = random(rows, cols);
    const unpacked = unpackRows(pack(values, cols, precision), rows, cols, precision);
    for (let row = 0; row < rows; row++) {
      for (let first = 0; first < cols; first += 32) {
        const at = (array: Float32Array) =>
          array.subarray(row * cols + first, row * cols + Math.min(cols, first + 32));
        expect([...at(unpacked)]).toEqual(rounded(at(values), precision));
      }
    }
  });

  it('gives zeros for zeros and leaves what the tile lacks at zero', () => {
    const packed = pack(new Float32Array(2 * 40), 40, precision);
    expect([...unpackRows(packed, 32, 40, precision)].every((value) => Math.abs(value) === 0)).toBe(
      true,
    );
  });

  it('moves a row to a place in another tile without a change', () => {
    const values = random(32, 44);
    const [from, to] = [pack(values, 44, precision), new Uint8Array(tileBytes(44, precision))];
    copyRow(from, 0, 7, to, 0, 30, 44, precision);
    const moved = unpackRows(to, 32, 44, precision);
    expect([...moved.subarray(30 * 44, 31 * 44)]).toEqual([
      ...unpackRows(from, 32, 44, precision).subarray(7 * 44, 8 * 44),
    ]);
    expect(moved.subarray(0, 30 * 44).every((value) => Math.abs(value) === 0)).toBe(true);
  });

  it.each([NaN, Infinity, 1e9])('answers a weight of %s with a sentence', (weight) => {
    expect(() => pack(Float32Array.of(1, weight, 2, 3), 4, precision)).toThrow(
      /A weight is .*; such a value has no place in q/,
    );
  });
});

it('lays q4 out as nibbles, lowest first, and q8 as bytes, the second half of the block 32 outputs later', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? (i % 16) - 8 : 0));
  const q4 = pack(values, 32, 'q4');
  expect([...q4.subarray(0, 8)]).toEqual([0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]);
  expect([...q4.subarray(16, 20)]).toEqual([0x88, 0x88, 0x88, 0x88]);
  expect(new Uint16Array(q4.buffer, 512, 2)).toEqual(Uint16Array.of(0x3c00, 0));
  const q8 = pack(
    Float32Array.from({ length: 32 }, (_, i) => (i === 0 ? -127 : i)),
    32,
    'q8',
  );
  expect([...q8.subarray(0, 3)]).toEqual([129, 1, 2]);
  expect([...q8.subarray(512, 515)]).toEqual([16, 17, 18]);
  expect(new Uint16Array(q8.buffer, 1024, 1)).toEqual(Uint16Array.of(0x3c00));
});
