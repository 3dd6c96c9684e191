import { expect, it } from 'vitest';
import type { Grid } from './kernel.ts';
import { piecesOf } from './pieces.ts';

const GRIDS: readonly Grid[] = [
  [1, 1, 1],
  [7, 1, 1],
  [1, 9, 1],
  [13, 5, 1],
  [280, 256, 1],
  [65535, 3, 1],
];
const PARTS = [0, 0.3, 1, 2, 3, 4.5, 5, 6, 11, 64, 65, 1000];

it.each(GRIDS)(
  'covers a grid of %s by %s once, in pieces of at most their share or one workgroup',
  (width, height) => {
    for (const parts of PARTS) {
      const seen = new Uint8Array(width * height);
      for (const piece of piecesOf([width, height, 1], parts)) {
        expect(piece.width * piece.height).toBeGreaterThan(0);
        expect(piece.width * piece.height).toBeLessThanOrEqual(
          Math.max(1, (width * height) / Math.max(1, parts)),
        );
        for (let y = piece.y; y < piece.y + piece.height; y++) {
          for (let x = piece.x; x < piece.x + piece.width; x++) seen[x + y * width]! += 1;
        }
      }
      expect(seen.every((times) => times === 1)).toBe(true);
    }
  },
);

it('cuts no more than it must: whole rows where those are small enough, spans of about the same size', () => {
  expect(piecesOf([10, 8, 1], 1)).toEqual([{ x: 0, y: 0, width: 10, height: 8 }]);
  expect(piecesOf([10, 8, 1], 3).map((piece) => piece.height)).toEqual([2, 2, 2, 2]);
  expect(piecesOf([10, 2, 1], 4)).toEqual(
    [0, 1].flatMap((y) => [0, 5].map((x) => ({ x, y, width: 5, height: 1 }))),
  );
  expect(piecesOf([3, 1, 1], Infinity)).toHaveLength(3);
});
