import { expect, it } from 'vitest';
import { recordOf } from '../compare/record.ts';
import { besideAt, rewardCurve } from './reward-curve.ts';
import { numbered, startOf, updateOf } from './testing/log.ts';

/** A run with one step a reward and `tokens` tokens a step. */
const run = (rewards: readonly number[], tokens: number) =>
  recordOf(
    numbered([
      startOf('r'),
      ...rewards.map((reward, i) =>
        updateOf(i + 1, { reward, totals: { prompt: tokens * (i + 1), generated: 0, trained: 0 } }),
      ),
    ]),
  )!;

it('draws the mean reward of several seeds over the mean of their tokens, as far as every one of them goes', () => {
  const curve = rewardCurve({ runs: [run([0, 0.5, 1], 100), run([0.5, 1], 300)] });
  expect(curve.steps).toEqual([200, 400]);
  expect(curve.raw).toEqual([0.25, 0.75]);
  expect(curve.low).toEqual([0, 0.5]);
  expect(curve.high).toEqual([0.5, 1]);
  expect(curve.smooth[0]).toBeCloseTo(0.25, 12);
});

it('reads a curve between its points and not beyond them', () => {
  const curve = { ...rewardCurve({ runs: [run([0, 0], 100)] }), smooth: [0.2, 0.4] };
  expect(besideAt(curve, [100, 150, 200])).toEqual([0.2, expect.closeTo(0.3, 12), 0.4]);
  expect(besideAt(curve, [50, 201])).toEqual([null, null]);
});
