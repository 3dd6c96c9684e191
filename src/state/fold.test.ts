import { describe, expect, it } from 'vitest';
import { emptyRun, extendRun, findGroup, findRollout, foldRun } from './fold.ts';
import { numbered, startOf, stepOf } from './testing/log.ts';

const log = numbered([startOf('r'), { type: 'checkpoint.saved', step: 0, bytes: 9 }, ...stepOf(1), ...stepOf(2)]);

describe('foldRun', () => {
  it('gives the same view whatever batches the events come in', () => {
    const whole = foldRun('r', log);
    for (const size of [1, 2, 7, 30]) {
      let view = emptyRun('r');
      for (let i = 0; i < log.length; i += size) view = extendRun(view, log.slice(i, i + size));
      expect(view).toEqual(whole);
    }
  });

  it('leaves the view it extends as it was', () => {
    const before = foldRun('r', log.slice(0, 12));
    const copy = structuredClone(before);
    extendRun(before, log.slice(12));
    expect(before).toEqual(copy);
  });

  it('keeps the identity of steps that a batch does not touch', () => {
    const first = numbered([startOf('r'), ...stepOf(1)]);
    const before = foldRun('r', first);
    const after = extendRun(before, numbered(stepOf(2), first.length));
    expect(after.steps[0]).toBe(before.steps[0]);
    expect(after.steps[1]?.groups).toHaveLength(2);
  });

  it('joins a completion with its verdict and its reward', () => {
    const view = foldRun('r', log);
    const rollout = findRollout(view, '2/1/0');
    expect(rollout).toMatchObject({ problem: 'p1', sample: 0, verdict: { status: 'pass' }, reward: { reward: 1 } });
    expect(rollout && findGroup(view, rollout)?.rollouts.map((r) => r?.reward?.reward)).toEqual([1, 0, 0]);
    expect(view.counts).toEqual({ rollouts: 12, judged: 12, passed: 4 });
  });

  it('keeps a place for every completion of a step from its start on', () => {
    const view = foldRun('r', numbered([startOf('r'), { type: 'step.started', step: 1, epoch: 0, problems: ['p0', 'p1'] }]));
    expect(view.steps[0]?.groups.map((g) => g.rollouts)).toEqual([
      [null, null, null],
      [null, null, null],
    ]);
  });

  it('lets a step that is begun again take the place of its half-done first try', () => {
    const half = stepOf(2).slice(0, 5);
    const view = foldRun('r', numbered([startOf('r'), ...stepOf(1), ...half, { type: 'run.resumed', step: 1 }, ...stepOf(2)]));
    expect(view.steps.map((s) => s.step)).toEqual([1, 2]);
    expect(view.updates.map((u) => u.step)).toEqual([1, 2]);
  });

  it('knows pause, resume and end', () => {
    const paused = foldRun('r', numbered([startOf('r'), { type: 'run.paused', step: 0, reason: 'Paused after step 0.' }]));
    expect(paused.paused?.reason).toBe('Paused after step 0.');
    const resumed = extendRun(paused, numbered([{ type: 'run.resumed', step: 0 }], 2));
    expect(resumed.paused).toBeNull();
    const totals = { prompt: 1, generated: 2, trained: 3 };
    expect(extendRun(resumed, numbered([{ type: 'run.finished', step: 0, reason: 'stopped', totals }], 3))).toMatchObject({
      finished: { reason: 'stopped' },
      totals,
    });
  });
});
