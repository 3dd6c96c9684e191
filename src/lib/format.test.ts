import { expect, it } from 'vitest';
import { formatBytes, formatSeconds, nearest } from './format.ts';

it('writes sizes and durations as a person would', () => {
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(1536)).toBe('1.5 KiB');
  expect(formatBytes(222 * 1024 ** 2)).toBe('222 MiB');
  expect(formatSeconds(3.25)).toBe('3.3 s');
  expect(formatSeconds(75)).toBe('1 min 15 s');
  expect(formatSeconds(3725)).toBe('1 h 2 min');
});

it('suggests the nearest word, and none when nothing is near', () => {
  expect(nearest('--temprature', ['--temperature', '--top-p'])).toBe('--temperature');
  expect(nearest('--modle', ['--model', '--method'])).toBe('--model');
  expect(nearest('zebra', ['--model', '--out'])).toBeNull();
});
