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
  return [
    passes === 0 ? 0 : Math.max(0, centre - half),
    passes === n ? 1 : Math.min(1, centre + half),
  ];
}

/** Percentile of sorted values, linearly interpolated. */
export function percentile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  return low + ((sorted[Math.ceil(at)] as number) - low) * (at - Math.floor(at));
}

/**
 * 95 % percentile interval of a mean over `n` resampled problems; `draw` gives one resampled
 * problem's value.
 */
function resampled95(
  n: number,
  seed: number,
  resamples: number,
  draw: (rng: Rng) => number,
): Interval {
  if (n === 0) return [0, 0];
  const rng = new Rng(0x626f6f74, seed);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += draw(rng);
    means[r] = sum / n;
  }
  means.sort();
  return [percentile(means, 0.025), percentile(means, 0.975)];
}

/** Mean of as many values as there are, drawn with replacement; 0 of none. */
function meanAgain(values: readonly number[], rng: Rng): number {
  if (values.length === 1) return values[0] as number;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[rng.int(values.length)] as number;
  return values.length ? sum / values.length : 0;
}

/**
 * 95 % percentile interval of the mean over problems of `perProblem` values, problems resampled
 * with replacement (a cluster bootstrap: the samples of a problem stay together).
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
 * Two models with several samples on the same problems: the difference of rates (second − first,
 * each a mean over problems of per-problem means) and its 95 % paired bootstrap interval. Problems
 * are resampled, and inside each the samples.
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
  return {
    difference: mean(problems.map(({ first, second }) => mean(second) - mean(first))),
    ci95,
  };
}

/**
 * Mean over problems of per-problem means, where a problem has a value from each seed in which it
 * occurs, and its 95 % interval with problems resampled and inside each the seeds. Null of no
 * problems.
 */
export function clustered95(
  problems: readonly (readonly number[])[],
  seed = 0,
  resamples = 4000,
): { mean: number; ci95: Interval } | null {
  if (problems.length === 0) return null;
  const ci95 = resampled95(problems.length, seed, resamples, (rng) =>
    meanAgain(problems[rng.int(problems.length)] as readonly number[], rng),
  );
  return { mean: mean(problems.map((values) => mean(values))), ci95 };
}

/** Up to so many values other than 0, `signFlipP` counts all of their sign patterns. */
const ENUMERATED = 16;

/** Sums of rates that should be equal differ by rounding only; other sums differ by far more. */
const ROUNDING = 1e-9;

/**
 * Two-sided p of paired differences, one a problem, under signs that could as well be the other way
 * round: the share of sign patterns whose sum is as far from 0 as the one observed (Fisher 1935,
 * §21). Exact for up to 16 differences other than 0, else (1 + hits) / (1 + draws) over random
 * patterns (Phipson and Smyth 2010). Of ±1 and 0 it is exact McNemar.
 */
export function signFlipP(differences: readonly number[], seed = 0, draws = 19_999): number {
  const moving = differences.filter((value) => Math.abs(value) > ROUNDING);
  const observed = Math.abs(flippedSum(moving, [])) - ROUNDING;
  const isAsFar = (signs: ArrayLike<number>) => Math.abs(flippedSum(moving, signs)) >= observed;
  let hits = 0;
  if (moving.length <= ENUMERATED) {
    const patterns = 2 ** moving.length;
    for (let pattern = 0; pattern < patterns; pattern++) if (isAsFar([pattern])) hits++;
    return hits / patterns;
  }
  const rng = new Rng(0x666c6970, seed);
  const signs = new Uint32Array(Math.ceil(moving.length / 32));
  for (let draw = 0; draw < draws; draw++) {
    for (let word = 0; word < signs.length; word++) signs[word] = rng.next();
    if (isAsFar(signs)) hits++;
  }
  return (1 + hits) / (1 + draws);
}

/** Sum of values of which those whose bit is set in `signs`, 32 bits a word, count negatively. */
function flippedSum(values: readonly number[], signs: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const flipped = ((signs[i >> 5] ?? 0) >>> (i & 31)) & 1;
    sum += flipped ? -(values[i] as number) : (values[i] as number);
  }
  return sum;
}

/**
 * Unbiased pass@k of one problem with c passes in n samples: 1 − Π_{i=n−c+1..n}(1 − k/i) (Chen et
 * al. 2021).
 */
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

/**
 * Holm's step-down adjustment: p-values of several comparisons that can each be held against 0.05,
 * in their order.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues
    .map((_, i) => i)
    .sort((a, b) => (pValues[a] as number) - (pValues[b] as number));
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
 * The smallest difference of rates that one answer each on `n` problems could have shown at 5 %:
 * all discordant problems on one side of an exact McNemar test. Null where even all of them would
 * not do.
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
