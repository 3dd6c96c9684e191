import { describe, expect, it } from 'vitest';
import { foldRun } from './fold.ts';
import { phaseIndex, runStateOf, secondsLeft } from './run-state.ts';
import { CONFIG, numbered, startOf, stepOf } from './testing/log.ts';

const open = [startOf('r'), ...stepOf(1)];
const running = {
  state: 'running',
  runId: 'r',
  step: 2,
  phase: 'sample',
  done: 0,
  total: 1,
  pausing: false,
} as const;

describe('what a run is doing', () => {
  it('is interrupted when its log has no end and nobody writes it', () => {
    expect(runStateOf(foldRun('r', numbered(open)), { state: 'idle' })).toBe('interrupted');
    expect(runStateOf(foldRun('r', numbered(open)), { ...running, runId: 'other' })).toBe(
      'interrupted',
    );
  });

  it('is running while the session says so, and pausing once that is asked for', () => {
    const view = foldRun('r', numbered(open));
    expect(runStateOf(view, running)).toBe('running');
    expect(runStateOf(view, { ...running, pausing: true })).toBe('pausing');
  });

  it('goes on elsewhere while another tab says so, whatever this one does', () => {
    const view = foldRun('r', numbered(open));
    const elsewhere = new Map([['r', running]]);
    expect(runStateOf(view, { state: 'idle' }, elsewhere)).toBe('elsewhere');
    expect(runStateOf(view, { ...running, runId: 'other' }, elsewhere)).toBe('elsewhere');
  });

  it('is paused after a pause in an earlier session', () => {
    const view = foldRun(
      'r',
      numbered([...open, { type: 'run.paused', step: 1, reason: 'Paused after step 1.' }]),
    );
    expect(runStateOf(view, { state: 'idle' })).toBe('paused');
  });

  it(
    'knows which grading of a step is under way, also where the status is ahead of the log or ' +
      'a phase is left out',
    () => {
      const phases = ['sample', 'grade', 'refine', 'grade', 'update', 'checkpoint'] as const;
      expect(phaseIndex(phases, ['sample', 'grade'], 'grade')).toBe(1);
      expect(phaseIndex(phases, ['sample', 'grade', 'refine'], 'grade')).toBe(3);
      expect(phaseIndex(phases, ['sample', 'grade', 'refine', 'grade'], 'grade')).toBe(3);
      expect(phaseIndex(phases, ['sample', 'grade'], 'update')).toBe(4);
      expect(phaseIndex(phases, [], 'checkpoint')).toBe(5);
      expect(phaseIndex(phases, ['evaluate'], 'evaluate')).toBe(-1);
    },
  );

  it('estimates what is left from the steps done', () => {
    expect(secondsLeft(foldRun('r', numbered(open)))).toBe(3 * 4);
    expect(secondsLeft(foldRun('r', numbered([startOf('r')])))).toBeNull();
  });

  it('estimates what is left of a token budget from what a step costs', () => {
    const budget = startOf('r', { ...CONFIG, steps: null, budgetTokens: 52 * 4 });
    expect(secondsLeft(foldRun('r', numbered([budget, ...stepOf(1)])))).toBe(3 * 4);
  });
});
