/** Which rows of a long list are on screen: rows of known heights, none measured. */
export interface Layout {
  /** Top of each row in pixels, and the total height last: rows + 1 numbers. */
  readonly tops: Float64Array;
}

export function layoutOf<T>(rows: readonly T[], height: (row: T) => number): Layout {
  const tops = new Float64Array(rows.length + 1);
  for (const [i, row] of rows.entries()) tops[i + 1] = (tops[i] ?? 0) + height(row);
  return { tops };
}

export function totalHeight({ tops }: Layout): number {
  return tops[tops.length - 1] ?? 0;
}

/** Index of the row that covers pixel `y`; the nearest one outside. */
export function rowAt({ tops }: Layout, y: number): number {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** First and one-past-last row to draw for a viewport, a few more on either side. */
export function visibleRange(
  layout: Layout,
  scrollTop: number,
  viewport: number,
  extra = 6,
): [from: number, to: number] {
  const count = layout.tops.length - 1;
  if (count === 0) return [0, 0];
  const from = Math.max(0, rowAt(layout, scrollTop) - extra);
  return [from, Math.min(count, rowAt(layout, scrollTop + viewport) + 1 + extra)];
}

/** Where to scroll so that row `index` is wholly seen; `scrollTop` itself when it is. */
export function scrollTo(
  { tops }: Layout,
  index: number,
  scrollTop: number,
  viewport: number,
  margin = 0,
): number {
  const top = (tops[index] ?? 0) - margin;
  const bottom = (tops[index + 1] ?? 0) + margin;
  if (top < scrollTop) return Math.max(0, top);
  return bottom > scrollTop + viewport ? bottom - viewport : scrollTop;
}
