import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { refusalOf } from '../../compare/comparable.ts';
import {
  compareRuns,
  type ComparedArm,
  type Comparison,
  type GainDifference,
} from '../../compare/compare.ts';
import { recordOf, type RunRecord } from '../../compare/record.ts';
import {
  formatCount,
  formatP,
  formatPercent,
  formatPoints,
  formatSeconds,
  formatSigned,
} from '../../lib/format.ts';
import type { RunEvent } from '../../schema/events.ts';
import { parseLog } from '../../storage/log-lines.ts';
import { remark, writeWhole } from '../io.ts';
import { textTable } from '../table.ts';

/**
 * Compares the finished runs of a matrix: comparison.json in `out`, and the same as tables on
 * stderr.
 */
export async function writeComparison(out: string, folders: readonly string[]): Promise<void> {
  const records: RunRecord[] = [];
  for (const folder of folders) {
    const record = recordOf(await readLog(folder));
    if (record) records.push(record);
  }
  const refusal = refusalOf(records);
  if (refusal !== null) {
    remark(`No comparison: ${refusal}`);
    return;
  }
  const comparison = compareRuns(records);
  const file = join(out, 'comparison.json');
  await writeWhole(file, JSON.stringify(comparison, null, 2) + '\n');
  for (const line of comparisonLines(comparison)) remark(line);
  remark(`These figures, and those of each seed, are in ${file}.`);
}

/** The whole events of the run in `folder`, which may be going on. Reads only. */
export async function readLog(folder: string): Promise<RunEvent[]> {
  return parseLog(await readFile(join(folder, 'events.jsonl'))).events;
}

/** What a comparison says, for a terminal. */
export function comparisonLines(comparison: Comparison): string[] {
  const { arms, reference, notes, label, problems } = comparison;
  const sections = [
    [
      ['method', 'seeds', 'steps', 'tokens a run', 'time a run', 'rescued'],
      ...arms.map((arm) => [
        arm.name,
        arm.seeds.join(','),
        arm.steps.toFixed(1),
        formatCount(arm.tokens.prompt + arm.tokens.generated),
        formatSeconds(arm.wall_s),
        arm.rescue?.rate == null ? '' : `${formatPercent(arm.rescue.rate)} of ${arm.rescue.failed}`,
      ]),
    ],
    [
      ['pass@1', 'greedy', 'gained, lost', 'sampled', 'gain [95 %]'],
      ...arms.map(({ name, greedy, sampled }) => [
        name,
        greedy ? `${formatPercent(greedy.before.rate)} → ${formatPercent(greedy.after.rate)}` : '',
        greedy ? `+${greedy.gained.length}, −${greedy.lost.length}` : '',
        sampled
          ? `${formatPercent(sampled.before.rate)} → ${formatPercent(sampled.after.rate)}`
          : '',
        sampled ? formatPoints(sampled.gain.difference, sampled.gain.ci95) : '',
      ]),
    ],
    [
      [`gain minus that of ${reference}`, 'greedy', 'p', 'sampled', 'p', 'by seed'],
      ...arms.flatMap(({ name, difference }) =>
        difference
          ? [
              [
                name,
                ...differenceCells(difference.greedy),
                ...differenceCells(difference.sampled),
                bySeed(difference),
              ],
            ]
          : [],
      ),
    ],
  ];
  const tables = sections
    .filter((rows) => rows.length > 1)
    .flatMap((rows) => ['', ...textTable(rows)]);
  return [
    ...tables,
    '',
    `Means over ${problems} test problems of all seeds; gains and differences in points, p adjusted after Holm.`,
    ...notes,
    ...(label === null ? [] : [`This is a ${label}.`]),
  ];
}

/** The sampled difference of each seed in points, or the greedy one: how far runs differ. */
function bySeed({ greedy, sampled }: NonNullable<ComparedArm['difference']>): string {
  return ((sampled ?? greedy)?.by_seed ?? [])
    .map(({ difference }) => formatSigned(100 * difference, 1))
    .join(' ');
}

function differenceCells(found: GainDifference | null): [string, string] {
  return found ? [formatPoints(found.difference, found.ci95), formatP(found.p_holm)] : ['', ''];
}
