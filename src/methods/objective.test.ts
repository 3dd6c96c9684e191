import { describe, expect, it } from 'vitest';
import type { RunConfig } from '../schema/config.ts';
import { presetOf } from '../session/presets.ts';
import { OBJECTIVE_NAMES, withObjective, type ObjectiveName } from '../settings/objectives.ts';
import { advantagesOf, overlongPenalty } from './advantage.ts';
import { grpoStep } from './grpo.ts';
import { entropyThreshold } from './objective.ts';
import { learningRateOf } from './schedule.ts';
import { srrlStep } from './srrl.ts';
import { scriptedStep } from './testing/scripted.ts';

const nano = presetOf('grpo', 'nano');

/*
 * Two problems of a step: one of four completions passes, and two of four. Worked by hand: the
 * groups' means are 1/4 and 1/2, their stds 1/2 and √(1/3); the batch has mean 3/8 and squares of
 * differences 3 · 25/64 + 5 · 9/64 = 15/8, so std √(15/56); with the groups' means off the squares
 * are 3/4 + 1 = 7/4, so std √(1/4) = 1/2.
 */
const REWARDS = [
  [1, 0, 0, 0],
  [1, 1, 0, 0],
];
const e = 1e-4;
const byGroup = [0.75 / (0.5 + e), -0.25 / (0.5 + e), 0.5 / (Math.sqrt(1 / 3) + e)] as const;
const batch = Math.sqrt(15 / 56) + e;
/** Advantages of a pass and a failure of the first problem, and of a pass and a failure of the second. */
const WORKED: Readonly<Record<ObjectiveName, readonly [number, number, number, number]>> = {
  default: [...byGroup, -byGroup[2]],
  grpo: [...byGroup, -byGroup[2]],
  dapo: [...byGroup, -byGroup[2]],
  dr_grpo: [0.75, -0.25, 0.5, -0.5],
  gspo: [...byGroup, -byGroup[2]],
  cispo: [...byGroup, -byGroup[2]],
  rloo: [1, -1 / 3, 2 / 3, -2 / 3],
  'reinforce++': [0.625 / batch, -0.375 / batch, 0.625 / batch, -0.375 / batch],
  'reinforce++-baseline': [0.75 / (0.5 + e), -0.25 / (0.5 + e), 0.5 / (0.5 + e), -0.5 / (0.5 + e)],
  maxrl: [3, -1, 1, -1],
  sapo: [...byGroup, -byGroup[2]],
  'lite-ppo': [0.75 / batch, -0.25 / batch, 0.5 / batch, -0.5 / batch],
};

describe('advantages', () => {
  it.each(OBJECTIVE_NAMES)('of %s are those worked by hand', (name) => {
    const [first, second] = advantagesOf(REWARDS, withObjective(nano, name).objective);
    const [pass1, fail1, pass2, fail2] = WORKED[name];
    [pass1, fail1, fail1, fail1].forEach((a, i) => expect(first!.advantages[i]).toBeCloseTo(a, 12));
    [pass2, pass2, fail2, fail2].forEach((a, i) =>
      expect(second!.advantages[i]).toBeCloseTo(a, 12),
    );
    expect(first!.signal && second!.signal).toBe(true);
  });

  it('of equal groups have signal where the batch is the baseline, and none where the group is', () => {
    const groups = [
      [1, 1],
      [0, 0],
    ];
    const signal = (name: ObjectiveName) =>
      advantagesOf(groups, withObjective(nano, name).objective).map((group) => group.signal);
    expect(signal('reinforce++')).toEqual([true, true]);
    for (const name of ['grpo', 'rloo', 'maxrl', 'lite-ppo', 'dr_grpo'] as const)
      expect(signal(name), name).toEqual([false, false]);
    // Rounding makes no signal of equal fractions.
    expect(advantagesOf([[0.1, 0.1, 0.1]], nano.objective)[0]!.signal).toBe(false);
    expect(advantagesOf([[1, 1]], { baseline: 'none', scale: 'none' })[0]!.advantages).toEqual([
      1, 1,
    ]);
  });

  it('leave null out, and are 0 with fewer than two judged rewards', () => {
    const loo = withObjective(nano, 'rloo').objective;
    expect(advantagesOf([[1, null, 0]], loo)[0]!.advantages).toEqual([1, 0, -1]);
    for (const name of OBJECTIVE_NAMES)
      expect(
        advantagesOf([[1, null]], withObjective(nano, name).objective)[0]!.advantages,
        name,
      ).toEqual([0, 0]);
    expect(advantagesOf([[0, 0], []], withObjective(nano, 'maxrl').objective)).toMatchObject([
      { advantages: [0, 0], signal: false },
      { advantages: [], signal: false },
    ]);
  });
});

