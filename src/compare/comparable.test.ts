import { expect, it } from 'vitest';
import { comparableOf } from './comparable.ts';
import { recordOf } from './record.ts';
import { runLog, type RunOf } from './testing/runs.ts';

const record = (run: Partial<RunOf> & { readonly runId: string }) =>
  recordOf(runLog({ answers: { p: [[0, 1]] }, ...run }))!;
const a = record({ runId: 'a' });
const b = record({ runId: 'b' });
const other = record({ runId: 'other', config: { maxTokens: 99 } });
const open = record({ runId: 'open', rest: [] });

it('leaves out the run that does not compare, with its sentence, wherever it stands', () => {
  for (const records of [
    [a, b, other],
    [other, a, b],
    [a, other, b],
  ]) {
    const { kept, left } = comparableOf(records);
    expect(kept.map(({ runId }) => runId)).toEqual(['a', 'b']);
    expect(left).toEqual([
      {
        runId: 'other',
        why: expect.stringMatching(/other are not comparable: their most tokens/) as unknown,
      },
    ]);
  }
});

it('leaves out each run for its own reason, and says so where nothing is left to compare', () => {
  const { kept, left } = comparableOf([open, a, other]);
  expect(kept.map(({ runId }) => runId)).toEqual(['a']);
  expect(left.map(({ runId, why }) => [runId, why])).toEqual([
    ['open', expect.stringMatching(/is not finished/)],
    ['other', expect.stringMatching(/are not comparable/)],
  ]);
  expect(comparableOf([])).toEqual({ kept: [], left: [] });
});
