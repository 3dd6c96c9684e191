import { describe, expect, it } from 'vitest';
import { armsOf, settingsTable } from './arms.ts';
import { compareRuns } from './compare.ts';
import { comparisonCsv, csv } from './csv.ts';
import { recordOf } from './record.ts';
import { runLog, type RunOf } from './testing/runs.ts';
import { GRPO_1, GRPO_2, SRRL_1, SRRL_2 } from './testing/two-seeds.ts';

const compare = (...runs: readonly RunOf[]) =>
  compareRuns(runs.map((run) => recordOf(runLog(run))!));
const twoSeeds = compare(GRPO_1, SRRL_1, GRPO_2, SRRL_2);

describe('arms', () => {
  it('of one method are told apart by the settings in which they differ', () => {
    const slow: RunOf = { ...GRPO_1, runId: 'slow', config: { learningRate: 1e-4 } };
    const [first, second] = compare(GRPO_1, slow, SRRL_1).arms.map(({ name }) => name);
    expect([first, second]).toEqual(['grpo (learningRate 0.001)', 'grpo (learningRate 0.0001)']);
  });

  it('have a table of what they were set to', () => {
    const slow: RunOf = { ...GRPO_1, runId: 'slow', config: { learningRate: 1e-4 } };
    const { arms } = armsOf([GRPO_1, slow, SRRL_1].map((run) => recordOf(runLog(run))!));
    expect(settingsTable(arms)).toEqual([
      { path: 'learningRate', values: ['0.001', '0.0001', '0.001'] },
      { path: 'method', values: ['grpo', 'grpo', 'srrl'] },
      {
        path: 'srrl',
        values: [
          'none',
          'none',
          'first 2, refinements 4, temperature 0.3, advantage pooled, lambda 1',
        ],
      },
    ]);
  });

  it('are a line over all seeds and one a seed in a CSV file', () => {
    const [head, all, first] = comparisonCsv(twoSeeds).split('\n');
    expect(head).toMatch(/^arm,seed,problems,decoding,before,before_low/);
    expect(all).toMatch(/^grpo,all,3,greedy,0\.333/);
    expect(first).toBe('grpo,1,2,greedy,0,,,0.5,,,0.5,,,,,,,');
    expect(csv(['a'], [['x "y", z']])).toBe('a\n"x ""y"", z"\n');
  });

  it('say what a reader must know: unequal tokens, seeds without a counterpart, runs that repeat another', () => {
    const dear: RunOf = {
      ...SRRL_1,
      update: { totals: { prompt: 20, generated: 80, trained: 0 } },
    };
    const { notes, arms } = compare(GRPO_1, GRPO_2, dear, { ...GRPO_1, runId: 'again' });
    expect(notes).toEqual([
      'Not at equal tokens: a run of srrl computed 100, one of grpo 52.',
      'Seed 2 takes no part in the difference of srrl and grpo: only one of the two has it.',
      'Run again is left out: another has the same settings and the same seed.',
    ]);
    expect(arms[0]!.runs).toEqual(['g1', 'g2']);
  });
});

describe('runs that do not compare', () => {
  const ANSWERS = GRPO_1.answers;
  const stopped: RunOf['rest'] = [
    {
      type: 'run.finished',
      step: 1,
      reason: 'stopped',
      totals: { prompt: 0, generated: 0, trained: 0 },
    },
  ];
  it.each<[string, RunOf[], RegExp]>([
    ['one alone', [GRPO_1], /needs two runs or more; 1 was given/],
    ['unfinished', [GRPO_1, { ...SRRL_1, rest: [] }], /Run s1 is not finished \(0 steps so far\)/],
    ['stopped', [GRPO_1, { ...SRRL_1, rest: stopped }], /Run s1 was stopped before its evaluation/],
    [
      'without tests',
      [GRPO_1, { ...SRRL_1, answers: {}, rest: stopped }],
      /Run s1 has no test problems/,
    ],
    [
      'of two data sets',
      [GRPO_1, { ...SRRL_1, config: { dataset: 'mbpp' } }],
      /data sets differ \(starter, mbpp\)/,
    ],
    [
      'of two models',
      [GRPO_1, { ...SRRL_1, config: { model: 'm' } }],
      /their models differ \(nano, m\)/,
    ],
    [
      'sampled otherwise',
      [GRPO_1, { ...SRRL_1, config: { evalTemperature: 0.2 } }],
      /temperatures of evaluation differ \(1, 0\.2\)/,
    ],
    [
      'with longer answers',
      [GRPO_1, { ...SRRL_1, config: { maxTokens: 64 } }],
      /their most tokens of an answer \(maxTokens\) differ \(32, 64\)/,
    ],
    [
      'with other prompts',
      [GRPO_1, { ...SRRL_1, config: { asserts: 'all-but-one' } }],
      /their asserts in a prompt \(asserts\) differ \(all, all-but-one\)/,
    ],
    [
      'of other problems',
      [GRPO_1, { ...SRRL_1, answers: { ...ANSWERS, p9: ANSWERS['p1']! } }],
      /Run g1 and Run s1 are not comparable: they have seed 1 in common and other test problems \(2 and 3, 2 of them in both\)/,
    ],
    [
      'of other seeds',
      [GRPO_1, SRRL_2],
      /srrl \(seed 2\) and grpo \(seed 1\) have no seed in common/,
    ],
  ])('are refused with a sentence: %s', (_, runs, sentence) => {
    expect(() => compare(...runs)).toThrow(sentence);
  });
});
