import { describe, expect, it } from 'vitest';
import type { RunConfig } from '../schema/config.ts';
import { presetOf } from '../session/presets.ts';
import type { MethodStep } from './method.ts';
import { resampleStep, srrlStep } from './srrl.ts';
import { scriptedStep } from './testing/scripted.ts';

const step = (
  outcomes: string[][],
  change: Partial<NonNullable<RunConfig['srrl']>> = {},
  rest: Partial<RunConfig> = {},
  run: MethodStep = srrlStep,
) =>
  scriptedStep(run, outcomes, (config) => {
    const preset = presetOf('srrl', 'nano');
    return { ...config, ...rest, srrl: { ...preset.srrl!, ...change } };
  });

/**
 * One failed and one passing c1, of the failed one's four repairs the first passes; then a problem
 * solved at once.
 */
const WORKED = [
  ['fail', 'pass', 'pass', 'fail', 'fail', 'fail'],
  ['pass', 'pass'],
];

describe('srrlStep', () => {
  it('refines each failed first attempt at its own temperature, from a prompt about that very attempt', async () => {
    const { asked, of } = await step([
      ['fail', 'error', ...Array<string>(8).fill('fail')],
      ['pass', 'timeout', ...Array<string>(4).fill('pass')],
    ]);
    expect(asked.map(({ samples, temperature }) => [samples, temperature])).toEqual([
      [2, 1],
      [2, 1],
      [4, 0.3],
      [4, 0.3],
      [4, 0.3],
    ]);
    const seen = of('rollout.completed').filter(({ kind }) => kind === 'refinement');
    expect(new Set(seen.map(({ prompt, parent }) => `${parent} · ${prompt}`))).toEqual(
      new Set([
        '3/0/0 · refinement 0: x 0/0',
        '3/0/1 · refinement 0: x 0/1',
        '3/1/1 · refinement 1: x 1/1',
      ]),
    );
    expect(
      seen
        .filter(({ parent }) => parent === '3/0/1')
        .map(({ id, sample }) => [id, sample])
        .sort(),
    ).toEqual([
      ['3/0/1.0', 6],
      ['3/0/1.1', 7],
      ['3/0/1.2', 8],
      ['3/0/1.3', 9],
    ]);
    // Random numbers of a problem's completions never meet those of another: ten places each.
    expect(asked.map(({ stream }) => stream)).toEqual([40, 50, 42, 46, 52]);
  });

  it('pools all completions of a problem: one pass of two c1 and one of four c2 give ±0.645 and 1.291', async () => {
    const { trained, of } = await step(WORKED);
    const std = Math.sqrt(12 / 45);
    const [pass, fail] = [2 / 3 / (std + 1e-4), -1 / 3 / (std + 1e-4)];
    expect(pass).toBeCloseTo(1.2907, 4);
    expect(trained[0]!.sequences.map(({ advantage }) => advantage)).toEqual(
      [fail, pass, pass, fail, fail, fail].map((a) => expect.closeTo(a, 12) as number),
    );
    expect(of('update.applied')[0]).toMatchObject({
      groups: 2,
      zeroSignal: 1,
      reward: 3 / 4,
      passRate: 3 / 4,
    });
    expect(of('rollout.rewarded').filter(({ rollout }) => rollout.startsWith('3/1'))).toMatchObject(
      [
        { advantage: 0, inLoss: false },
        { advantage: 0, inLoss: false },
      ],
    );
  });

  it('normalises c1 among c1 and c2 among the repairs of one attempt where asked to', async () => {
    const { trained, of } = await step(WORKED, { advantage: 'phase' });
    const c1 = 0.5 / (Math.SQRT1_2 + 1e-4);
    const [pass, fail] = [0.75 / (0.5 + 1e-4), -0.25 / (0.5 + 1e-4)];
    expect(trained[0]!.sequences.map(({ advantage }) => advantage)).toEqual(
      [-c1, c1, pass, fail, fail, fail].map((a) => expect.closeTo(a, 12) as number),
    );
    expect(of('update.applied')[0]).toMatchObject({ groups: 3, zeroSignal: 1 });
  });

  it('gives c2 its own temperature, weight and part in the loss; prompts are context, never targets', async () => {
    const { trained, of } = await step(WORKED, { lambda: 0.5 });
    const { sequences } = trained[0]!;
    expect(sequences.map(({ temperature, weight, part }) => [temperature, weight, part])).toEqual([
      ...Array<unknown>(2).fill([1, undefined, 0]),
      ...Array<unknown>(4).fill([0.3, 0.5, 1]),
    ]);
    expect(sequences.map(({ prompt, completion }) => [prompt[0], completion[1]])).toEqual([
      [1, 0],
      [1, 1],
      [2, 2],
      [2, 3],
      [2, 4],
      [2, 5],
    ]);
    expect(new Set(sequences.map(({ group }) => group)).size).toBe(2);
    expect(of('update.applied')[0]!.kinds).toMatchObject([
      {
        kind: 'attempt',
        completions: 4,
        passes: 3,
        gradNorm: 2,
        tokens: { prompt: 6, generated: 12, trained: 6 },
      },
      {
        kind: 'refinement',
        completions: 4,
        passes: 1,
        gradNorm: 3,
        tokens: { prompt: 3, generated: 12, trained: 12 },
      },
    ]);
  });

  it('counts rescues, changed programs, and repairs that only pass what they were shown', async () => {
    const outcomes = [
      ['fail', 'fail', 'pass', 'visible', 'visible', 'fail', ...Array<string>(4).fill('visible')],
    ];
    expect((await step(outcomes)).of('update.applied')[0]!.rescue).toEqual({
      failed: 2,
      rescued: 1,
      answers: 8,
      passes: 1,
      changed: 8,
      visibleOnly: null,
    });
    const hidden = await step(outcomes, {}, { asserts: 'all-but-one' });
    expect(hidden.of('update.applied')[0]!.rescue).toMatchObject({ visibleOnly: 6 });
  });

  it('refines no attempt that the sandbox failed to judge, and says which prompts are too long', async () => {
    const none = await step([['infra', 'pass']]);
    expect(none.of('rollout.completed')).toHaveLength(2);
    expect(none.of('update.applied')[0]).toMatchObject({
      infra: 1,
      rescue: { failed: 0, rescued: 0 },
      noSignal: true,
    });
    const long = await step([['fail', 'fail']], {}, { maxTokens: 62 });
    expect(long.of('warning.raised').map(({ message }) => message)).toEqual([
      'Step 3: 2 of 2 prompts about failed attempts were left out, because with 62 new tokens ' +
        "they exceed the model's context of 64.",
    ]);
  });

  it('makes μ updates against the log-probs that the trainer had before the first', async () => {
    const { trained, of, result, blocks } = await step(
      WORKED,
      {},
      { loss: { ...presetOf('srrl', 'nano').loss, updates: 2 } },
    );
    expect(trained).toHaveLength(2);
    expect(trained[0]!.sequences.every(({ oldLogprobs }) => oldLogprobs === undefined)).toBe(true);
    expect(trained[1]!.sequences.every(({ oldLogprobs }) => oldLogprobs?.[0] === -1.5)).toBe(true);
    expect(of('update.applied')[0]).toMatchObject({ clipRatio: 0.5 });
    const ratios = of('rollout.rewarded').map(({ inLoss }, i) =>
      inLoss ? blocks[i]!.ratio[0] : 'none',
    );
    expect(new Set(ratios)).toEqual(new Set([2, 'none'])); // of the last update
    expect(result.totals.trained).toBe(30 + 2 * 18);
  });
});

describe('resampleStep', () => {
  it('asks the plain prompt again where SRRL would refine, as often, at the temperature of the run', async () => {
    const outcomes = [
      ['fail', 'fail', ...Array<string>(8).fill('pass')],
      ['pass', 'fail', ...Array<string>(4).fill('fail')],
    ];
    const { asked, of, trained } = await step(outcomes, {}, {}, resampleStep);
    expect(
      asked.map(({ prompt, samples, temperature }) => [prompt[0], samples, temperature]),
    ).toEqual([
      [1, 2, 1],
      [1, 2, 1],
      [1, 8, 1],
      [1, 4, 1],
    ]);
    expect(
      of('rollout.completed').every(({ kind, parent }) => kind === 'attempt' && parent === null),
    ).toBe(true);
    expect(of('update.applied')[0]).toMatchObject({
      reward: 1 / 4, // of first attempts, as in SRRL
      rescue: { failed: 3, rescued: 2, answers: 12, passes: 8 },
    });
    expect(new Set(trained[0]!.sequences.map(({ group }) => group)).size).toBe(2);
  });
});
