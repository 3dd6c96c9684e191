import { describe, expect, it } from 'vitest';
import { emptyRun, extendRun, findGroup, findRollout, foldRun } from './fold.ts';
import {
  numbered,
  REFLKD_CONFIG,
  reflKdStep,
  SRRL_CONFIG,
  srrlStep,
  startOf,
  stepOf,
} from './testing/log.ts';
import { childrenOf, lineageOf } from './tree.ts';

const log = numbered([
  startOf('r'),
  { type: 'checkpoint.saved', step: 0, bytes: 9 },
  ...stepOf(1),
  ...stepOf(2),
]);

const srrl = numbered([startOf('r', SRRL_CONFIG), ...srrlStep(1)]);
const reflkd = numbered([startOf('r', REFLKD_CONFIG), ...reflKdStep(1)]);

describe('foldRun', () => {
  it.each([
    ['grpo', log],
    ['srrl', srrl],
    ['reflkd', reflkd],
  ])('gives the same view of %s whatever batches the events come in', (_method, events) => {
    const whole = foldRun('r', events);
    for (const size of [1, 2, 7, 30]) {
      let view = emptyRun('r');
      for (let i = 0; i < events.length; i += size)
        view = extendRun(view, events.slice(i, i + size));
      expect(view).toEqual(whole);
    }
  });

  it('finds a completion’s children and its way down from the attempt, in the order of samples', () => {
    const view = foldRun('r', reflkd);
    const [group] = view.steps[0]?.groups ?? [];
    const retry = findRollout(view, '1/0/0.0.1');
    if (!group || !retry) throw new Error('no such retry');
    expect(lineageOf(retry, group).map(({ id }) => id)).toEqual(['1/0/0', '1/0/0.0', '1/0/0.0.1']);
    expect(
      lineageOf(retry, group)
        .slice(0, 2)
        .map((r) => childrenOf(r, group).map(({ id }) => id)),
    ).toEqual([
      ['1/0/0.0', '1/0/0.1'],
      ['1/0/0.0.0', '1/0/0.0.1'],
    ]);
  });

  it('keeps what was distilled with the completion it was', () => {
    const view = foldRun('r', reflkd);
    expect(findRollout(view, '1/0/0.0.0')?.target).toMatchObject({
      reflection: '1/0/0.0',
      loss: 0.321,
    });
    expect(findRollout(view, '1/0/0.0.1')?.target).toBeNull();
  });

  it('keeps a place for the first attempts a method is sure to make, none for what may follow', () => {
    const begun = (config: typeof SRRL_CONFIG) =>
      foldRun(
        'r',
        numbered([
          startOf('r', config),
          { type: 'step.started', step: 1, epoch: 0, problems: ['p0'] },
        ]),
      );
    expect(
      [SRRL_CONFIG, REFLKD_CONFIG].map(
        (config) => begun(config).steps[0]?.groups[0]?.rollouts.length,
      ),
    ).toEqual([2, 4]);
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
    expect(rollout).toMatchObject({
      problem: 'p1',
      sample: 0,
      verdict: { status: 'pass' },
      reward: { reward: 1 },
    });
    expect(rollout && findGroup(view, rollout)?.rollouts.map((r) => r?.reward?.reward)).toEqual([
      1, 0, 0,
    ]);
    expect(view.counts).toEqual({ rollouts: 12, judged: 12, passed: 4 });
  });

  it('keeps a place for every completion of a step from its start on', () => {
    const view = foldRun(
      'r',
      numbered([startOf('r'), { type: 'step.started', step: 1, epoch: 0, problems: ['p0', 'p1'] }]),
    );
    expect(view.steps[0]?.groups.map((g) => g.rollouts)).toEqual([
      [null, null, null],
      [null, null, null],
    ]);
  });

  it('lets a step that is begun again take the place of its half-done first try', () => {
    const half = stepOf(2).slice(0, 5);
    const view = foldRun(
      'r',
      numbered([
        startOf('r'),
        ...stepOf(1),
        ...half,
        { type: 'run.resumed', step: 1 },
        ...stepOf(2),
      ]),
    );
    expect(view.steps.map((s) => s.step)).toEqual([1, 2]);
    expect(view.updates.map((u) => u.step)).toEqual([1, 2]);
  });

  it('names the checkpoint that a resume went back to, whose own event was cut off', () => {
    const log = numbered([
      startOf('r'),
      { type: 'checkpoint.saved', step: 3, bytes: 9 },
      ...stepOf(4),
      { type: 'run.resumed', step: 4 },
    ]);
    expect(foldRun('r', log).checkpoint).toMatchObject({ step: 4 });
  });

  it('knows pause, resume and end', () => {
    const paused = foldRun(
      'r',
      numbered([startOf('r'), { type: 'run.paused', step: 0, reason: 'Paused after step 0.' }]),
    );
    expect(paused.paused?.reason).toBe('Paused after step 0.');
    const resumed = extendRun(paused, numbered([{ type: 'run.resumed', step: 0 }], 2));
    expect(resumed.paused).toBeNull();
    const totals = { prompt: 1, generated: 2, trained: 3 };
    expect(
      extendRun(
        resumed,
        numbered([{ type: 'run.finished', step: 0, reason: 'stopped', totals }], 3),
      ),
    ).toMatchObject({
      finished: { reason: 'stopped' },
      totals,
    });
  });
});
