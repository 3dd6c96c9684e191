import { cpus, loadavg, totalmem } from 'node:os';
import type { LoadedProblem } from '../../data/problem.ts';
import { percentile } from '../../lib/stats.ts';
import type { Bed } from './bed.ts';
import type { Spent } from './clock.ts';

/** What a section may need. */
export interface BenchContext {
  /** The model of the sections that need one. */
  readonly bed: Bed;
  /** Sequences decoded at once, smallest first. */
  readonly groups: readonly number[];
  readonly problems: readonly LoadedProblem[];
  /** How much is measured, as a share of the full size: 1, or less for a quick look. */
  readonly size: number;
  /** A line for people, as things are measured. */
  readonly note: (line: string) => void;
}

/** One part of the benchmark: figures under names that say their units. */
export interface Section {
  readonly name: string;
  readonly summary: string;
  readonly run: (context: BenchContext) => Promise<Record<string, unknown>>;
}

/** Where and under what load figures were measured: without it they say little. */
export function machine(): Record<string, unknown> {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memory_gib: Number((totalmem() / 2 ** 30).toFixed(1)),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

/** Load averages over 1, 5 and 15 minutes. */
export function load(): number[] {
  return loadavg().map((x) => Number(x.toFixed(2)));
}

/** Median and spread of measured times, in milliseconds. */
export function spread(ms: readonly number[]): Record<string, number> {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (q: number): number => Number(percentile(sorted, q).toFixed(2));
  return { n: sorted.length, min: at(0), p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Rounds of a measurement: an odd number, so that the median is one of them. */
export function rounds(size: number): number {
  return 2 * Math.round(2 * size) + 1;
}

export function rounded(x: number, digits = 1): number {
  return Number(x.toFixed(digits));
}

/**
 * A ratio or share in the rounds it was measured in. By the wall's clock, which others' work on the
 * machine disturbs, and where the GPU is software by processor time, which it hardly does.
 */
export function shares(
  name: string,
  rounds: readonly Spent[],
  software: boolean,
): Record<string, number | number[]> {
  const of = (clock: keyof Spent) => rounded(median(rounds.map((round) => round[clock])), 4);
  return {
    [name]: of('wall'),
    [`${name}_rounds`]: rounds.map(({ wall }) => rounded(wall, 3)),
    ...(software ? { [`${name}_by_processor_time`]: of('processor') } : {}),
  };
}
