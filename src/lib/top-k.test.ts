import { expect, it } from 'vitest';
import { Rng } from './rng.ts';
import { topK } from './top-k.ts';

/** The obvious way: sort everything. */
function bySorting(values: ArrayLike<number>, k: number): number[] {
  const order = Array.from({ length: values.length }, (_, i) => i);
  return order.sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b).slice(0, k);
}

it.each([0, 1, 2, 7, 99, 100, 101])(
  'finds the %i largest of a hundred as sorting does, ties by smaller index',
  (k) => {
    const rng = new Rng(k);
    for (let round = 0; round < 50; round++) {
      // Few distinct values: most comparisons are ties.
      const values = Float32Array.from({ length: 100 }, () =>
        round % 2 === 0 ? rng.int(9) - 4 : rng.uniform(),
      );
      expect(topK(values, k)).toEqual(bySorting(values, k));
    }
  },
);

it('takes rising, falling and equal values', () => {
  expect(topK([1, 2, 3, 4, 5], 2)).toEqual([4, 3]);
  expect(topK([5, 4, 3, 2, 1], 2)).toEqual([0, 1]);
  expect(topK([7, 7, 7, 7], 3)).toEqual([0, 1, 2]);
  expect(topK([], 3)).toEqual([]);
});

it('leaves NaN out and ranks infinities', () => {
  expect(topK([NaN, 1, -Infinity, Infinity, NaN], 4)).toEqual([3, 1, 2]);
});
