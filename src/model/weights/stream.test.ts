import { describe, expect, it } from 'vitest';
import { encodeF16 } from '../../lib/float16.ts';
import { Rng } from '../../lib/rng.ts';
import { writeSafetensors } from './safetensors.ts';
import { packedBytes, packRows, tileBytes, type WeightPrecision } from './format.ts';
import { matrixChunks } from './stream.ts';
import { openWeights, type FileSource } from './source.ts';

/** Parts that begin and end inside tiles and chunks, 1.7 million values. */
const COLS = 100;
const PARTS = { q: 11_003, k: 50, v: 6000 };

function random(rows: number): Float32Array {
  const rng = new Rng(rows);
  return Float32Array.from({ length: rows * COLS }, () => rng.uniform() - 0.5);
}

const values = Object.fromEntries(
  Object.entries(PARTS).map(([name, rows]) => [name, random(rows)]),
);
const file = writeSafetensors(
  Object.entries(PARTS).map(
    ([name, rows]) =>
      [name, { shape: [rows, COLS], data: values[name] ?? new Float32Array() }] as const,
  ),
);

/** All parts at once, as the stream is to deliver them. */
function whole(precision: WeightPrecision): Uint8Array {
  const rows = Object.values(PARTS).reduce((n, r) => n + r, 0);
  const stacked = new Float32Array(rows * COLS);
  Object.values(values).reduce((at, part) => (stacked.set(part, at), at + part.length), 0);
  if (precision === 'f32') return new Uint8Array(stacked.buffer);
  if (precision === 'f16') return new Uint8Array(encodeF16(stacked).buffer);
  const out = new Uint8Array(packedBytes(rows, COLS, precision));
  for (let tile = 0; tile * 32 < rows; tile++)
    packRows(
      stacked.subarray(tile * 32 * COLS, (tile + 1) * 32 * COLS),
      COLS,
      precision,
      out,
      tile * tileBytes(COLS, precision),
    );
  return out;
}

describe('matrixChunks', () => {
  it.each(['f32', 'f16', 'q8', 'q4'] as const)(
    'delivers stacked tensors at %s as if packed at once, and never reads or holds more than a few megabytes',
    async (precision) => {
      let largest = 0;
      const source: FileSource = {
        label: 'a file',
        read: () => Promise.resolve(null),
        size: (path) => Promise.resolve(path === 'model.safetensors' ? file.length : null),
        readRange: (_, start, end) => {
          largest = Math.max(largest, end - start);
          return Promise.resolve(file.subarray(start, end));
        },
      };
      const chunks: Uint8Array[] = [];
      for await (const chunk of matrixChunks(
        await openWeights(source),
        Object.keys(PARTS),
        precision,
      )) {
        largest = Math.max(largest, chunk.length);
        chunks.push(chunk);
      }
      expect(chunks.length).toBeGreaterThan(1);
      expect(Buffer.compare(Buffer.concat(chunks), whole(precision))).toBe(0);
      expect(largest).toBeLessThanOrEqual(4 << 20);
    },
  );
});
