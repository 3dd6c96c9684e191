import { describe, expect, it } from 'vitest';
import { layoutOf, rowAt, scrollTo, totalHeight, visibleRange } from './windowed.ts';

const layout = layoutOf([50, 20, 20, 50, 20], (height) => height);

describe('a windowed list', () => {
  it('finds the row under a pixel, the ends outside', () => {
    expect([-5, 0, 49, 50, 69, 89, 90, 159, 500].map((y) => rowAt(layout, y))).toEqual([
      0, 0, 0, 1, 1, 2, 3, 4, 4,
    ]);
    expect(totalHeight(layout)).toBe(160);
  });

  it('draws what is seen and a margin, never beyond the list', () => {
    expect(visibleRange(layout, 60, 25, 0)).toEqual([1, 3]);
    expect(visibleRange(layout, 60, 25, 9)).toEqual([0, 5]);
    expect(
      visibleRange(
        layoutOf([], () => 1),
        0,
        100,
      ),
    ).toEqual([0, 0]);
  });

  it('scrolls no further than a row needs to be seen', () => {
    expect(scrollTo(layout, 2, 0, 100)).toBe(0);
    expect(scrollTo(layout, 4, 0, 100)).toBe(60);
    expect(scrollTo(layout, 1, 80, 60)).toBe(50);
  });
});
