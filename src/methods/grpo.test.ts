import { describe, expect, it } from 'vitest';
import type { RunConfig } from '../schema/config.ts';
import { advantagesOf } from './advantage.ts';
import { grpoStep } from './grpo.ts';
import { scriptedStep } from './testing/scripted.ts';

const groupAdvantages = (rewards: (0 | 1 | null)[], divide: boolean) =>
  advantagesOf([rewards], {
    baseline: 'group-mean',
    scale: divide ? 'group-std' : 'none',
  })[0]!;

describe('advantages of one group', () => {
  it('normalises by mean and ddof-1 std: 3 passes in 10 give 1.4488… and −0.6209…', () => {
    const { mean, std, advantages, signal } = groupAdvantages([1, 0, 0, 1, 1, 0, 0, 0, 0, 0], true);
    expect(signal).toBe(true);
    expect(mean).toBeCloseTo(0.3, 12);
    expect(std).toBeCloseTo(0.4830458915396479, 12);
    expect(advantages[0]).toBeCloseTo(0.7 / (0.4830458915396479 + 1e-4), 12);
    expect(advantages[1]).toBeCloseTo(-0.3 / (0.4830458915396479 + 1e-4), 12);
    expect(advantages.reduce((a, b) => a + b)).toBeCloseTo(0, 12);
  });

  it('leaves the division out for dr_grpo', () => {
    expect(groupAdvantages([1, 0, 0, 0], false).advantages).toEqual([0.75, -0.25, -0.25, -0.25]);
  });

  it('leaves null rewards out of mean and std, and gives them no advantage', () => {
    const { mean, advantages, signal } = groupAdvantages([1, null, 0], true);
    expect(signal).toBe(true);
    expect(mean).toBe(0.5);
    expect(advantages[1]).toBe(0);
    expect(advantages[0]).toBeCloseTo(0.5 / (Math.SQRT1_2 + 1e-4), 12);
  });

  it.each([[[1, 1, 1]], [[0, 0]], [[1]], [[1, null, null]], [[null, null]], [[]]] as (
    0 | 1 | null
  )[][][])('finds no signal in %j', (rewards) => {
    const group = groupAdvantages(rewards, true);
    expect(group.signal).toBe(false);
    expect(group.advantages.every((a) => a === 0)).toBe(true);
  });
});

/**
 * One step in which `outcomes[p][g]` is the verdict of sample g of problem p; a trailing `!`
 * truncates it.
 */
const step = (outcomes: string[][], loss: Partial<RunConfig['loss']> = {}) =>
  scriptedStep(grpoStep, outcomes, (config) => ({
    ...config,
    group: outcomes[0]!.length,
    loss: { ...config.loss, ...loss },
  }));

describe('grpoStep', () => {
  it('trains on groups with signal only, ordered by index whatever the order of endings and verdicts', async () => {
    const { trained, of, result, asked } = await step([
      ['fail', 'pass', 'fail', 'error'],
      ['fail', 'fail', 'timeout', 'no-code'],
      ['pass', 'pass', 'fail', 'crash'],
    ]);
    expect(trained).toHaveLength(1);
    const { sequences, loss, reference } = trained[0]!;
    expect(sequences.map((s) => [s.group, ...s.completion.slice(0, 2)])).toEqual([
      [0, 100, 0],
      [0, 100, 1],
      [0, 100, 2],
      [0, 100, 3],
      [1, 102, 0],
      [1, 102, 1],
      [1, 102, 2],
      [1, 102, 3],
    ]);
    expect(sequences[1]!.advantage).toBeCloseTo(0.75 / (0.5 + 1e-4), 10);
    expect(sequences[4]!.advantage).toBeCloseTo(0.5 / (Math.sqrt(1 / 3) + 1e-4), 10);
    expect(loss).toMatchObject({
      kind: 'pg',
      aggregation: 'dapo',
      epsLow: 0.2,
      epsHigh: 0.28,
      correctionCap: 2,
    });
    expect(reference).toBe(true);
    // (step − 1) · 3 problems · 4 samples on
    expect(asked.map(({ stream }) => stream)).toEqual([24, 28, 32]);
    expect(of('update.applied')[0]).toMatchObject({
      zeroSignal: 1,
      groups: 3,
      reward: 3 / 12,
      passRate: 3 / 12,
      infra: 0,
      noSignal: false,
    });
    expect(result.totals).toEqual({ prompt: 19, generated: 56, trained: 54 });
    expect(of('rollout.rewarded').map((e) => e.rollout)).toEqual(
      [0, 1, 2].flatMap((p) => [0, 1, 2, 3].map((g) => `3/${p}/${g}`)),
    );
  });

  it('keeps truncated completions in the baseline and masks them out of the loss, unless told not to', async () => {
    const masked = await step([['pass', 'fail!', 'fail', 'fail']]);
    expect(masked.trained[0]!.sequences.map((s) => s.masked)).toEqual([false, true, false, false]);
    expect(masked.of('rollout.rewarded').map((e) => e.inLoss)).toEqual([true, false, true, true]);
    expect(masked.of('rollout.rewarded')[0]!.groupMean).toBe(0.25);
    const unmasked = await step([['pass', 'fail!', 'fail', 'fail']], { maskTruncated: false });
    expect(unmasked.trained[0]!.sequences.every((s) => !s.masked)).toBe(true);
  });

  it('leaves infrastructure failures out of mean, std, loss and reward, and counts them', async () => {
    const { trained, of } = await step([['pass', 'infra', 'fail']]);
    expect(trained[0]!.sequences.map((s) => s.completion[1])).toEqual([0, 2]);
    expect(of('rollout.rewarded').map((e) => [e.reward, e.inLoss])).toEqual([
      [1, true],
      [null, false],
      [0, true],
    ]);
    expect(of('update.applied')[0]).toMatchObject({ infra: 1, reward: 0.5, passRate: 1 / 3 });
  });

  it('does not touch the optimiser when no group has signal, and says so', async () => {
    for (const outcomes of [
      [['fail', 'fail']],
      [['pass', 'pass']],
      [['pass', 'infra']],
      [['pass!', 'fail!']],
    ]) {
      const { trained, of, result } = await step(outcomes);
      expect(trained).toHaveLength(0);
      expect(of('update.applied')[0]).toMatchObject({
        noSignal: true,
        skipped: false,
        loss: 0,
        samplerGap: null,
      });
      expect(result.totals.trained).toBe(30);
      expect(of('rollout.rewarded').every((e) => e.rollout.startsWith('3/0/'))).toBe(true);
    }
  });

  it('logs KL columns where the trainer saw the tokens, zeros elsewhere', async () => {
    const { blocks } = await step([
      ['pass', 'fail'],
      ['fail', 'fail'],
    ]);
    expect(blocks.map((b) => b.kl[0])).toEqual([0.25, 0.25, 0, 0]);
    expect(blocks.map((b) => b.ratio[0])).toEqual([1, 1, 1, 1]);
  });
});
