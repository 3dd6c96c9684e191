/**
 * Quantised weights: symmetric blocks of 32 inputs with an f16 scale, in *tiles* of 32 outputs
 * (docs/gpu.md, layouts). A tile holds its blocks of inputs in order; a block of a tile holds the
 * 32 outputs' values side by side, then their scales. What a row lacks to whole blocks is zero, and
 * so is what a matrix lacks to whole tiles.
 *
 * q4: one vec4<u32> an output; input 8w + i is nibble i, lowest first, of word w, stored as q + 8.
 * q8: one vec4<u32> an output and half of the block; input 16h + 4w + i is byte i, signed, of word
 * w of half h.
 */
import { f16ToF32, f32ToF16 } from './float16.ts';

export const WEIGHT_PRECISIONS = ['f32', 'f16', 'q8', 'q4'] as const;
/** How frozen matrices are kept: plain rows (f32, f16) or tiles (q8, q4). */
export type WeightPrecision = (typeof WEIGHT_PRECISIONS)[number];
export type TiledPrecision = 'q8' | 'q4';

/** Outputs of a tile, and inputs of a block. */
export const TILE = 32;

/** Bytes of the values of one block of a tile; the 32 scales follow. */
const VALUE_BYTES = { q8: TILE * TILE, q4: (TILE * TILE) / 2 } as const;
const SCALE_BYTES = 2 * TILE;

export function isTiled(precision: string): precision is TiledPrecision {
  return precision === 'q8' || precision === 'q4';
}

/** Bytes of one tile: 32 outputs of `cols` inputs. */
export function tileBytes(cols: number, precision: TiledPrecision): number {
  return Math.ceil(cols / TILE) * (VALUE_BYTES[precision] + SCALE_BYTES);
}

/** Bytes of a (rows, cols) matrix. */
export function packedBytes(rows: number, cols: number, precision: WeightPrecision): number {
  if (isTiled(precision)) return Math.ceil(rows / TILE) * tileBytes(cols, precision);
  return rows * cols * (precision === 'f16' ? 2 : 4);
}

/**
 * Quantises up to 32 rows to the tile at `out[at]`, whose bytes must be zero.
 * @param values (rows, cols)
 */
export function packRows(
  values: Float32Array,
  cols: number,
  precision: TiledPrecision,
  out: Uint8Array,
  at: number,
): void {
  const rows = values.length / cols;
  const chunk = VALUE_BYTES[precision] + SCALE_BYTES;
  const four = precision === 'q4';
  for (let row = 0; row < rows; row++) {
    for (let first = 0, chunkAt = at; first < cols; first += TILE, chunkAt += chunk) {
      const scaleAt = chunkAt + VALUE_BYTES[precision] + 2 * row;
      const count = Math.min(TILE, cols - first);
      const start = row * cols + first;
      const bits = scaleBits(values, start, count, four);
      out[scaleAt] = bits & 0xff;
      out[scaleAt + 1] = bits >>> 8;
      const scale = f16ToF32(bits);
      if (four) packNibbles(values, start, count, scale, out, chunkAt + 16 * row);
      else packBytes(values, start, count, scale, out, chunkAt + 16 * row);
    }
  }
}

/** The f16 scale of `count` values: q4 puts the entry of largest magnitude at −8, q8 at ±127. */
function scaleBits(values: Float32Array, start: number, count: number, four: boolean): number {
  let largest = 0;
  let magnitude = 0;
  for (let i = start; i < start + count; i++) {
    const value = values[i]!;
    const size = Math.abs(value);
    if (size > magnitude || Number.isNaN(size)) {
      largest = value;
      magnitude = size;
    }
  }
  if (magnitude === 0) return 0;
  const bits = f32ToF16(four ? largest / -8 : magnitude / 127);
  if ((bits & 0x7c00) === 0x7c00)
    throw new Error(
      `A weight is ${largest}; such a value has no place in ${four ? 'q4' : 'q8'}. Load the model as f32.`,
    );
  return bits;
}

/** Nearest step, halves upward. */
function step(value: number, scale: number, low: number, high: number): number {
  if (scale === 0) return 0;
  const q = Math.floor(value / scale + 0.5);
  return q < low ? low : q > high ? high : q;
}

function packNibbles(
  values: Float32Array,
  start: number,
  count: number,
  scale: number,
  out: Uint8Array,
  at: number,
): void {
  for (let i = 0; i < TILE; i += 2) {
    const low = i < count ? step(values[start + i]!, scale, -8, 7) : 0;
    const high = i + 1 < count ? step(values[start + i + 1]!, scale, -8, 7) : 0;
    out[at + i / 2] = (low + 8) | ((high + 8) << 4);
  }
}

function packBytes(
  values: Float32Array,
  start: number,
  count: number,
  scale: number,
  out: Uint8Array,
  at: number,
): void {
  for (let i = 0; i < count; i++) out[at + byteOf(i)] = step(values[start + i]!, scale, -127, 127);
}

/**
 * Place of input `i` of a block among an output's q8 values: the second half of the block comes 32
 * outputs later.
 */
function byteOf(i: number): number {
  return i < 16 ? i : 16 * TILE + i - 16;
}

/** A (rows, cols) matrix from its tiles, as the kernels see it. */
export function unpackRows(
  packed: Uint8Array,
  rows: number,
  cols: number,
  precision: TiledPrecision,
): Float32Array {
  const values = new Float32Array(rows * cols);
  const chunk = VALUE_BYTES[precision] + SCALE_BYTES;
  for (let row = 0; row < rows; row++) {
    const tileAt = Math.floor(row / TILE) * tileBytes(cols, precision);
    const r = row % TILE;
    for (let col = 0; col < cols; col++) {
      const chunkAt = tileAt + Math.floor(col / TILE) * chunk;
      const scaleAt = chunkAt + VALUE_BYTES[precision] + 2 * r;
      const scale = f16ToF32(packed[scaleAt]! | (packed[scaleAt + 1]! << 8));
      const i = col % TILE;
      const q =
        precision === 'q4'
          ? ((packed[chunkAt + 16 * r + (i >> 1)]! >> (4 * (i & 1))) & 15) - 8
          : (packed[chunkAt + 16 * r + byteOf(i)]! << 24) >> 24;
      values[row * cols + col] = scale * q;
    }
  }
  return values;
}

/**
 * Copies one row's values and scales from a tile to a place in another; nothing is rounded again.
 */
export function copyRow(
  from: Uint8Array,
  fromAt: number,
  fromRow: number,
  to: Uint8Array,
  toAt: number,
  toRow: number,
  cols: number,
  precision: TiledPrecision,
): void {
  const chunk = VALUE_BYTES[precision] + SCALE_BYTES;
  const pieces = VALUE_BYTES[precision] / (16 * TILE);
  for (let offset = 0; offset < tileBytes(cols, precision); offset += chunk) {
    for (let piece = 0; piece < pieces; piece++) {
      const source = fromAt + offset + 16 * (piece * TILE + fromRow);
      to.set(from.subarray(source, source + 16), toAt + offset + 16 * (piece * TILE + toRow));
    }
    const scale = fromAt + offset + VALUE_BYTES[precision] + 2 * fromRow;
    to.set(from.subarray(scale, scale + 2), toAt + offset + VALUE_BYTES[precision] + 2 * toRow);
  }
}
