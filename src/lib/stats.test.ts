import { describe, expect, it } from 'vitest';
import fixture from './fixtures/statistics.json' with { type: 'json' };
import {
  bootstrap95,
  clustered95,
  holm,
  mcnemarExact,
  mean,
  pairedDifference95,
  passAtK,
  signFlipP,
  smallestDifference,
  smallSampleLabel,
  std,
  wilson95,
} from './stats.ts';

describe('statistics', () => {
  it('gives mean and the standard deviation with ddof 1 (numpy: 0.4830458915396479)', () => {
    const rewards = [1, 0, 0, 1, 1, 0, 0, 0, 0, 0];
    expect(mean(rewards)).toBeCloseTo(0.3, 12);
    expect(std(rewards)).toBeCloseTo(0.4830458915396479, 12);
    expect(std([1])).toBe(0);
    expect(mean([])).toBe(0);
  });

  it.each(fixture.wilson)(
    "gives statsmodels' Wilson interval of $passes in $n",
    ({ passes, n, ci95 }) => {
      const interval = wilson95(passes, n);
      expect(interval[0]).toBeCloseTo(ci95[0]!, 10);
      expect(interval[1]).toBeCloseTo(ci95[1]!, 10);
    },
  );

  it.each(fixture.mcnemar)(
    "gives statsmodels' exact McNemar p of $gained gained, $lost lost",
    ({ gained, lost, p }) => {
      expect(mcnemarExact(gained, lost)).toBeCloseTo(p, 10);
    },
  );

  it.each(fixture.holm)("gives statsmodels' Holm adjustment of $p", ({ p, adjusted }) => {
    const ours = holm(p);
    expect(ours).toHaveLength(p.length);
    for (const [i, value] of adjusted.entries()) expect(ours[i]).toBeCloseTo(value, 12);
  });

  it.each(fixture.passAtK)(
    'estimates pass@$k of $c passes in $n without bias, as counting does',
    ({ n, c, k, value }) => {
      expect(passAtK(n, c, k)).toBeCloseTo(value, 12);
      expect(() => passAtK(4, 1, 8)).toThrow(/at least 8 samples/);
    },
  );

  it.each(fixture.cluster)(
    "gives scipy's percentile bootstrap over problems",
    ({ means, ci95 }) => {
      const interval = bootstrap95(means, 3, 40_000);
      // Both are random; 40,000 and 100,000 resamples put the ends within a twentieth of the
      // interval's width.
      const tolerance = (ci95[1]! - ci95[0]!) / 20;
      expect(Math.abs(interval[0] - ci95[0]!)).toBeLessThan(tolerance);
      expect(Math.abs(interval[1] - ci95[1]!)).toBeLessThan(tolerance);
    },
  );

  it.each(fixture.paired)(
    "gives numpy's paired bootstrap with samples resampled inside problems",
    (pair) => {
      const problems = pair.first.map((first, i) => ({ first, second: pair.second[i]! }));
      const { difference, ci95 } = pairedDifference95(problems, 3, 20_000);
      expect(difference).toBeCloseTo(pair.difference, 12);
      const tolerance = (pair.ci95[1]! - pair.ci95[0]!) / 20;
      expect(Math.abs(ci95[0] - pair.ci95[0]!)).toBeLessThan(tolerance);
      expect(Math.abs(ci95[1] - pair.ci95[1]!)).toBeLessThan(tolerance);
    },
  );

  it.each(fixture.clustered)(
    "gives numpy's bootstrap over problems with seeds resampled inside",
    (row) => {
      const found = clustered95(row.clusters, 3, 20_000)!;
      expect(found.mean).toBeCloseTo(row.mean, 12);
      const tolerance = (row.ci95[1]! - row.ci95[0]!) / 20;
      expect(Math.abs(found.ci95[0] - row.ci95[0]!)).toBeLessThan(tolerance);
      expect(Math.abs(found.ci95[1] - row.ci95[1]!)).toBeLessThan(tolerance);
    },
  );

  it('finds no difference where there is none, and no interval of no problems', () => {
    expect(clustered95([[0, 0], [0], [0]])).toEqual({ mean: 0, ci95: [0, 0] });
    expect(clustered95([])).toBeNull();
  });

  it.each(fixture.signFlip)('gives the p of all sign patterns: $p', ({ sixths, exact, p }) => {
    const ours = signFlipP(sixths.map((value) => value / 6));
    // Random patterns, 20,000 of them, know a p of 0.1 to about 0.004 (two standard errors).
    if (exact) expect(ours).toBeCloseTo(p, 12);
    else expect(Math.abs(ours - p)).toBeLessThan(0.0002 + 4 * Math.sqrt((p * (1 - p)) / 20_000));
  });

  it.each([
    [5, 0, 30, 0.0625],
    [4, 0, 30, 0.125],
    [9, 2, 100, 0.0654],
    [14, 3, 100, 0.0127],
    [21, 40, 500, 0.0204],
  ])(
    'flips signs to exact McNemar for one answer a problem: %i gained, %i lost of %i',
    (gained, lost, n, p) => {
      const values = Array.from({ length: n }, (_, i) =>
        i < gained ? 1 : i < gained + lost ? -1 : 0,
      );
      const digits = gained + lost > 16 ? 2 : 12; // random patterns from there on
      expect(signFlipP(values)).toBeCloseTo(mcnemarExact(gained, lost), digits);
      expect(mcnemarExact(gained, lost)).toBeCloseTo(p, 4);
    },
  );

  it('never gives a p of 0, and the same for the same seed', () => {
    const certain = new Array<number>(40).fill(0.5);
    expect(signFlipP(certain, 0, 999)).toBe(0.001);
    const mixed = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? -0.5 : 0.5));
    expect(signFlipP(mixed, 1)).toBe(signFlipP(mixed, 1));
    expect(signFlipP(mixed, 1)).not.toBe(signFlipP(mixed, 2));
  });

  it.each(fixture.smallest)(
    'knows the smallest difference that $problems problems can show',
    ({ problems, difference }) => {
      const ours = smallestDifference(problems);
      if (difference === null) expect(ours).toBeNull();
      else expect(ours).toBeCloseTo(difference, 12);
    },
  );

  it('labels what fewer than 100 problems say', () => {
    expect(smallSampleLabel(30)).toBe(
      'demonstration, not evidence: with 30 problems no difference under 20.0 points could be shown',
    );
    expect(smallSampleLabel(5)).toContain('no difference could be shown');
    expect(smallSampleLabel(100)).toBeNull();
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
