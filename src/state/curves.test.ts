import { describe, expect, it } from 'vitest';
import type { RunEventOf } from '../schema/events.ts';
import { CURVES, curveOf, curvesOf, type CurveDef } from './curves.ts';
import { numbered, updateOf } from './testing/log.ts';

const updates = (...changes: Parameters<typeof updateOf>[1][]) =>
  numbered(changes.map((change, i) => updateOf(i + 1, change))) as RunEventOf<'update.applied'>[];
const def = (key: string): CurveDef => CURVES.find((c) => c.key === key) ?? CURVES[0]!;

describe('curves', () => {
  it('smooths from the first value on, without a pull towards zero', () => {
    const { smooth } = curveOf(
      def('reward'),
      updates({ reward: 0.5 }, { reward: 0.5 }, { reward: 0.5 }),
    );
    for (const value of smooth) expect(value).toBeCloseTo(0.5, 12);
  });

  it('never moves a smoothed point when later steps come', () => {
    const all = updates({ reward: 0.1 }, { reward: 0.9 }, { reward: 0.2 });
    expect(curveOf(def('reward'), all).smooth.slice(0, 2)).toEqual(
      curveOf(def('reward'), all.slice(0, 2)).smooth,
    );
  });

  it('has no gradient norm where nothing was trained on, instead of a zero', () => {
    expect(
      curveOf(
        def('gradNorm'),
        updates({}, { noSignal: true, gradNorm: 0 }, { skipped: true, gradNorm: Infinity }),
      ).raw,
    ).toEqual([0.5, null, null]);
  });

  it('bounds the recent values from below and above', () => {
    const { low, high } = curveOf(def('kl'), updates({ kl: 0.3 }, { kl: 0.1 }, { kl: 0.2 }));
    expect(low).toEqual([0.3, 0.1, 0.1]);
    expect(high).toEqual([0.3, 0.3, 0.3]);
  });

  it('draws the rescue rate of each step, and over it the share of the run so far, by counts', () => {
    const rescue = (failed: number, rescued: number) => ({
      rescue: { failed, rescued, answers: 0, passes: 0, changed: 0, visibleOnly: null },
    });
    const { raw, smooth } = curveOf(def('rescue'), updates(rescue(1, 1), rescue(9, 0), {}));
    expect(raw).toEqual([1, 0, null]);
    expect(smooth).toEqual([1, 0.1, 0.1]);
  });

  it('draws retries with a reflection against attempts without, where there were any', () => {
    const reflection = {
      problems: 2,
      weighed: 1,
      baseline: 0.25,
      retries: 0.5,
      paired: { problems: 2, baseline: 0.25, retries: 0.5 },
      loss: 0,
      gradNorm: 0,
      kl: 0,
      skipped: false,
    };
    const { raw, against } = curveOf(
      def('retries'),
      updates({ reflection }, { reflection: { ...reflection, paired: null } }),
    );
    expect(raw).toEqual([0.5, null]);
    expect(against[0]).toBeCloseTo(0.25, 12);
  });

  it('shows a method the curves it has values for', () => {
    const keys = (method: Parameters<typeof curvesOf>[0]) => curvesOf(method).map(({ key }) => key);
    expect(keys('srrl')).toContain('rescue');
    expect(keys('reflkd')).toEqual(expect.arrayContaining(['retries', 'targets']));
    expect(keys('grpo').filter((key) => ['rescue', 'retries', 'targets'].includes(key))).toEqual(
      [],
    );
  });
});
