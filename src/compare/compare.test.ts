import { describe, expect, it } from 'vitest';
import { mcnemarExact } from '../lib/stats.ts';
import { compareRuns, type ComparedArm } from './compare.ts';
import { recordOf } from './record.ts';
import { runLog, type Answers, type RunOf } from './testing/runs.ts';
import { GRPO_1, GRPO_2, SRRL, SRRL_1, SRRL_2, many } from './testing/two-seeds.ts';

const compare = (...runs: readonly RunOf[]) =>
  compareRuns(runs.map((run) => recordOf(runLog(run))!));
const arm = (name: string, comparison = twoSeeds): ComparedArm =>
  comparison.arms.find((one) => one.name === name)!;

// Two seeds whose test problems overlap in p2.
const twoSeeds = compare(GRPO_1, SRRL_1, GRPO_2, SRRL_2);

describe('methods over seeds', () => {
  it('are arms of their runs, with the means of what a run took', () => {
    expect(twoSeeds.arms.map(({ name, seeds, runs }) => [name, seeds, runs])).toEqual([
      ['grpo', [1, 2], ['g1', 'g2']],
      ['srrl', [1, 2], ['s1', 's2']],
    ]);
    expect(arm('grpo')).toMatchObject({
      steps: 1,
      tokens: { prompt: 10, generated: 42 },
      wall_s: 0.004,
      rescue: null,
    });
    expect(arm('srrl').rescue).toEqual({ failed: 8, rescued: 4, rate: 0.5 });
  });

  it('have rates that are means over problems of the means over the seeds that have the problem', () => {
    // By hand: p1 0 → 1; p2 0 → 0 and 0 → 1; p3 1 → 0.
    expect(arm('grpo').greedy).toMatchObject({
      problems: 3,
      before: { rate: 1 / 3 },
      after: { rate: 0.5 },
    });
    expect(arm('grpo').greedy!.gain.difference).toBeCloseTo((1 + 0.5 - 1) / 3, 12);
    // Two samples each: p1 0 → 1/2; p2 0 → 0 and 0 → 1; p3 1 → 1/2.
    expect(arm('grpo').sampled).toMatchObject({
      samples: 2,
      before: { rate: 1 / 3 },
      after: { rate: 0.5 },
    });
    expect(arm('grpo').sampled!.by_seed).toEqual([
      { seed: 1, problems: 2, before: 0, after: 0.25 },
      { seed: 2, problems: 2, before: 0.5, after: 0.75 },
    ]);
  });

  it('name the answers that flipped either way, and test them within each seed only', () => {
    expect(arm('grpo').greedy).toMatchObject({
      gained: [
        { seed: 1, problem: 'p1' },
        { seed: 2, problem: 'p2' },
      ],
      lost: [{ seed: 2, problem: 'p3' }],
      mcnemar: [
        { seed: 1, gained: 1, lost: 0, p: mcnemarExact(1, 0) },
        { seed: 2, gained: 1, lost: 1, p: 1 },
      ],
    });
  });

  it('differ from grpo by the gains on the same problems of the same seeds', () => {
    expect(twoSeeds.reference).toBe('grpo');
    expect(arm('grpo').difference).toBeNull();
    // By hand: p1 1 − 1; p2 1 − 0 and 1 − 1; p3 0 − (−1).
    const { greedy, sampled } = arm('srrl').difference!;
    expect(greedy!.difference).toBeCloseTo((0 + 0.5 + 1) / 3, 12);
    expect(greedy!.by_seed).toEqual([
      { seed: 1, difference: 0.5 },
      { seed: 2, difference: 0.5 },
    ]);
    // p1 1 − 1/2; p2 1/2 − 0 and 1 − 1; p3 0 − (−1/2).
    expect(sampled!.difference).toBeCloseTo((0.5 + 0.25 + 0.5) / 3, 12);
    expect(greedy!.p_holm).toBeGreaterThanOrEqual(greedy!.p);
    // After training only srrl has p2 of seed 1 and p3 of seed 2.
    expect(greedy).toMatchObject({
      gained: [
        { seed: 1, problem: 'p2' },
        { seed: 2, problem: 'p3' },
      ],
      lost: [],
      mcnemar: [
        { seed: 1, gained: 1, lost: 0, p: 1 },
        { seed: 2, gained: 1, lost: 0, p: 1 },
      ],
    });
  });

  it('are labelled under 100 distinct problems', () => {
    expect(twoSeeds.problems).toBe(3);
    expect(twoSeeds.label).toMatch(/^demonstration, not evidence: with 3 problems/);
    expect(compare(many('a', {}, 120, 0), many('b', SRRL, 120, 0)).label).toBeNull();
    expect(compare(GRPO_1, GRPO_2).label).toMatch(/with 3 problems/); // one arm, no difference
  });

  it('are labelled by the difference that rests on the fewest problems, not by all that were asked', () => {
    // 120 problems, but srrl has seed 2 only, whose 2 problems are all that pairs it.
    const { problems, label } = compare(
      many('g1', {}, 120, 0),
      GRPO_2,
      many('r', { method: 'rft' }, 120, 0),
      SRRL_2,
    );
    expect(problems).toBe(120);
    expect(label).toMatch(/with 2 problems/);
  });
});

