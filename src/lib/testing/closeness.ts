import { expect } from 'vitest';
import { closeness } from '../closeness.ts';

declare module 'vitest' {
  interface Matchers<T> {
    /**
     * Elementwise within `tolerance`, absolute and relative; a failure prints the worst index and
     * both values.
     */
    toBeCloseToArray(expected: ArrayLike<number>, tolerance: number): T;
  }
}

expect.extend({
  toBeCloseToArray(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
    const result = closeness(actual, expected, tolerance);
    return { pass: result.ok, message: () => result.message };
  },
});
