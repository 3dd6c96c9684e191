import { describe, expect, it } from 'vitest';
import { foldRun } from './fold.ts';
import { NO_FILTER } from './route.ts';
import { neighbour, rowsOf } from './rows.ts';
import { numbered, startOf, stepOf } from './testing/log.ts';

const view = foldRun('r', numbered([startOf('r'), ...stepOf(1), ...stepOf(2)]));

describe('the rollout list', () => {
  it('puts a heading over the completions of each problem, later steps below', () => {
    const rows = rowsOf(view, NO_FILTER);
    expect(rows.map((row) => (row.kind === 'group' ? row.group.problem : row.sample))).toEqual(['p0', 0, 1, 2, 'p1', 0, 1, 2, 'p0', 0, 1, 2, 'p1', 0, 1, 2]);
  });

  it('shows only what the filter asks for, without empty headings', () => {
    expect(rowsOf(view, { show: 'pass', step: 2 }).map((row) => row.key)).toEqual(['2:0', '2:0:0', '2:1', '2:1:0']);
    expect(rowsOf(view, { show: 'no-loss', step: null })).toEqual([]);
  });

  it('steps to the neighbour among what is shown and stops at the ends', () => {
    const rows = rowsOf(view, { show: 'pass', step: null });
    expect(neighbour(rows, '1/0/0', 1)?.id).toBe('1/1/0');
    expect(neighbour(rows, '1/0/0', -1)).toBeNull();
    expect(neighbour(rows, '2/1/0', 1)).toBeNull();
  });

  it('enters the list at an end when the present rollout is filtered out', () => {
    const rows = rowsOf(view, { show: 'pass', step: null });
    expect(neighbour(rows, '1/0/2', 1)?.id).toBe('1/0/0');
    expect(neighbour(rows, '1/0/2', -1)?.id).toBe('2/1/0');
  });
});
