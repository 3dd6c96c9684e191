import { describe, expect, it } from 'vitest';
import { bf16ToF32, decodeBf16, decodeF16 } from '../../lib/float16.ts';
import { mean, std } from '../../lib/stats.ts';
import { modelTensors, parseModelConfig } from './config.ts';
import { randomSpread, randomTensor, type Spread } from './random.ts';
import { parameterCount, SHAPE_NAMES, SHAPES } from './shapes.ts';

const SPREAD: Spread = { mean: 0, std: 0.05 };

function f32(seed: number, name: string, count: number, spread = SPREAD): Float32Array {
  const values = new Float32Array(count);
  let at = 0;
  for (const piece of randomTensor(seed, name, count, spread, 'f32')) {
    values.set(new Float32Array(piece.slice().buffer), at);
    at += piece.length / 4;
  }
  expect(at).toBe(count);
  return values;
}

function correlation(a: Float32Array, b: Float32Array): number {
  const [ma, mb, sa, sb] = [mean(a), mean(b), std(a), std(b)];
  return a.reduce((sum, x, i) => sum + (x - ma) * (b[i]! - mb), 0) / (a.length * sa * sb);
}

describe('a random tensor', () => {
  it('is normally distributed, with the mean and deviation that were asked for', () => {
    const values = f32(1, 'a', 200_001, { mean: 1, std: 0.1 });
    expect(mean(values)).toBeCloseTo(1, 3);
    expect(std(values)).toBeCloseTo(0.1, 3);
    const within = (sigmas: number) =>
      values.filter((x) => Math.abs(x - 1) < 0.1 * sigmas).length / values.length;
    expect(within(1)).toBeCloseTo(0.6827, 2);
    expect(within(2)).toBeCloseTo(0.9545, 2);
    expect(within(3)).toBeCloseTo(0.9973, 2);
  });

  it('depends on seed and name, on nothing else, and neighbours do not depend on each other', () => {
    const values = f32(1, 'model.layers.0.q', 20_000);
    expect(f32(1, 'model.layers.0.q', 20_000)).toEqual(values);
    // The length is not part of the key either.
    expect(f32(1, 'model.layers.0.q', 10)).toEqual(values.slice(0, 10));
    const bound = 5 / Math.sqrt(values.length);
    for (const other of [f32(2, 'model.layers.0.q', 20_000), f32(1, 'model.layers.1.q', 20_000)])
      expect(Math.abs(correlation(values, other))).toBeLessThan(bound);
    for (const lag of [1, 2, 3, 64, 896])
      expect(Math.abs(correlation(values.subarray(lag), values.subarray(0, -lag)))).toBeLessThan(
        bound,
      );
  });

  it('goes on from piece to piece without repeating itself', () => {
    const values = f32(1, 'long', 2 ** 21 + 2 ** 15);
    expect(values.slice(2 ** 21)).not.toEqual(values.slice(0, 2 ** 15));
    expect(Math.abs(correlation(values.slice(2 ** 21), values.slice(0, 2 ** 15)))).toBeLessThan(
      0.03,
    );
  });

  it('stored in half the bytes is the same, rounded', () => {
    const exact = f32(1, 'a', 4097);
    const halves = (dtype: 'f16' | 'bf16') =>
      new Uint16Array([...randomTensor(1, 'a', 4097, SPREAD, dtype)][0]!.slice().buffer);
    const relative = (values: Float32Array) =>
      Math.max(...values.map((x, i) => Math.abs(x - exact[i]!) / (Math.abs(exact[i]!) + 1e-3)));
    expect(relative(decodeF16(halves('f16')))).toBeLessThan(2 ** -10);
    expect(relative(decodeBf16(halves('bf16')))).toBeLessThan(2 ** -8);
    expect(bf16ToF32(halves('bf16')[0]!)).not.toBe(exact[0]);
  });
});

describe('the shapes', () => {
  it.each([
    ['qwen2.5-coder-0.5b', 494_032_768],
    ['qwen2.5-coder-1.5b', 1_543_714_304],
    ['qwen2.5-coder-3b', 3_085_938_688],
    ['qwen2.5-0.5b', 494_032_768],
    ['qwen3-0.6b', 596_049_920],
    ['qwen3-1.7b', 1_720_574_976],
    ['smollm2-135m', 134_515_008],
    ['smollm2-360m', 361_821_120],
  ] as const)('%s has as many parameters as the published model, %i', (name, count) => {
    expect(parameterCount(parseModelConfig(SHAPES[name]))).toBe(count);
  });

  it('knows how to draw every tensor of every shape', () => {
    for (const name of SHAPE_NAMES) {
      const config = parseModelConfig(SHAPES[name]);
      for (const tensor of modelTensors(config)) {
        const { std } = randomSpread(config, tensor.name);
        expect(std).toBeGreaterThan(0.001);
        expect(std).toBeLessThan(0.5);
      }
    }
  });
});
