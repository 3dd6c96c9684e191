import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bySplit, mbppSplit, parseProblems } from './datasets.ts';
import { chooseProblems, problemsOfStep, refuseOverlap } from './order.ts';
import { allAsserts } from './problem.ts';

const SHARED = '../shared/data';
const shared = existsSync(SHARED);
if (!shared) console.log('Skipped: ../shared/data is missing, so MBPP itself was not read.');

describe('problem files', () => {
  it('reads the starter problems: three splits that do not meet, at least 3 shown and 5 hidden asserts each', () => {
    const problems = ['train', 'validation', 'test'].flatMap((split) =>
      parseProblems(readFileSync(`public/problems/starter-${split}.jsonl`, 'utf8'), split),
    );
    const sets = bySplit(problems);
    expect(sets.train.length + sets.val.length + sets.test.length).toBe(problems.length);
    for (const set of [sets.train, sets.val, sets.test])
      expect(set.length).toBeGreaterThanOrEqual(100);
    refuseOverlap(sets);
    for (const problem of problems) {
      expect(problem.shown.length).toBeGreaterThanOrEqual(3);
      expect(problem.hidden.length).toBeGreaterThanOrEqual(5);
      expect(allAsserts(problem).slice(0, 3)).toEqual(problem.shown.slice(0, 3));
    }
  });

  it.skipIf(!shared)('reads all 974 MBPP problems and splits them 266 / 51 / 500', () => {
    const problems = parseProblems(readFileSync(`${SHARED}/mbpp/mbpp.jsonl`, 'utf8'), 'mbpp.jsonl');
    expect(problems).toHaveLength(974);
    const { train, val, test } = bySplit(problems);
    expect([train.length, val.length, test.length]).toEqual([266, 51, 500]);
    expect(problems.filter((p) => p.setupAfterSolution).map((p) => p.id)).toEqual([
      'mbpp/367',
      'mbpp/927',
    ]);
  });

  it.skipIf(!shared)('keeps every task of MBPP+ out of train and validation', () => {
    const plus = gunzipSync(readFileSync(`${SHARED}/evalplus/MbppPlus-v0.2.0.jsonl.gz`))
      .toString()
      .trim()
      .split('\n');
    for (const line of plus) {
      // not JSON throughout: some inputs are -Infinity
      const id = Number(/"task_id": ?"Mbpp\/(\d+)"/.exec(line)![1]);
      expect(['test', null]).toContain(mbppSplit(id));
    }
  });

  it.skipIf(!shared)('reads MBPP sanitized with its imports as setup', () => {
    const problems = parseProblems(
      readFileSync(`${SHARED}/mbpp/sanitized-mbpp.json`, 'utf8'),
      'sanitized',
    );
    expect(problems).toHaveLength(427);
    expect(problems.find((p) => p.setup !== '')?.setup).toMatch(/^import /);
  });

  it('reads what other tools write: a byte order mark, nulls, ids as text, carriage returns, extra fields', () => {
    const line = {
      task_id: 'Mbpp/367',
      text: 'Add one.',
      code: 'def f(x): return x + 1',
      test_list: ['assert f(1) == 2'],
      test_setup_code: null,
      test_imports: null,
      challenge_test_list: null,
      note: 'x',
    };
    const [problem] = parseProblems(`\uFEFF${JSON.stringify(line)}\r\n\r\n`, 'x.jsonl');
    expect(problem).toMatchObject({
      id: 'mbpp/367',
      setup: '',
      setupAfterSolution: true,
      split: 'test',
    });
  });

  it("takes a check with a variable called inputs for HumanEval's, and EvalPlus' script for what it is", () => {
    const line = (test: string) =>
      JSON.stringify({
        task_id: 'X/1',
        prompt: 'def f(x):\n',
        entry_point: 'f',
        canonical_solution: '    return x',
        test,
      });
    const check =
      'def check(candidate):\n    inputs = [1, 2]\n    for x in inputs:\n        assert candidate(x) == x';
    expect(parseProblems(line(check), 'x.jsonl')).toHaveLength(1);
    expect(() =>
      parseProblems(
        line('inputs = [[1]]\nresults = [1]\nassertion(f(*inputs[0]), results[0], 0)'),
        'x.jsonl',
      ),
    ).toThrow(/EvalPlus/);
  });

  it('refuses a line without tests, a broken line, a repeated id and an empty file, each with a sentence', () => {
    const line = (over: object) =>
      JSON.stringify({
        task_id: 1,
        text: 'Add.',
        code: 'def f(): pass',
        test_list: ['assert f()'],
        ...over,
      });
    expect(() => parseProblems(line({ test_list: [] }), 'a.jsonl')).toThrow(
      /a\.jsonl, line 1, has no tests/,
    );
    expect(() => parseProblems(line({ test_list: undefined }), 'a.jsonl')).toThrow(
      /line 1, is no programming problem: test_list/,
    );
    expect(() => parseProblems(`${line({})}\n{"task`, 'a.jsonl')).toThrow(/line 2, is not JSON/);
    expect(() => parseProblems(`${line({})}\n${line({})}`, 'a.jsonl')).toThrow(
      /line 2, repeats the id mbpp\/1/,
    );
    expect(() => parseProblems(line({ text: undefined }), 'a.jsonl')).toThrow(
      /neither "text" nor "prompt"/,
    );
    expect(() => parseProblems('\n', 'a.jsonl')).toThrow(/holds no problems/);
  });
});

describe('order of problems', () => {
  const split = Array.from({ length: 7 }, (_, i) => ({
    id: `p${i}`,
    text: '',
    setup: '',
    setupAfterSolution: false,
    shown: [],
    hidden: [],
    reference: '',
  }));

  it('passes through every problem once an epoch, in an order of (seed, epoch) alone', () => {
    const ids = (seed: number, steps: number) =>
      Array.from({ length: steps }, (_, s) => problemsOfStep(split, seed, s + 1, 3)).flatMap(
        ({ problems }) => problems.map((p) => p.id),
      );
    const places = ids(1, 14); // 42 places: 6 epochs of 7
    for (let epoch = 0; epoch < 6; epoch++)
      expect(new Set(places.slice(7 * epoch, 7 * epoch + 7)).size).toBe(7);
    expect(places.slice(0, 7)).not.toEqual(places.slice(7, 14));
    expect(ids(1, 14)).toEqual(places);
    expect(ids(2, 14)).not.toEqual(places);
    // without the steps before
    expect(problemsOfStep(split, 1, 9, 3).problems.map((p) => p.id)).toEqual(places.slice(24, 27));
    expect(problemsOfStep(split, 1, 4, 3).epoch).toBe(1);
  });

  it('chooses a seeded part of a split, and says how many there are when more are asked for', () => {
    const chosen = chooseProblems(split, 3, 1, 'test');
    expect(chosen).toEqual(chooseProblems(split, 3, 1, 'test'));
    expect(new Set(chosen.map((p) => p.id)).size).toBe(3);
    expect(chooseProblems(split, 7, 1, 'test')).toEqual(split);
    expect(() => chooseProblems(split, 8, 1, 'test')).toThrow(
      /8 test problems were asked for, and the data set has 7/,
    );
  });
});
