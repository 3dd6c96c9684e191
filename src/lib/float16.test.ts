import { describe, expect, test } from 'vitest';
import {
  bf16ToF32,
  decodeBf16,
  decodeF16,
  encodeF16,
  f16ToF32,
  f32ToBf16,
  f32ToF16,
} from './float16.ts';

/** The definition, in f64. */
function defined(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = bits >>> 15 ? -1 : 1;
  const exponent = (bits >>> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = (bits & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * mantissa * 2 ** (1 - bias)
    : sign * (1 + mantissa) * 2 ** (exponent - bias);
}

const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
const wrong = (values: ArrayLike<number>, expected: (bits: number) => number) =>
  [...all].filter((bits) => !Object.is(values[bits], expected(bits)));

describe('f16', () => {
  test('every one of the 65,536 bit patterns decodes to its defined value, the sign of zero included', () => {
    expect(wrong(decodeF16(all), (bits) => defined(bits, 5, 10))).toEqual([]);
    expect(f16ToF32(0x3555)).toBe(defined(0x3555, 5, 10));
  });

  test('every value that is not NaN encodes to the bits it came from; NaN stays NaN', () => {
    const back = encodeF16(decodeF16(all));
    const isNaNBits = (bits: number) => (bits & 0x7fff) > 0x7c00;
    expect(
      [...all].filter((bits) =>
        isNaNBits(bits) ? !isNaNBits(back[bits] as number) : back[bits] !== bits,
      ),
    ).toEqual([]);
  });

  test('between two neighbours the nearer wins, and halfway the one with the even bits', () => {
    const failures: number[] = [];
    for (let bits = 0; bits < 0x7bff; bits++) {
      const low = f16ToF32(bits);
      const high = f16ToF32(bits + 1);
      const middle = (low + high) / 2; // exact in f32
      const step = (high - low) / 1024;
      const even = bits % 2 === 0 ? bits : bits + 1;
      for (const sign of [0, 0x8000]) {
        const encode = (value: number) => f32ToF16(sign ? -value : value) ^ sign;
        if (
          encode(middle) !== even ||
          encode(middle - step) !== bits ||
          encode(middle + step) !== bits + 1
        )
          failures.push(bits);
      }
    }
    expect(failures).toEqual([]);
  });

  test('65,519 is the last to round to the largest finite value, 65,520 the first to be infinite', () => {
    expect(f16ToF32(f32ToF16(65_519))).toBe(65_504);
    expect(f16ToF32(f32ToF16(65_520))).toBe(Infinity);
    expect(f16ToF32(f32ToF16(-1e30))).toBe(-Infinity);
    expect(f32ToF16(2 ** -25)).toBe(0);
    expect(f32ToF16(-(2 ** -140))).toBe(0x8000);
  });
});

test('every bf16 bit pattern decodes to its defined value', () => {
  expect(wrong(decodeBf16(all), (bits) => defined(bits, 8, 7))).toEqual([]);
  expect(bf16ToF32(0x4049)).toBe(3.140625);
});

test('a value goes to the nearest bf16, halfway to the one with the even bits; NaN stays NaN', () => {
  const decoded = decodeBf16(all);
  expect(
    [...all].filter(
      (bits) => !Number.isNaN(decoded[bits]) && f32ToBf16(decoded[bits] as number) !== bits,
    ),
  ).toEqual([]);
  expect(bf16ToF32(f32ToBf16(NaN))).toBeNaN();
  expect(f32ToBf16(1 + 2 ** -8)).toBe(0x3f80);
  expect(f32ToBf16(1 + 3 * 2 ** -8)).toBe(0x3f82);
  expect(f32ToBf16(-(1 + 2 ** -8 + 2 ** -20))).toBe(0xbf81);
  expect(f32ToBf16(3.4e38)).toBe(0x7f80);
});