/** A run over `problems` problems of which one in three is gained, and `more` in ten besides. */
describe('the p-values', () => {
  it.each([
    [5, 0, 30],
    [4, 0, 30],
    [9, 2, 100],
  ])(
    'of one greedy answer a problem are exact McNemar: %i gained, %i lost of %i',
    (gained, lost, problems) => {
      const run = (
        runId: string,
        config: RunOf['config'],
        passes: (i: number) => boolean,
      ): RunOf => ({
        runId,
        ...(config && { config }),
        samples: 0,
        answers: Object.fromEntries(
          Array.from({ length: problems }, (_, i): [string, Answers] => [
            `p${i}`,
            [[0, passes(i) ? 1 : 0]],
          ]),
        ),
      });
      const both = compare(
        run('g', {}, (i) => i >= gained && i < gained + lost),
        run('s', SRRL, (i) => i < gained),
      );
      const { greedy } = arm('srrl', both).difference!;
      expect(greedy!.difference).toBeCloseTo((gained - lost) / problems, 12);
      expect(greedy!.p).toBeCloseTo(mcnemarExact(gained, lost), 12);
      expect(greedy!.mcnemar).toMatchObject([{ gained, lost }]);
    },
  );

  it('count a problem of several seeds once', () => {
    // Six problems gained in each of two seeds: 2 / 2^6, not 2 / 2^12.
    const answers = (after: 0 | 1) =>
      Object.fromEntries(
        Array.from({ length: 6 }, (_, i): [string, Answers] => [`p${i}`, [[0, after]]]),
      );
    const runs = [1, 2].flatMap((seed): RunOf[] => [
      { runId: `g${seed}`, config: { seed }, samples: 0, answers: answers(0) },
      { runId: `s${seed}`, config: { ...SRRL, seed }, samples: 0, answers: answers(1) },
    ]);
    expect(arm('srrl', compare(...runs)).difference!.greedy!.p).toBe(2 / 2 ** 6);
  });

  it('show a difference that is there, and Holm makes more of them larger', () => {
    const two = compare(many('g', {}, 100, 0), many('s', SRRL, 100, 3));
    const found = arm('srrl', two).difference!.sampled!;
    expect(found.difference).toBeCloseTo(0.2, 12);
    expect(found.ci95[0]).toBeGreaterThan(0.1);
    expect(found.p).toBeLessThan(0.001);
    const control = (method: 'rft' | 'random-reward') => many(method, { method }, 100, 0);
    const four = compare(
      many('g', {}, 100, 0),
      many('s', SRRL, 100, 3),
      control('rft'),
      control('random-reward'),
    );
    expect(arm('srrl', four).difference!.sampled!.p).toBe(found.p);
    // greedy and sampled
    expect(arm('srrl', two).difference!.sampled!.p_holm).toBeCloseTo(2 * found.p, 12);
    expect(arm('srrl', four).difference!.sampled!.p_holm).toBeCloseTo(6 * found.p, 12);
    expect(arm('rft', four).difference!.sampled).toMatchObject({
      difference: 0,
      ci95: [0, 0],
      p: 1,
      p_holm: 1,
    });
  });
});

