import { describe, expect, it } from 'vitest';
import { randomRewardStep, rejectionStep } from './controls.ts';
import { scriptedStep } from './testing/scripted.ts';

describe('randomRewardStep', () => {
  const half = Array.from({ length: 40 }, (_, i) => (i < 20 ? 'pass' : 'fail'));
  it('pays coins of the same mean that know nothing of the verdicts, and logs both', async () => {
    const { of, trained } = await scriptedStep(randomRewardStep, [half, half], (c) => ({
      ...c,
      group: 40,
    }));
    const paid = of('rollout.rewarded').map(({ reward }) => reward!);
    const mean = paid.reduce((a, b) => a + b, 0) / paid.length;
    expect(mean).toBeGreaterThan(0.3);
    expect(mean).toBeLessThan(0.7);
    const agree = paid.filter((reward, i) => reward === (half[i % 40] === 'pass' ? 1 : 0)).length;
    expect(agree).toBeGreaterThan(25);
    expect(agree).toBeLessThan(55);
    expect(of('update.applied')[0]).toMatchObject({ passRate: 0.5, reward: mean });
    expect(trained[0]!.sequences.map(({ advantage }) => Number(advantage) > 0)).toEqual(
      paid.map((reward) => reward === 1),
    );
  });

  it('flips the same coins again, and none where nothing passed', async () => {
    const rewards = async (passes: string[]) =>
      (await scriptedStep(randomRewardStep, [passes], (c) => ({ ...c, group: passes.length })))
        .of('rollout.rewarded')
        .map((e) => e.reward);
    expect(await rewards(half)).toEqual(await rewards(half));
    expect(await rewards(['fail', 'fail', 'infra'])).toEqual([0, 0, null]);
  });
});

describe('rejectionStep', () => {
  it('trains on what passed and on nothing else, by likelihood', async () => {
    const { trained, of } = await scriptedStep(
      rejectionStep,
      [
        ['pass', 'fail', 'pass'],
        ['fail', 'infra', 'fail'],
        ['pass', 'pass', 'pass!'],
      ],
      (c) => ({ ...c, group: 3 }),
    );
    expect(trained[0]!.loss).toEqual({ kind: 'nll', aggregation: 'dapo', beta: 0, floor: null });
    expect(
      trained[0]!.sequences.map(({ completion, masked }) => [completion[0], completion[1], masked]),
    ).toEqual([
      [100, 0, false],
      [100, 2, false],
      [102, 0, false],
      [102, 1, false],
      [102, 2, true],
    ]);
    expect(of('update.applied')[0]).toMatchObject({
      zeroSignal: 1,
      groups: 3,
      noSignal: false,
      infra: 1,
    });
    expect(of('rollout.rewarded').filter(({ inLoss }) => inLoss)).toHaveLength(4);
  });

  it('leaves the optimiser alone when nothing passed', async () => {
    const { trained, of } = await scriptedStep(rejectionStep, [['fail', 'fail']], (c) => ({
      ...c,
      group: 2,
    }));
    expect(trained).toHaveLength(0);
    expect(of('update.applied')[0]).toMatchObject({ noSignal: true });
  });
});
