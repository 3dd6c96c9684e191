import type { ComparedArm, Comparison, Gain } from './compare.ts';

const COLUMNS = [
  'arm',
  'seed',
  'problems',
  'decoding',
  'before',
  'before_low',
  'before_high',
  'after',
  'after_low',
  'after_high',
  'gain',
  'gain_low',
  'gain_high',
  'difference',
  'difference_low',
  'difference_high',
  'p',
  'p_holm',
] as const;
type Row = Readonly<Partial<Record<(typeof COLUMNS)[number], string | number>>>;

/**
 * A comparison as a table: for each arm and decoding a line over all seeds with intervals, then one
 * a seed.
 */
export function comparisonCsv({ arms }: Comparison): string {
  const rows = arms.flatMap((arm) => [
    ...rowsOf(arm, 'greedy', arm.greedy),
    ...rowsOf(arm, 'sampled', arm.sampled),
  ]);
  return csv(
    COLUMNS,
    rows.map((row) => COLUMNS.map((column) => row[column] ?? '')),
  );
}

function rowsOf(arm: ComparedArm, decoding: 'greedy' | 'sampled', gain: Gain | null): Row[] {
  if (!gain) return [];
  const { before, after } = gain;
  const difference = arm.difference?.[decoding];
  const head = { arm: arm.name, decoding };
  const all: Row = {
    ...head,
    seed: 'all',
    problems: gain.problems,
    before: before.rate,
    before_low: before.ci95[0],
    before_high: before.ci95[1],
    after: after.rate,
    after_low: after.ci95[0],
    after_high: after.ci95[1],
    gain: gain.gain.difference,
    gain_low: gain.gain.ci95[0],
    gain_high: gain.gain.ci95[1],
    ...(difference && {
      difference: difference.difference,
      difference_low: difference.ci95[0],
      difference_high: difference.ci95[1],
      p: difference.p,
      p_holm: difference.p_holm,
    }),
  };
  const bySeed = gain.by_seed.map(({ seed, problems, before: from, after: to }): Row => {
    const own = difference?.by_seed.find((one) => one.seed === seed);
    return {
      ...head,
      seed,
      problems,
      before: from,
      after: to,
      gain: to - from,
      ...(own && { difference: own.difference }),
    };
  });
  return [all, ...bySeed];
}

/** Comma-separated lines with a header; quoted where a value needs it (RFC 4180). */
export function csv(
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cell = (value: string | number) => {
    const text = String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(',') + '\n').join('');
}
