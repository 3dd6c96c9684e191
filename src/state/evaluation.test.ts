import { describe, expect, it } from 'vitest';
import {
  ALL_PROBLEMS,
  extendEvaluation,
  foldEvaluation,
  nextProblem,
  outcomeCounts,
  problemsShown,
  sampleToOpen,
  secondsToJudge,
} from './evaluation.ts';
import { formatRoute, parseRoute } from './route.ts';
import { evaluationLog } from './testing/evaluation.ts';

const LOG = evaluationLog({
  'set/a': ['pass', 'fail'],
  'set/b': ['timeout', 'no-code'],
  'set/c': ['pass', 'infra'],
});
const whole = foldEvaluation('e', LOG);

describe('the view of an evaluation', () => {
  it('is the same wherever the log was cut, and what is seen twice counts once', () => {
    for (let cut = 0; cut <= LOG.length; cut++) {
      const first = foldEvaluation('e', LOG.slice(0, cut));
      expect(extendEvaluation(first, LOG.slice(Math.max(0, cut - 2)))).toEqual(whole);
    }
    expect(extendEvaluation(foldEvaluation('e', LOG.slice(0, 2)), LOG.slice(3))).toBeNull();
  });

  it('counts timeouts, crashes and the sandbox’s failures apart from fails', () => {
    expect(outcomeCounts(whole)).toEqual({
      pass: 2,
      fail: 2,
      timeout: 1,
      crash: 0,
      infra: 1,
      waiting: 0,
    });
    expect(outcomeCounts(foldEvaluation('e', LOG.slice(0, 2)))).toMatchObject({
      pass: 1,
      fail: 0,
      waiting: 5,
    });
  });

  it('knows the time left from the answers so far', () => {
    expect(secondsToJudge(foldEvaluation('e', LOG.slice(0, 1)))).toBeNull();
    expect(secondsToJudge(foldEvaluation('e', LOG.slice(0, 3)))).toBe(4);
  });

  it('leaves problems alone that nothing came for', () => {
    const before = foldEvaluation('e', LOG.slice(0, 2));
    const after = extendEvaluation(before, LOG.slice(2, 3));
    expect(after?.problems[0]).not.toBe(before.problems[0]);
    expect(after?.problems[1]).toBe(before.problems[1]);
  });
});

describe('the problem table', () => {
  const ids = (filter: Partial<typeof ALL_PROBLEMS>) =>
    problemsShown(whole, { ...ALL_PROBLEMS, ...filter }).map(({ id }) => id);

  it('shows problems with an answer of the outcome, and with the text in id or task', () => {
    expect(ids({})).toEqual(['set/a', 'set/b', 'set/c']);
    expect(ids({ outcome: 'fail' })).toEqual(['set/a', 'set/b']);
    expect(ids({ outcome: 'infra' })).toEqual(['set/c']);
    expect(ids({ find: ' SET/B ' })).toEqual(['set/b']);
    expect(ids({ outcome: 'pass', find: 'task set/c' })).toEqual(['set/c']);
  });

  it('opens the answer that the filter is about, else the first that did not pass', () => {
    const [a, b] = whole.problems;
    expect([
      sampleToOpen(a!, 'all'),
      sampleToOpen(a!, 'pass'),
      sampleToOpen(b!, 'fail'),
      sampleToOpen(b!, 'timeout'),
    ]).toEqual([1, 0, 1, 0]);
  });

  it('steps from problem to problem, and into the list where the filter hides the present one', () => {
    const shown = problemsShown(whole, { outcome: 'fail', find: '' });
    expect(nextProblem(shown, 'set/a', 1)?.id).toBe('set/b');
    expect(nextProblem(shown, 'set/b', 1)).toBeNull();
    expect(nextProblem(shown, 'set/c', 1)?.id).toBe('set/a');
    expect(nextProblem(shown, 'set/c', -1)?.id).toBe('set/b');
  });

  it('is in the address, as is the answer that is looked at', () => {
    for (const hash of [
      '#/evaluate',
      '#/evaluate/20260101',
      '#/evaluate/20260101?show=fail&find=a+b',
      '#/evaluate/2026/set/a/1?show=timeout',
    ]) {
      expect(formatRoute(parseRoute(hash))).toBe(hash);
    }
    expect(parseRoute('#/evaluate/2026/set/a/1')).toMatchObject({
      screen: 'answer',
      id: '2026',
      problem: 'set/a',
      sample: 1,
    });
    expect(parseRoute('#/evaluate/2026/set')).toMatchObject({ screen: 'unknown' });
  });
});
