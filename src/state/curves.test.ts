import { describe, expect, it } from 'vitest';
import type { RunEventOf } from '../schema/events.ts';
import { CURVES, curveOf, type CurveDef } from './curves.ts';
import { numbered, updateOf } from './testing/log.ts';

const updates = (...changes: Parameters<typeof updateOf>[1][]) =>
  numbered(changes.map((change, i) => updateOf(i + 1, change))) as RunEventOf<'update.applied'>[];
const def = (key: string): CurveDef => CURVES.find((c) => c.key === key) ?? CURVES[0]!;

describe('curves', () => {
  it('smooths from the first value on, without a pull towards zero', () => {
    const { smooth } = curveOf(def('reward'), updates({ reward: 0.5 }, { reward: 0.5 }, { reward: 0.5 }));
    for (const value of smooth) expect(value).toBeCloseTo(0.5, 12);
  });

  it('never moves a smoothed point when later steps come', () => {
    const all = updates({ reward: 0.1 }, { reward: 0.9 }, { reward: 0.2 });
    expect(curveOf(def('reward'), all).smooth.slice(0, 2)).toEqual(curveOf(def('reward'), all.slice(0, 2)).smooth);
  });

  it('has no gradient norm where nothing was trained on, instead of a zero', () => {
    expect(curveOf(def('gradNorm'), updates({}, { noSignal: true, gradNorm: 0 }, { skipped: true, gradNorm: Infinity })).raw).toEqual([0.5, null, null]);
  });

  it('bounds the recent values from below and above', () => {
    const { low, high } = curveOf(def('kl'), updates({ kl: 0.3 }, { kl: 0.1 }, { kl: 0.2 }));
    expect(low).toEqual([0.3, 0.1, 0.1]);
    expect(high).toEqual([0.3, 0.3, 0.3]);
  });
});
