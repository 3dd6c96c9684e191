import { afterAll, expect, it } from 'vitest';
import type { Problem } from '../data/problem.ts';
import type { CodeFormat } from '../data/prompts.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import { extractCode } from './extract.ts';
import { graderOf } from './grade.ts';

/* Completions that are made to kill, stall or confuse what looks for a program in them. */

const sandbox = createNodeSandbox({ workers: 1, recheck: 0 });
const grade = graderOf(sandbox);
afterAll(() => sandbox.close());

const problem: Problem = {
  id: 'p/1',
  text: '',
  setup: '',
  setupAfterSolution: false,
  shown: ['assert f(3) == 4'],
  hidden: [],
  reference: '',
};
const judged = (text: string, format: CodeFormat) =>
  grade(problem, text, { format, timeoutSeconds: 5 });
const times = (count: number, text: string) => text.repeat(count);
const GOOD = 'def f(x):\n    return x + 1';

const TEXTS: Record<string, string> = {
  'nine hundred characters of open brackets': times(180, 'x = (') + '\n' + GOOD,
  'brackets in brackets': 'x = ' + times(20_000, '[') + times(20_000, ']') + '\n' + GOOD,
  'a sum of twenty thousand terms': 'x = ' + times(20_000, '1+') + '1\n' + GOOD,
  'unary operators': 'x = ' + times(20_000, '-') + '1\n' + GOOD,
  'not not not': 'x = ' + times(10_000, 'not ') + '1\n' + GOOD,
  'lambdas in lambdas': 'x = ' + times(5_000, 'lambda: ') + '1\n' + GOOD,
  'a chain of attributes': 'x = a' + times(20_000, '.a') + '\n' + GOOD,
  'a chain of calls': 'x = a' + times(15_000, '()') + '\n' + GOOD,
  'conditionals in conditionals': 'x = ' + times(4_000, '1 if 1 else ') + '1\n' + GOOD,
  'f-strings in f-strings': 'x = ' + times(300, "f'{") + '1' + times(300, "}'") + '\n' + GOOD,
  'dictionaries in dictionaries':
    'x = ' + times(9_000, '{1:') + '1' + times(9_000, '}') + '\n' + GOOD,
  'blocks in blocks': Array.from({ length: 120 }, (_, i) => ' '.repeat(i) + 'if 1:').join('\n'),
  'a pattern in patterns':
    'match x:\n case ' + times(5_000, '[') + times(5_000, ']') + ': pass\n' + GOOD,
  'a decorator of brackets': '@' + times(5_000, '(') + '\n' + GOOD,
  'a power that folds': 'x = 2 ** 10 ** 8 ** 3\n' + GOOD,
  'a string that folds': "x = 'a' * 10 ** 9\n" + GOOD,
  'a number of a hundred thousand digits': 'x = ' + times(100_000, '7') + '\n' + GOOD,
  'a million lines': times(1_000_000, 'x\n'),
  'lines that almost parse': times(400, 'def g(:\n') + GOOD,
  'null bytes': 'x = 1\0\0\0\n' + GOOD,
  'lone surrogates': 'x = "\ud800"\n' + GOOD,
  'an encoding that is none': '# -*- coding: rot13 -*-\n' + GOOD,
  'carriage returns alone': GOOD.replaceAll('\n', '\r'),
  'form feeds': '\f\f\f' + GOOD,
  'backslashes to the end': times(5_000, '\\\n'),
  'quotes without an end': times(3_000, '"""\n'),
};

it.each(Object.entries(TEXTS))(
  '%s: judged, never left out, and the next completion is judged rightly',
  async (_, text) => {
    for (const format of ['fenced', 'sanitized'] as const) {
      const { verdict } = await judged(text, format);
      expect(verdict.status, JSON.stringify(verdict).slice(0, 500)).not.toBe('infra');
      const next = await judged(`Here is my answer.\n${GOOD}`, format);
      expect(next.verdict.status, JSON.stringify(next.verdict).slice(0, 500)).toBe('pass');
    }
  },
);

it('a text that kills the parser says so, and holds up no other completion', async () => {
  const [bad, good] = await Promise.all([
    judged(TEXTS['a sum of twenty thousand terms']!.replace(GOOD, ''), 'fenced'),
    judged('```python\n' + GOOD + '\n```', 'fenced'),
  ]);
  expect(good.verdict.status).toBe('pass');
  expect(bad.verdict.status).toBe('no-code');
});

it('fences are found in time linear in the text', () => {
  const size = 2_000_000;
  for (const text of [
    '```\n' + ' '.repeat(size),
    '```\n' + ' \n'.repeat(size / 2),
    '`'.repeat(size),
    '```x`\n'.repeat(size / 6),
    '```'.repeat(size / 3) + '\n',
    '<code>'.repeat(size / 6),
  ])
    for (const format of ['fenced', 'tagged'] as const) extractCode(text, format);
  expect(extractCode('````python\nx\n````', 'fenced')).toBe('x');
  expect(extractCode('a ``b`` c\n```py\nx = 1  \n\t ```', 'fenced')).toBe('x = 1  ');
});
