import { cpus, loadavg, totalmem } from 'node:os';
import type { LoadedProblem } from '../../data/problem.ts';
import { percentile } from '../../lib/stats.ts';

/** What a section may need. */
export interface BenchContext {
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

export function rounded(x: number, digits = 1): number {
  return Number(x.toFixed(digits));
}
