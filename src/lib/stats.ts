import { Rng } from './rng.ts';

export type Interval = [low: number, high: number];

/** Arithmetic mean; 0 of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return values.length ? sum / values.length : 0;
}

/** Sample standard deviation (ddof 1); 0 for fewer than two values. */
export function std(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const m = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - m) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

const Z95 = 1.959963984540054;

/** Wilson's 95 % interval of a proportion; [0, 1] of nothing. */
export function wilson95(passes: number, n: number): Interval {
  if (n === 0) return [0, 1];
  const p = passes / n;
  const z2 = Z95 * Z95;
  const centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return [passes === 0 ? 0 : Math.max(0, centre - half), passes === n ? 1 : Math.min(1, centre + half)];
}

/** Percentile of sorted values, linearly interpolated. */
export function percentile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  return low + ((sorted[Math.ceil(at)] as number) - low) * (at - Math.floor(at));
}

/**
 * 95 % percentile interval of the mean over problems of `perProblem` values, problems resampled with replacement
 * (a cluster bootstrap: the samples of a problem stay together). For two models on the same problems give the per-problem
 * differences: that is the paired bootstrap.
 */
export function bootstrap95(perProblem: readonly number[], seed = 0, resamples = 4000): Interval {
  const n = perProblem.length;
  if (n === 0) return [0, 0];
  const rng = new Rng(0x626f6f74, seed);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += perProblem[rng.int(n)] as number;
    means[r] = sum / n;
  }
  means.sort();
  return [percentile(means, 0.025), percentile(means, 0.975)];
}

/** Unbiased pass@k of one problem with c passes in n samples: 1 − Π_{i=n−c+1..n}(1 − k/i) (Chen et al. 2021). */
export function passAtK(n: number, c: number, k: number): number {
  if (k > n) throw new Error(`pass@${k} needs at least ${k} samples a problem, ${n} were drawn.`);
  if (n - c < k) return 1;
  let miss = 1;
  for (let i = n - c + 1; i <= n; i++) miss *= 1 - k / i;
  return 1 - miss;
}

/** Two-sided exact McNemar p from the discordant counts (gained, lost). */
export function mcnemarExact(gained: number, lost: number): number {
  const n = gained + lost;
  let logTerm = -n * Math.LN2; // ln of C(n, i) / 2^n
  let tail = 0;
  for (let i = 0; i <= Math.min(gained, lost); i++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log(n - i) - Math.log(i + 1);
  }
  return Math.min(1, 2 * tail);
}
