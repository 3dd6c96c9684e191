import { describe, expect, it } from 'vitest';
import { closeness } from './closeness.ts';
import './testing/closeness.ts';

describe('closeness', () => {
  it('names the worst index, both values and the tolerance', () => {
    const result = closeness([1, 2.5, 3], [1, 2, 3.001], 1e-3);
    expect(result.ok).toBe(false);
    expect(result.index).toBe(1);
    expect(result.message).toContain(
      'index 1 of 3: 2.5, expected 2, 167 times the tolerance of 0.001',
    );
  });

  it('allows the tolerance as absolute and as relative error', () => {
    expect(closeness([0.0009, 1000.9], [0, 1000], 1e-3).ok).toBe(true);
    expect(closeness([0.0011], [0], 1e-3).ok).toBe(false);
    expect(closeness([1002], [1000], 1e-3).ok).toBe(false);
  });

  it('matches NaN and infinities with themselves only', () => {
    expect(closeness([NaN, Infinity, -Infinity], [NaN, Infinity, -Infinity], 1e-3).ok).toBe(true);
    expect(closeness([NaN], [0], 1e-3).ok).toBe(false);
    expect(closeness([0], [NaN], 1e-3).ok).toBe(false);
    expect(closeness([1e38], [Infinity], 1e-3).ok).toBe(false);
    expect(closeness([Infinity], [-Infinity], 1e-3).ok).toBe(false);
  });

  it('refuses arrays of different lengths', () => {
    expect(closeness([1], [1, 2], 1).message).toBe('There are 1 values, 2 were expected.');
  });

  it('is a matcher that fails with that sentence', () => {
    expect([1, 2]).toBeCloseToArray([1, 2.0001], 1e-3);
    expect(() => expect([1, 3]).toBeCloseToArray([1, 2], 1e-3)).toThrow(
      /Worst at index 1 of 2: 3, expected 2/,
    );
  });
});
