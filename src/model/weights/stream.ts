import { encodeF16 } from '../../lib/float16.ts';
import { decodeFloats, FLOAT_BYTES } from './safetensors.ts';
import {
  copyRow,
  isTiled,
  packedBytes,
  packRows,
  TILE,
  tileBytes,
  type TiledPrecision,
  type WeightPrecision,
} from './format.ts';
import type { Weights } from './source.ts';

/** Values read at a time, where a tile of rows is not more: 4 MiB as f32. */
const CHUNK_VALUES = 1 << 20;

/** Rows [from, from + rows) of a stored tensor, which come at row `to` of a chunk. */
interface Piece {
  readonly name: string;
  readonly from: number;
  readonly rows: number;
  readonly to: number;
}

/**
 * The bytes of a matrix as the device keeps it, in order, a few megabytes at a time: stored tensors
 * stacked row upon row, converted or quantised as they come. Whole rows, and in q8 and q4 whole
 * tiles, but for the last chunk.
 */
export async function* matrixChunks(
  weights: Weights,
  names: readonly string[],
  precision: WeightPrecision,
): AsyncGenerator<Uint8Array> {
  const { rows, cols } = stackedShape(weights, names);
  const step = Math.max(TILE, Math.floor(CHUNK_VALUES / cols / TILE) * TILE);
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const pieces = piecesOf(weights, names, first, count);
    if (names.some((name) => isTiled(weights.tensor(name).dtype)))
      yield await readTiles(weights, pieces, count, cols, precision);
    else yield encode(await readRows(weights, pieces, count, cols), cols, precision);
  }
}

/** Shape of tensors stacked row upon row; a vector is a column. */
export function stackedShape(
  weights: Weights,
  names: readonly string[],
): { rows: number; cols: number } {
  const shapes = names.map((name) => weights.tensor(name).shape);
  return { rows: shapes.reduce((n, [rows = 0]) => n + rows, 0), cols: shapes[0]?.[1] ?? 1 };
}

function piecesOf(
  weights: Weights,
  names: readonly string[],
  first: number,
  count: number,
): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  for (const name of names) {
    const [rows = 0] = weights.tensor(name).shape;
    const from = Math.max(first, start);
    const to = Math.min(first + count, start + rows);
    if (from < to) pieces.push({ name, from: from - start, rows: to - from, to: from - first });
    start += rows;
  }
  return pieces;
}

async function readRows(
  weights: Weights,
  pieces: readonly Piece[],
  rows: number,
  cols: number,
): Promise<Float32Array> {
  const values = new Float32Array(rows * cols);
  for (const { name, from, rows: count, to } of pieces) {
    const { dtype } = weights.tensor(name);
    if (isTiled(dtype)) throw new Error(refusal(name, dtype, 'f32'));
    const rowBytes = cols * FLOAT_BYTES[dtype];
    values.set(
      decodeFloats(await weights.read(name, from * rowBytes, (from + count) * rowBytes), dtype),
      to * cols,
    );
  }
  return values;
}

function encode(values: Float32Array, cols: number, precision: WeightPrecision): Uint8Array {
  if (!isTiled(precision)) {
    const stored = precision === 'f16' ? encodeF16(values) : values;
    return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  }
  const bytes = new Uint8Array(packedBytes(values.length / cols, cols, precision));
  for (let row = 0; row * cols < values.length; row += TILE) {
    packRows(
      values.subarray(row * cols, (row + TILE) * cols),
      cols,
      precision,
      bytes,
      (row / TILE) * tileBytes(cols, precision),
    );
  }
  return bytes;
}

/** Packed rows in tiles of their own: as they lie where tile begins at tile, else row by row. */
async function readTiles(
  weights: Weights,
  pieces: readonly Piece[],
  rows: number,
  cols: number,
  precision: WeightPrecision,
): Promise<Uint8Array> {
  const tile = (row: number) => Math.floor(row / TILE);
  const out = new Uint8Array(packedBytes(rows, cols, precision));
  for (const { name, from, rows: count, to } of pieces) {
    const { dtype } = weights.tensor(name);
    if (dtype !== precision || !isTiled(dtype)) throw new Error(refusal(name, dtype, precision));
    const bytes = tileBytes(cols, dtype);
    const packed = await weights.read(
      name,
      tile(from) * bytes,
      Math.ceil((from + count) / TILE) * bytes,
    );
    if (from % TILE === 0 && to % TILE === 0) out.set(packed, tile(to) * bytes);
    else copyRows(packed, from % TILE, out, to, count, cols, dtype);
  }
  return out;
}

function copyRows(
  from: Uint8Array,
  fromRow: number,
  to: Uint8Array,
  toRow: number,
  count: number,
  cols: number,
  precision: TiledPrecision,
): void {
  const bytes = tileBytes(cols, precision);
  for (let i = 0; i < count; i++) {
    const [source, target] = [fromRow + i, toRow + i];
    copyRow(
      from,
      Math.floor(source / TILE) * bytes,
      source % TILE,
      to,
      Math.floor(target / TILE) * bytes,
      target % TILE,
      cols,
      precision,
    );
  }
}

function refusal(name: string, stored: string, asked: string): string {
  return (
    `${name} is stored at ${stored} and cannot be had at ${asked}. Load the model as it ` +
    'is stored, or fetch it again at the precision you want.'
  );
}
