import { describe, expect, it } from 'vitest';
import fixture from '../../tools/nano/fixtures/feedback.json' with { type: 'json' };
import type { Verdict } from '../schema/verdict.ts';
import { attemptPart, feedbackOf, nanoFeedback, nanoLines, visibleAsserts } from './feedback.ts';
import { nanoRefinementPrompt, nanoReflectionPrompt, nanoRetryPrompt } from './nano-prompt.ts';
import type { Problem } from './problem.ts';

const problem: Problem = {
  id: 'p',
  text: 'Add one.',
  setup: '',
  setupAfterSolution: false,
  shown: ['assert f(1) == 2', 'assert f(2) == 3'],
  hidden: ['assert f(777) == 778'],
  reference: '',
};
const code = 'def f(x):\n  return [0][x]';
const verdict: Verdict = {
  status: 'fail',
  asserts: [
    { status: 'fail', source: 'assert f(1) == 2', actual: '5', expected: '2' },
    { status: 'error', source: 'assert f(2) == 3', expected: '3' },
    { status: 'fail', source: 'assert f(777) == 778', actual: '7', expected: '778' },
  ],
  error: { type: 'IndexError', message: 'list index out of range', lines: [2] },
  stdout: 'called with 777\n',
  ms: 1,
};
const prompt = (
  over: Partial<Problem> = {},
  changed: Partial<Verdict> = {},
  mode: 'all' | 'all-but-one' = 'all',
) =>
  attemptPart(
    { problem: { ...problem, ...over }, code, verdict: { ...verdict, ...changed } },
    mode,
    10,
  );

describe('feedback', () => {
  it("is the text that nano's pre-training saw, character for character", () => {
    expect(fixture.length).toBeGreaterThan(3);
    for (const { results, error, output, text, refinement, reflection, retry } of fixture) {
      expect(nanoLines(results, error, output)).toBe(text);
      const tried = 'def f(x):\n    return x\n';
      expect(nanoRefinementPrompt('Add one.', tried, text)).toBe(refinement);
      expect(nanoReflectionPrompt('Add one.', tried, text)).toBe(reflection);
      expect(nanoRetryPrompt('Add one.', tried, text, ' It forgets the 1.\n')).toBe(retry);
    }
    expect(nanoFeedback(feedbackOf(problem, verdict, 'all'))).toBe(
      'FAIL: assert f(1) == 2 -> got 5\nFAIL: assert f(2) == 3 -> IndexError\nError: IndexError: ' +
        'list index out of range (line 2)',
    );
  });

  it('has the parts of the refinement prompt in their order for chat models', () => {
    expect(prompt({ hidden: [] }))
      .toBe(`The following code attempt failed to solve the problem correctly:
Original Problem: Add one.
assert f(1) == 2
assert f(2) == 3
Failed Code:
\`\`\`python
def f(x):
  return [0][x]
\`\`\`
Execution Result:
FAIL: assert f(1) == 2 -> got 5 (expected 2)
FAIL: assert f(2) == 3 -> IndexError (expected 3)
Error: IndexError: list index out of range
  line 2: return [0][x]
Execution Trace:
called with 777`);
  });

  it('shows nothing of hidden asserts: not their source, values, errors or what their calls printed', () => {
    for (const text of [prompt(), nanoFeedback(feedbackOf(problem, verdict, 'all'))])
      expect(text).not.toContain('77');
    const asserts = verdict.asserts.map((assert, i) =>
      i < 2 ? { ...assert, status: 'pass' as const } : { ...assert, status: 'error' as const },
    );
    const error = { type: 'ValueError', message: 'bad 777', lines: [1] };
    const text = prompt({}, { asserts, error });
    expect(text).not.toContain('77');
    expect(text).toContain('FAIL: a test that is not shown here');
  });

  it('holds one shown assert back where it is to', () => {
    expect(visibleAsserts(problem, 'all-but-one')).toEqual(['assert f(1) == 2']);
    expect(prompt({}, {}, 'all-but-one')).not.toContain('f(2)');
    expect(prompt({}, {}, 'all-but-one')).not.toContain('IndexError');
  });

  it('says of a timeout which limit it was and what is likely', () => {
    const asserts = verdict.asserts.map((assert) => ({
      status: 'timeout' as const,
      source: assert.source,
    }));
    const text = prompt({}, { status: 'timeout', asserts, error: undefined });
    expect(text).toContain('FAIL: assert f(1) == 2 -> no answer in time');
    expect(text).toContain(
      'Error: stopped after 10 s without an answer: probably an infinite loop, or far too slow',
    );
  });
});
