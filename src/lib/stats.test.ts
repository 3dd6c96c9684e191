import { describe, expect, it } from 'vitest';
import { bootstrap95, mcnemarExact, mean, passAtK, std, wilson95 } from './stats.ts';

describe('statistics', () => {
  it('gives mean and the standard deviation with ddof 1 (numpy: 0.4830458915396479)', () => {
    const rewards = [1, 0, 0, 1, 1, 0, 0, 0, 0, 0];
    expect(mean(rewards)).toBeCloseTo(0.3, 12);
    expect(std(rewards)).toBeCloseTo(0.4830458915396479, 12);
    expect(std([1])).toBe(0);
    expect(mean([])).toBe(0);
  });

  it.each([
    [7, 10, 0.39677814746114537, 0.8922087325936989],
    [0, 30, 0, 0.11351339317396876],
    [30, 30, 0.8864866068260312, 1],
    [45, 224, 0.15366649995896042, 0.25820524325413563],
  ])("gives Wilson's interval of %i in %i", (passes, n, low, high) => {
    const [l, h] = wilson95(passes, n);
    expect(l).toBeCloseTo(low, 10);
    expect(h).toBeCloseTo(high, 10);
  });

  it.each([
    [3, 14, 0.012725830078125],
    [14, 3, 0.012725830078125],
    [0, 5, 0.0625],
    [1, 0, 1],
    [5, 5, 1],
    [0, 0, 1],
    [700, 800, 0.010559255466711544],
    [1500, 1700, 0.00043334035939975035],
  ])('gives the exact McNemar p of %i gained, %i lost', (gained, lost, p) => {
    expect(mcnemarExact(gained, lost)).toBeCloseTo(p, 10);
  });

  it('estimates pass@k without bias: 1 − C(n−c, k) / C(n, k)', () => {
    expect(passAtK(10, 3, 4)).toBeCloseTo(0.8333333333333334, 12);
    expect(passAtK(10, 3, 1)).toBeCloseTo(0.3, 12);
    expect(passAtK(10, 0, 5)).toBe(0);
    expect(passAtK(10, 6, 5)).toBe(1);
    expect(() => passAtK(4, 1, 8)).toThrow(/at least 8 samples/);
  });

  it('bootstraps over problems: near the normal interval for many problems, the same for the same seed', () => {
    const values = Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 1 : 0));
    const [low, high] = bootstrap95(values, 1);
    const half = 1.96 * Math.sqrt((0.25 * 0.75) / 400);
    expect(low).toBeCloseTo(0.25 - half, 2);
    expect(high).toBeCloseTo(0.25 + half, 2);
    expect(bootstrap95(values, 1)).toEqual([low, high]);
    expect(bootstrap95(values, 2)).not.toEqual([low, high]);
    expect(bootstrap95([0.5, 0.5, 0.5])).toEqual([0.5, 0.5]);
  });

  it('covers the truth about 95 % of the time (200 draws of 60 problems)', async () => {
    const { Rng } = await import('./rng.ts');
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const rng = new Rng(11, trial);
      const values = Array.from({ length: 60 }, () => (rng.uniform() < 0.4 ? 1 : 0));
      const [low, high] = bootstrap95(values, trial, 600);
      if (low <= 0.4 && 0.4 <= high) covered++;
    }
    expect(covered).toBeGreaterThan(178);
  });
});
