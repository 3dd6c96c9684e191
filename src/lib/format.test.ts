import { expect, it } from 'vitest';
import { formatBytes, formatP, formatPoints, formatSeconds, nearest } from './format.ts';

it('writes sizes and durations as a person would', () => {
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(1536)).toBe('1.5 KiB');
  expect(formatBytes(222 * 1024 ** 2)).toBe('222 MiB');
  expect(formatSeconds(3.25)).toBe('3.3 s');
  expect(formatSeconds(75)).toBe('1 min 15 s');
  expect(formatSeconds(3725)).toBe('1 h 2 min');
});

it('writes differences of rates in signed points, and small p-values as a bound', () => {
  expect(formatPoints(0.031, [-0.0102, 0.0718])).toBe('+3.1 [−1.0, +7.2]');
  expect(formatPoints(0, [-0.0001, 0])).toBe('0.0 [0.0, 0.0]');
  expect(formatP(0.0417)).toBe('0.042');
  expect(formatP(0.0004)).toBe('< 0.001');
});

it('suggests the nearest word, and none when nothing is near', () => {
  expect(nearest('--temprature', ['--temperature', '--top-p'])).toBe('--temperature');
  expect(nearest('--modle', ['--model', '--method'])).toBe('--model');
  expect(nearest('zebra', ['--model', '--out'])).toBeNull();
});
