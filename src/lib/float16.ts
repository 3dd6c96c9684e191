/**
 * Half-precision formats as their 16 raw bits: f16 is IEEE 754 binary16 (1 sign, 5 exponent, 10
 * mantissa bits), bf16 the upper half of an f32. Rounding is to nearest, ties to even.
 */

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** f16 bits → the number, exactly (NaN payloads are not kept). */
export function f16ToF32(bits: number): number {
  return f16Table()[bits & 0xffff] as number;
}

/** Number → bits of the nearest f16; beyond 65,520 infinite. */
export function f32ToF16(value: number): number {
  float[0] = value;
  const bits = word[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent (127 − 15 = 112) and round away 13 bits; a carry runs into the
    // exponent, up to infinity.
    const rebased = magnitude - (112 << 23);
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  // Subnormal: a multiple of 2^-24; scaling by a power of two is exact, so the one rounding is this
  // one.
  float[0] = value < 0 ? -value : value;
  return sign | roundHalfEven(float[0] * 2 ** 24);
}

/** Number → bits of the nearest bf16; beyond the largest finite one infinite. */
export function f32ToBf16(value: number): number {
  float[0] = value;
  const bits = word[0] as number;
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  // A carry out of the mantissa runs into the exponent, up to infinity.
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** bf16 bits → the number, exactly. */
export function bf16ToF32(bits: number): number {
  word[0] = bits << 16;
  return float[0] as number;
}

/** f16 bits → f32 values, elementwise. */
export function decodeF16(bits: Uint16Array): Float32Array {
  const table = f16Table();
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] as number] as number;
  return values;
}

/** f32 values → f16 bits, elementwise. */
export function encodeF16(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = f32ToF16(values[i] as number);
  return bits;
}

/** bf16 bits → f32 values, elementwise. */
export function decodeBf16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
  return new Float32Array(words.buffer);
}

let table: Float32Array | undefined;

/** All 65,536 values (256 KiB), made on first use. */
function f16Table(): Float32Array {
  if (table) return table;
  const words = new Uint32Array(65_536);
  const values = new Float32Array(words.buffer);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = (bits & 0x8000) << 16;
    const exponent = (bits >>> 10) & 31;
    const mantissa = bits & 0x3ff;
    if (exponent === 0) values[bits] = (sign ? -1 : 1) * mantissa * 2 ** -24;
    else words[bits] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13);
  }
  return (table = values);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
}
