import { describe, expect, it } from 'vitest';
import { formatSigned, formatValue } from './format.ts';
import { problemTitle } from './problem-title.ts';

describe('numbers on the screen', () => {
  it('keep about three digits and use a true minus sign', () => {
    expect([0, 0.12345, -1.2345, 12.345, 1234.5, 2e-5, NaN, null].map(formatValue)).toEqual([
      '0',
      '0.123',
      '−1.23',
      '12.3',
      '1235',
      '2.0e−5',
      '–',
      '–',
    ]);
  });

  it('write no sign on what rounds to zero', () => {
    expect([0.5, -0.5, -0.001].map((x) => formatSigned(x))).toEqual(['+0.50', '−0.50', '0.00']);
  });
});

describe('a problem’s title', () => {
  it('is the first line of prose without its mark', () => {
    expect(problemTitle('Task: Sum the squares.\nassert f(1) == 1\nCode:\n', 'id')).toBe(
      'Sum the squares.',
    );
    expect(problemTitle('assert f(1) == 1\n# Count the vowels of a word.\n', 'id')).toBe(
      'Count the vowels of a word.',
    );
    expect(problemTitle(null, 'starter/train/1')).toBe('starter/train/1');
  });
});
