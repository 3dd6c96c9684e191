import { describe, expect, it } from 'vitest';
import type { ReflKdConfig } from '../schema/config.ts';
import { presetOf } from '../session/presets.ts';
import { gatedWeight, reflkdStep } from './reflkd.ts';
import { scriptedStep } from './testing/scripted.ts';

const preset = presetOf('reflkd', 'nano').reflkd!;
type Change = Partial<Omit<ReflKdConfig, 'kd'>> & { readonly kd?: Partial<ReflKdConfig['kd']> };

const step = (outcomes: string[][], { kd, ...change }: Change = {}) =>
  scriptedStep(reflkdStep, outcomes, (config) => ({
    ...config,
    reflkd: { ...preset, ...change, kd: { ...preset.kd, ...kd } },
  }));

// A problem's completions in order: 4 baselines, 2 reflections, 2 retries with the first, 2 with
// the second (and a fresh one).
const reflections = ['fail', 'fail'];
/** R̄_0 = 1/4; the first reflection makes it 1, the second 0. */
const HELPED = ['fail', 'pass', 'error', 'fail', ...reflections, 'pass', 'pass', 'fail', 'fail'];
const SOLVED = ['pass', 'pass', 'pass', 'pass'];
/** R̄_0 = 1/2; the first makes it 0, the second leaves it. */
const HURT = ['pass', 'fail', 'pass', 'fail', ...reflections, 'fail', 'fail', 'pass', 'fail'];

describe('gatedWeight', () => {
  it('is A above δ, −λ⁻|A| below −δ, nothing between', () => {
    const settings = { ...preset, threshold: 0.25, negativeWeight: 0.5 };
    expect([0.5, 0.25, 0, -0.25, -0.5].map((a) => gatedWeight(a, settings))).toEqual([
      0.5, 0, 0, 0, -0.25,
    ]);
  });
});