describe('a single answer that nobody judged', () => {
  it('takes its problem out of what needs it, before and after alike', () => {
    const blind: RunOf = {
      runId: 'g',
      answers: {
        p1: [
          [null, 1],
          [0, 1],
        ],
        p2: [
          [0, 1],
          [0, 1],
        ],
      },
    };
    const seeing: RunOf = {
      runId: 's',
      config: SRRL,
      answers: {
        p1: [
          [0, 1],
          [0, 1],
        ],
        p2: [
          [0, 0],
          [0, 1],
        ],
      },
    };
    const both = compare(blind, seeing);
    expect(arm('grpo', both).greedy).toMatchObject({ problems: 1, after: { rate: 1 } });
    expect(arm('srrl', both).greedy).toMatchObject({ problems: 2, after: { rate: 0.5 } });
    expect(arm('srrl', both).difference!.greedy).toMatchObject({ problems: 1, difference: -1 });
    expect(arm('grpo', both).sampled!.problems).toBe(2);
  });

  it('is left out of its problem’s share of passes, where the log says how many were judged', () => {
    const lossy: RunOf = {
      runId: 'g',
      samples: 4,
      answers: {
        p1: [
          [0, 0],
          [1, 1],
          [4, 2],
        ],
        p2: [
          [0, 0],
          [1, 1],
        ],
      },
    };
    const whole: RunOf = {
      ...lossy,
      runId: 's',
      config: SRRL,
      answers: {
        p1: [
          [0, 0],
          [1, 1],
        ],
        p2: [
          [0, 0],
          [1, 1],
        ],
      },
    };
    const both = compare(lossy, whole);
    // p1 1/4 → 1/2, p2, of a log that does not say, 1/4 → 1/4.
    expect(arm('grpo', both).sampled).toMatchObject({
      before: { rate: 1 / 4 },
      after: { rate: 3 / 8 },
    });
    expect(arm('srrl', both).difference!.sampled!.difference).toBeCloseTo(-1 / 8, 12);
  });

  it('leaves no sampled figures where there were no samples', () => {
    const none = (run: RunOf): RunOf => ({ ...run, samples: 0, answers: { p: [[0, 1]] } });
    const both = compare(none(GRPO_1), none(SRRL_1));
    expect(arm('srrl', both)).toMatchObject({ sampled: null, difference: { sampled: null } });
  });
});

it('warns of a difference that its interval shows and a seed contradicts', () => {
  const worse = {
    ...many('s2', { ...SRRL, seed: 2 }, 4, 0),
    answers: {
      q: [
        [0, 0],
        [0, 0],
      ],
    },
  } as RunOf;
  const better = {
    ...many('g2', { seed: 2 }, 4, 0),
    answers: {
      q: [
        [0, 1],
        [0, 2],
      ],
    },
  } as RunOf;
  const { notes } = compare(many('g', {}, 100, 0), many('s', SRRL, 100, 3), better, worse);
  expect(notes).toEqual([
    'The greedy difference of srrl has the other sign in seed 2: runs differ more than the ' +
      'interval, which is over problems, says.',
    'The sampled difference of srrl has the other sign in seed 2: runs differ more than the ' +
      'interval, which is over problems, says.',
  ]);
});
