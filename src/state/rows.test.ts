import { describe, expect, it } from 'vitest';
import { foldRun } from './fold.ts';
import { NO_FILTER } from './route.ts';
import { neighbour, rowsOf } from './rows.ts';
import {
  REFLKD_CONFIG,
  reflKdStep,
  numbered,
  SRRL_CONFIG,
  srrlStep,
  startOf,
  stepOf,
} from './testing/log.ts';
import { placeOf } from './tree.ts';

const view = foldRun('r', numbered([startOf('r'), ...stepOf(1), ...stepOf(2)]));

describe('the rollout list', () => {
  it('puts a heading over the completions of each problem, later steps below', () => {
    const rows = rowsOf(view, NO_FILTER);
    expect(rows.map((row) => (row.kind === 'group' ? row.group.problem : row.sample))).toEqual([
      'p0',
      0,
      1,
      2,
      'p1',
      0,
      1,
      2,
      'p0',
      0,
      1,
      2,
      'p1',
      0,
      1,
      2,
    ]);
  });

  it('shows only what the filter asks for, without empty headings', () => {
    expect(rowsOf(view, { ...NO_FILTER, show: 'pass', step: 2 }).map((row) => row.key)).toEqual([
      '2:0',
      '2:0:0',
      '2:1',
      '2:1:0',
    ]);
    expect(rowsOf(view, { ...NO_FILTER, show: 'no-loss' })).toEqual([]);
  });

  it('steps to the neighbour among what is shown and stops at the ends', () => {
    const rows = rowsOf(view, { ...NO_FILTER, show: 'pass' });
    expect(neighbour(rows, '1/0/0', 1)?.id).toBe('1/1/0');
    expect(neighbour(rows, '1/0/0', -1)).toBeNull();
    expect(neighbour(rows, '2/1/0', 1)).toBeNull();
  });

  it('enters the list at an end when the present rollout is filtered out', () => {
    const rows = rowsOf(view, { ...NO_FILTER, show: 'pass' });
    expect(neighbour(rows, '1/0/2', 1)?.id).toBe('1/0/0');
    expect(neighbour(rows, '1/0/2', -1)?.id).toBe('2/1/0');
  });

  it('puts what follows from an attempt below it, whatever the order it was written in', () => {
    const log = numbered([startOf('r', SRRL_CONFIG), ...srrlStep(1)]);
    const places = (filter: typeof NO_FILTER) =>
      rowsOf(foldRun('r', log), filter).flatMap((row) =>
        row.kind === 'rollout' && row.rollout ? `${row.depth} ${placeOf(row.rollout.id)}` : [],
      );
    expect(places(NO_FILTER).slice(0, 6)).toEqual([
      '0 1',
      '1 1.1',
      '1 1.2',
      '1 1.3',
      '1 1.4',
      '0 2',
    ]);
    expect(places({ ...NO_FILTER, kind: 'attempt' })).toEqual(['0 1', '0 2', '0 1', '0 2']);
    expect(places({ ...NO_FILTER, kind: 'refinement', show: 'pass' })).toEqual(['1 1.2', '1 1.4']);
  });

  it('finds rescued attempts: failed ones from which a passing answer followed, directly or after a reflection', () => {
    const rescued = (config: typeof SRRL_CONFIG, step: typeof srrlStep) =>
      rowsOf(foldRun('r', numbered([startOf('r', config), ...step(1)])), {
        ...NO_FILTER,
        show: 'rescued',
        kind: 'attempt',
      })
        .filter((row) => row.kind === 'rollout')
        .map(({ rollout }) => rollout?.id);
    expect(rescued(SRRL_CONFIG, srrlStep)).toEqual(['1/0/0']);
    expect(rescued(REFLKD_CONFIG, reflKdStep)).toEqual(['1/0/0']);
  });
});