describe('reflkdStep', () => {
  it('reflects on the first failing baseline, retries with each reflection, and skips what is solved', async () => {
    const { asked, of } = await step([HELPED, SOLVED, HURT]);
    expect(
      asked.map(({ prompt, samples, adapter }) => [prompt[0], prompt[1], samples, adapter]),
    ).toEqual([
      [1, 0, 4, 'student'],
      [1, 1, 4, 'student'],
      [1, 2, 4, 'student'],
      [3, 0, 2, 'reflector'],
      [3, 2, 2, 'reflector'],
      [4, 0, 2, 'student'],
      [4, 0, 2, 'student'],
      [4, 2, 2, 'student'],
      [4, 2, 2, 'student'],
    ]);
    const about = of('rollout.completed').filter(
      ({ kind }) => kind === 'retry' || kind === 'reflection',
    );
    expect(about.find(({ id }) => id === '3/2/1.0')).toMatchObject({
      parent: '3/2/1',
      prompt: 'reflection 2: x 2/1',
    });
    expect(about.find(({ id }) => id === '3/2/1.1.1')).toMatchObject({
      parent: '3/2/1.1',
      prompt: 'retry 2: x 2/1, 2/5',
      sample: 9,
    });
    const judged = new Set(of('verdict.reached').map(({ rollout }) => rollout));
    expect(
      about
        .filter(({ kind }) => kind === 'reflection')
        .every(({ id, code }) => code === null && !judged.has(id)),
    ).toBe(true);
  });

  it(
    'pays a reflection what its retries gained over the baselines, gated, and trains only the ' +
      'reflector on it',
    async () => {
      const { of, trained } = await step([HELPED, SOLVED, HURT]);
      const rewarded = new Map(of('rollout.rewarded').map((event) => [event.rollout, event]));
      expect(rewarded.get('3/0/0.0')).toMatchObject({
        reward: 1,
        passed: 2,
        asserts: 2,
        advantage: 0.75,
        weight: 0.75,
        groupMean: 0.25,
      });
      expect(rewarded.get('3/0/0.1')).toMatchObject({
        reward: 0,
        advantage: -0.25,
        weight: -0.125,
      });
      expect(rewarded.get('3/2/1.0')).toMatchObject({ reward: 0, advantage: -0.5, weight: -0.25 });
      expect(rewarded.get('3/2/1.1')).toMatchObject({
        reward: 0.5,
        advantage: 0,
        weight: 0,
        inLoss: true,
      }); // in Z and in k3
      expect(trained[0]).toMatchObject({
        adapter: 'reflector',
        loss: { kind: 'nll', aggregation: 'dapo', beta: 0.02, floor: Math.log(1e-4) },
      });
      expect(trained[0]!.sequences.map(({ prompt, weight }) => [prompt[0], weight])).toEqual([
        [3, 0.75],
        [3, -0.125],
        [3, -0.25],
        [3, 0],
      ]);
      expect(of('update.applied')[0]!.reflection).toMatchObject({
        problems: 2,
        weighed: 3,
        baseline: (0.25 + 0.25 + 0.5 + 0.5) / 4,
        retries: (1 + 0 + 0 + 0.5) / 4,
        // After the failed one: pass, error, fail of the first problem; pass, fail of the last.
        paired: { problems: 2, baseline: (1 / 3 + 1 / 2) / 2, retries: (0.5 + 0.25) / 2 },
      });
    },
  );

  it(
    'distils the first passing retry of the best reflection into the plain prompt, the ' +
      'teacher scored before any update of the student',
    async () => {
      const { trained, scored, calls, of, distilled } = await step([HELPED, SOLVED, HURT]);
      expect(calls).toEqual(['train reflector', 'score student', 'score student', 'train student']);
      const [kd] = trained.slice(1);
      expect(kd).toMatchObject({ adapter: 'student', loss: { kind: 'kd', mode: 'tail' } });
      expect(kd!.sequences).toHaveLength(1);
      expect(kd!.sequences[0]).toMatchObject({
        prompt: [1, 0, 7],
        completion: [100, 6, 0],
        temperature: 1,
        weight: 1 / 3,
      });
      expect(kd!.sequences[0]!.teacher!.k).toBe(100);
      expect(kd!.sequences[0]!.teacher!.ids).toHaveLength(300);
      expect(scored.map(({ ids, top }) => [ids[0], top])).toEqual([
        [4, 100],
        [1, 8],
      ]);
      expect(of('target.distilled')).toMatchObject([
        {
          rollout: '3/0/0.0.0',
          reflection: '3/0/0.0',
          prompt: 'retry 0: x 0/0, 0/4',
          tokens: 3,
          loss: expect.closeTo(0.03, 6) as number,
        },
      ]);
      expect(distilled[0]!.teacher.ids.slice(0, 8)).toEqual(
        Uint32Array.from([0, 1, 2, 3, 4, 5, 6, 7]),
      );
      expect(of('update.applied')[0]).toMatchObject({
        zeroSignal: 1,
        distillation: { targets: 1, tokens: 3, loss: 0.1 },
        reward: 7 / 12, // of baselines
      });
      // 3 plain prompts, 2 about reflections, 4 about retries; the teacher's context and target
      // once more.
      expect(
        of('update.applied')[0]!.kinds.map(({ kind, tokens }) => [kind, tokens.prompt]),
      ).toEqual([
        ['attempt', 9],
        ['reflection', 6],
        ['retry', 12 + 6],
      ]);
    },
  );

  it(
    'takes the base or an average as teacher, and a fresh answer of the student as target, ' +
      'where asked to',
    async () => {
      const base = await step([HELPED], {
        kd: { teacher: 'base', mode: 'renorm', temperature: 2, topK: 5 },
      });
      expect(base.calls).toEqual([
        'train reflector',
        'score none',
        'score student',
        'train student',
      ]);
      expect(base.trained[1]).toMatchObject({ loss: { kind: 'kd', mode: 'renorm' } });
      expect(base.trained[1]!.sequences[0]).toMatchObject({ temperature: 2, teacher: { k: 5 } });
      const fresh = await step([[...HELPED, 'fail']], { kd: { target: 'fresh' } });
      expect(fresh.trained[1]!.sequences[0]!.completion).toEqual([100, 10, 0]);
      expect(fresh.of('target.distilled')).toMatchObject([
        { rollout: '3/0/4', reflection: '3/0/0.0' },
      ]);
      expect(fresh.of('update.applied')[0]!.reward).toBe(1 / 4); // the fresh answer is no baseline
    },
  );

  it('distils nothing that did not help, did not pass, or was cut short', async () => {
    expect((await step([HURT])).of('target.distilled')).toHaveLength(0);
    const cut = HELPED.map((outcome, i) => (i === 6 ? 'pass!' : outcome));
    expect((await step([cut])).of('target.distilled')).toMatchObject([{ rollout: '3/0/0.0.1' }]);
    expect((await step([HELPED], { threshold: 0.8 })).of('target.distilled')).toHaveLength(0);
  });

  it('leaves a fresh answer that was cut short out of the loss', async () => {
    const cut = await step([[...HELPED, 'pass!']], { kd: { target: 'fresh' } });
    expect(cut.of('target.distilled')).toHaveLength(0);
    expect(cut.calls).toEqual(['train reflector']);
  });

  it('leaves a reflection whose retries could not be judged out of the update', async () => {
    const half = [...HELPED.slice(0, 8), 'infra', 'infra'];
    const { trained, of } = await step([half]);
    expect(trained[0]!.sequences.map(({ weight }) => weight)).toEqual([0.75]);
    expect(of('rollout.rewarded').find(({ rollout }) => rollout === '3/0/0.1')).toMatchObject({
      reward: null,
      inLoss: false,
    });
  });

  it('has no signal where nothing weighs anything; where retries could not be judged, neither do they', async () => {
    const even = ['fail', 'fail', 'fail', 'fail', ...reflections, 'fail', 'fail', 'infra', 'infra'];
    const { trained, of } = await step([SOLVED, even]);
    expect(trained).toHaveLength(0);
    expect(of('update.applied')[0]).toMatchObject({ noSignal: true, zeroSignal: 2, infra: 2 });
    expect(of('rollout.rewarded').find(({ rollout }) => rollout === '3/1/0.1')).toMatchObject({
      reward: null,
      weight: 0,
    });
  });
});