it('a long completion is paid less over the last share of the limit', () => {
  const penalty = (tokens: number) => overlongPenalty(tokens, 100, 0.2);
  expect([0, 80, 90, 100].map(penalty)).toEqual([0, 0, -0.5, -1]);
});

/** A step of GRPO on scripted verdicts, its switches changed. */
const step = (
  outcomes: string[][],
  { loss, objective, ...rest }: Partial<RunConfig>,
  method = grpoStep,
) =>
  scriptedStep(method, outcomes, (config) => ({
    ...config,
    group: outcomes[0]!.length,
    ...rest,
    loss: { ...config.loss, ...loss },
    objective: { ...config.objective, ...objective },
  }));
const part = (objective: Partial<RunConfig['objective']>) =>
  ({ ...nano.objective, ...objective }) satisfies RunConfig['objective'];
const lossPart = (loss: Partial<RunConfig['loss']>) => ({ ...nano.loss, ...loss });

describe('a step', () => {
  // Scripted: the sampler's log-probs −1, those of a score 0, the trainer's −1.5, three tokens.
  it('takes the ratio of the sequence from the second update on', async () => {
    const { trained, calls } = await step([['pass', 'fail']], {
      loss: lossPart({ updates: 3 }),
      objective: part({ ratio: 'sequence' }),
    });
    const ratios = trained.map(({ sequences }) => sequences.map(({ ratio }) => ratio));
    expect(ratios[0]).toEqual([undefined, undefined]);
    for (const later of ratios.slice(1))
      for (const ratio of later) expect(ratio).toBeCloseTo(Math.exp(1.5), 12);
    expect(calls.filter((call) => call === 'train student')).toHaveLength(3);
  });

  it('weighs a sequence by its sampler correction, truncated or masked', async () => {
    // Score − sampler is 1 a token, e³ in all.
    for (const [mode, cap, weight] of [
      ['truncate', 100, Math.exp(3)],
      ['truncate', 2, 2],
      ['mask', 2, 0],
    ] as const) {
      const { trained } = await step([['pass', 'fail']], {
        loss: lossPart({ correctionCap: cap }),
        objective: part({ correction: 'sequence', correctionMode: mode }),
      });
      expect(trained[0]!.loss).toMatchObject({ correctionCap: null });
      expect(trained[0]!.sequences[0]!.weight).toBeCloseTo(weight, 10);
    }
  });

  it('drops failures that the policy has left behind, and no passes', async () => {
    const weights = async (offPolicyMask: number) =>
      (
        await step([['pass', 'fail']], { objective: part({ offPolicyMask }) })
      ).trained[0]!.sequences.map(({ weight }) => weight ?? 1);
    // mean(ℓ_samp − ℓ) is −1 here.
    expect(await weights(0)).toEqual([1, 1]);
    expect(await weights(-2)).toEqual([1, 0]);
  });

  it('lets the most uncertain tokens alone carry the policy gradient', async () => {
    // Scripted entropies are equal, so all are at the threshold; that of a share is tested below.
    const { trained } = await step([['pass', 'fail']], { objective: part({ entropyTop: 0.2 }) });
    expect(trained[0]!.sequences[0]!.weight).toEqual([1, 1, 1]);
    const tokens = (...entropy: number[]) =>
      [{ completion: { entropy: Float32Array.from(entropy) } }] as never;
    expect(entropyThreshold(tokens(5, 1, 4, 2, 3, 0, 0, 0, 0, 0), 0.2)).toBe(4);
    expect(entropyThreshold(tokens(5, 1, 4), 0.01)).toBe(5);
    expect(entropyThreshold(tokens(5, 1, 4), 1)).toBe(-Infinity);
  });

  it('takes KL off the reward, or off what a token is held to', async () => {
    // k1 = ℓ_samp − ℓ_ref = −1 a token, so β Σ k1 = −0.3 for each completion.
    const kl = { kl: 'k1', baseline: 'none', scale: 'none' } as const;
    const advantages = async (klPlace: 'reward' | 'return') => {
      const { trained, of } = await step([['pass', 'fail']], {
        loss: lossPart({ beta: 0.1 }),
        objective: part({ ...kl, klPlace }),
      });
      expect(trained[0]!.loss).toMatchObject({ beta: 0 });
      of('rollout.rewarded').forEach(({ penalty }) => expect(penalty).toBeCloseTo(0.3, 12));
      expect(of('rollout.rewarded').map(({ reward }) => reward)).toEqual([1, 0]);
      return trained[0]!.sequences.map(({ advantage }) => advantage);
    };
    const [pass, fail] = await advantages('reward');
    expect(pass).toBeCloseTo(1.3, 12);
    expect(fail).toBeCloseTo(0.3, 12);
    const [toGo] = await advantages('return');
    [1.3, 1.2, 1.1].forEach((a, t) => expect((toGo as ArrayLike<number>)[t]).toBeCloseTo(a, 12));
  });

  it('lowers what a long completion earns, and logs the penalty beside the reward', async () => {
    // Three tokens of at most 8: with a buffer of all 8 the penalty is −3/8.
    const { of, trained } = await step([['pass', 'fail']], {
      objective: part({ overlongBuffer: 1, baseline: 'none', scale: 'none' }),
    });
    expect(of('rollout.rewarded')[0]).toMatchObject({ reward: 1, penalty: -0.375 });
    expect(trained[0]!.sequences.map(({ advantage }) => advantage)).toEqual([0.625, -0.375]);
    expect(of('update.applied')[0]).toMatchObject({ reward: 0.5, passRate: 0.5 });
  });

  it('replaces problems that tell nothing by the next ones, up to the cap', async () => {
    const outcomes = [
      ['pass', 'pass'],
      ['pass', 'fail'],
      ['fail', 'fail'],
      ['fail', 'pass'],
    ];
    const groups = async (dynamicSampling: number | null) => {
      const { trained, asked, result, of } = await step(outcomes, {
        problemsPerStep: 2,
        objective: part({ dynamicSampling }),
      });
      const streams = asked.map(({ stream }) => stream);
      expect(new Set(streams).size).toBe(streams.length);
      const [line] = of('update.applied');
      expect(line!.kinds[0]!.tokens.generated).toBe(3 * of('rollout.rewarded').length);
      const ids = trained[0]?.sequences.map(({ completion }) => completion[0]! - 100) ?? [];
      return { problems: [...new Set(ids)], passed: result.passed, asked: asked.length };
    };
    expect(await groups(null)).toEqual({ problems: [1], passed: 0, asked: 2 });
    // Problem 0 tells nothing: 2 is drawn, which does not either, then 3.
    expect(await groups(1)).toEqual({ problems: [1, 3], passed: 2, asked: 4 });
    // Whatever is drawn, it is no problem that the step has.
    expect(await groups(9)).toEqual({ problems: [1, 3], passed: 2, asked: 4 });
  });

  it('leaves replaced problems out of the update and of statistics, whatever the baseline', async () => {
    const { of, trained } = await step(
      [
        ['pass', 'pass'],
        ['pass', 'fail'],
        ['fail', 'fail'],
      ],
      {
        problemsPerStep: 2,
        objective: part({ dynamicSampling: 1, baseline: 'batch-mean', scale: 'none' }),
      },
    );
    expect(trained[0]!.sequences.map(({ advantage }) => advantage)).toEqual([0.5, -0.5]);
    const silent = of('rollout.rewarded').filter(({ inLoss }) => !inLoss);
    expect(silent.map(({ advantage }) => advantage)).toEqual([0, 0, 0, 0]);
  });

  it('of SRRL draws by all completions of a problem', async () => {
    const { result, of } = await step(
      [
        ['pass', 'pass'],
        ['fail', 'fail', 'pass', 'fail', 'fail', 'fail', 'fail', 'fail', 'fail', 'fail'],
      ],
      {
        ...presetOf('srrl', 'nano'),
        problemsPerStep: 1,
        maxTokens: 8,
        objective: part({ dynamicSampling: 1 }),
      },
      srrlStep,
    );
    expect(result.passed).toBe(1);
    expect(of('rollout.rewarded').filter(({ inLoss }) => inLoss)).toHaveLength(10);
  });
});

it('the learning rate rises over the warm-up and falls with what is done', () => {
  const totals = { prompt: 20, generated: 30, trained: 0 };
  const rate = (shape: 'constant' | 'linear' | 'cosine', warmup: number, at: number) =>
    learningRateOf(
      { ...nano, learningRate: 1, steps: 10, schedule: { shape, warmup } },
      at,
      totals,
    );
  expect(rate('constant', 0, 7)).toBe(1);
  expect([1, 2, 4, 9].map((at) => rate('constant', 4, at))).toEqual([0.25, 0.5, 1, 1]);
  expect([1, 6, 10].map((at) => rate('linear', 0, at))).toEqual([1, 0.5, 1 - 9 / 10]);
  expect(rate('cosine', 0, 6)).toBeCloseTo(0.5, 12);
  const budget = { ...nano, learningRate: 1, steps: null, budgetTokens: 200 };
  expect(
    learningRateOf({ ...budget, schedule: { shape: 'linear', warmup: 0 } }, 3, totals),
  ).toBeCloseTo(0.75, 12);
});
