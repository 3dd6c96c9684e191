export interface Closeness {
  readonly ok: boolean;
  /**
   * One sentence: the worst index, both values and the tolerance; or the lengths, where they
   * differ.
   */
  readonly message: string;
  readonly index: number;
  /** Largest error as a multiple of what is allowed. */
  readonly worst: number;
}

/**
 * Compares elementwise: |actual − expected| ≤ tolerance · (1 + |expected|). NaN matches NaN only,
 * an infinity itself only.
 */
export function closeness(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): Closeness {
  if (actual.length !== expected.length) {
    return {
      ok: false,
      index: -1,
      worst: Infinity,
      message: `There are ${actual.length} values, ${expected.length} were expected.`,
    };
  }
  let index = 0;
  let worst = -1;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    const error =
      Object.is(a, e) || a === e || (Number.isNaN(a) && Number.isNaN(e))
        ? 0
        : Math.abs(a - e) / (tolerance * (1 + Math.abs(e)));
    const excess = Number.isFinite(error) ? error : Infinity;
    if (excess > worst) {
      worst = excess;
      index = i;
    }
  }
  const ok = worst <= 1;
  const message =
    expected.length === 0
      ? 'Both are empty.'
      : `Worst at index ${index} of ${expected.length}: ${actual[index]}, expected ${expected[index]}, ` +
        `${worst.toPrecision(3)} times the tolerance of ${tolerance} (absolute and relative).`;
  return { ok, index, worst, message };
}
