import { afterAll, expect, it } from 'vitest';
import type { Problem } from '../data/problem.ts';
import type { CodeFormat } from '../data/prompts.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import { GOOD_TEXT, HOSTILE_TEXTS } from '../sandbox/testing/hostile-texts.ts';
import { graderOf } from './grade.ts';

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
it.each(Object.entries(HOSTILE_TEXTS))(
  '%s: judged, never left out, and the next completion is judged rightly',
  async (_, text) => {
    for (const format of ['fenced', 'sanitized'] as const) {
      const { verdict } = await judged(text, format);
      expect(verdict.status, JSON.stringify(verdict).slice(0, 500)).not.toBe('infra');
      const next = await judged(`Here is my answer.\n${GOOD_TEXT}`, format);
      expect(next.verdict.status, JSON.stringify(next.verdict).slice(0, 500)).toBe('pass');
    }
  },
);

it('a text that kills the parser says so, and holds up no other completion', async () => {
  const [bad, good] = await Promise.all([
    judged(HOSTILE_TEXTS['a sum of twenty thousand terms']!.replace(GOOD_TEXT, ''), 'fenced'),
    judged('```python\n' + GOOD_TEXT + '\n```', 'fenced'),
  ]);
  expect(good.verdict.status).toBe('pass');
  expect(bad.verdict.status).toBe('no-code');
});

it('fences and tags are looked for under a budget, however many there are', async () => {
  const size = 48_000;
  for (const text of [
    '```\n' + ' '.repeat(size),
    '```\n' + ' \n'.repeat(size / 2),
    '`'.repeat(size),
    '```x`\n'.repeat(size / 6),
    '```\n'.repeat(size / 4),
    '```'.repeat(size / 3) + '\n',
    '<code>'.repeat(size / 6),
    '<think>'.repeat(size / 7),
    '</think>'.repeat(size / 8),
    "'</think>\n".repeat(size / 10),
  ]) {
    const { verdict } = await judged(text, 'fenced');
    expect(verdict.status, text.slice(0, 20)).not.toBe('infra');
    expect(verdict.status, text.slice(0, 20)).not.toBe('pass');
  }
}, 120_000);
