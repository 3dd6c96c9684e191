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

/** Sorted means over `n` resampled problems; `draw` gives one resampled problem's value. */
function resampledMeans(n: number, seed: number, resamples: number, draw: (rng: Rng) => number): Float64Array {
  const rng = new Rng(0x626f6f74, seed);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += draw(rng);
    means[r] = sum / n;
  }
  return means.sort();
}

/** 95 % percentile interval of a mean over `n` problems. */
function resampled95(n: number, seed: number, resamples: number, draw: (rng: Rng) => number): Interval {
  return n === 0 ? [0, 0] : interval95(resampledMeans(n, seed, resamples, draw));
}

function interval95(sorted: Float64Array): Interval {
  return [percentile(sorted, 0.025), percentile(sorted, 0.975)];
}

/** Mean of as many values as there are, drawn with replacement; 0 of none. */
function meanAgain(values: readonly number[], rng: Rng): number {
  if (values.length === 1) return values[0] as number;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[rng.int(values.length)] as number;
  return values.length ? sum / values.length : 0;
}

/**
 * 95 % percentile interval of the mean over problems of `perProblem` values, problems resampled with replacement
 * (a cluster bootstrap: the samples of a problem stay together).
 */
export function bootstrap95(perProblem: readonly number[], seed = 0, resamples = 4000): Interval {
  const n = perProblem.length;
  return resampled95(n, seed, resamples, (rng) => perProblem[rng.int(n)] as number);
}

/** One problem's samples of two models: 1 passed, 0 did not. */
export interface PairedSamples {
  readonly first: readonly number[];
  readonly second: readonly number[];
}

/**
 * Two models with several samples on the same problems: the difference of rates (second − first, each a mean over problems
 * of per-problem means) and its 95 % paired bootstrap interval. Problems are resampled, and inside each the samples.
 */
export function pairedDifference95(
  problems: readonly PairedSamples[],
  seed = 0,
  resamples = 4000,
): { difference: number; ci95: Interval } {
  const ci95 = resampled95(problems.length, seed, resamples, (rng) => {
    const { first, second } = problems[rng.int(problems.length)] as PairedSamples;
    return meanAgain(second, rng) - meanAgain(first, rng);
  });
  return { difference: mean(problems.map(({ first, second }) => mean(second) - mean(first))), ci95 };
}

/** Sums of binary fractions that should be 0 miss it by rounding only. */
const ZERO = 1e-12;

/**
 * Mean over problems of per-problem means, where a problem has a value from each seed in which it occurs: its 95 %
 * interval with problems resampled and inside each the seeds, and the two-sided p of mean 0 by inversion of that interval
 * (twice the smaller tail of the resampled means at 0, never below 2 / (resamples + 1)). Null of no problems.
 */
export function clustered95(
  problems: readonly (readonly number[])[],
  seed = 0,
  resamples = 4000,
): { mean: number; ci95: Interval; p: number } | null {
  if (problems.length === 0) return null;
  const means = resampledMeans(problems.length, seed, resamples, (rng) =>
    meanAgain(problems[rng.int(problems.length)] as readonly number[], rng),
  );
  let below = 0;
  let above = 0;
  for (const value of means) {
    if (value <= ZERO) below++;
    if (value >= -ZERO) above++;
  }
  return {
    mean: mean(problems.map((values) => mean(values))),
    ci95: interval95(means),
    p: Math.min(1, (2 * (Math.min(below, above) + 1)) / (resamples + 1)),
  };
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

/** Holm's step-down adjustment: p-values of several comparisons that can each be held against 0.05, in their order. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => (pValues[a] as number) - (pValues[b] as number));
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * (pValues[i] as number)));
    adjusted[i] = largest;
  }
  return adjusted;
}

/** From here on a result is called evidence. */
const EVIDENCE = 100;

/**
 * The smallest difference of rates that one answer each on `n` problems could have shown at 5 %: all discordant problems
 * on one side of an exact McNemar test. Null where even all of them would not do.
 */
export function smallestDifference(n: number): number | null {
  for (let k = 1; k <= n; k++) if (mcnemarExact(k, 0) <= 0.05) return k / n;
  return null;
}

/** What a result on fewer than 100 problems has to be labelled with; null for more. */
export function smallSampleLabel(n: number): string | null {
  if (n >= EVIDENCE) return null;
  const least = smallestDifference(n);
  const shown =
    least === null
      ? 'no difference could be shown'
      : `no difference under ${(100 * least).toFixed(1)} points could be shown`;
  return `demonstration, not evidence: with ${n} problems ${shown}`;
}
