import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { feedbackOf, longFeedback } from '../data/feedback.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';

const page = fileURLToPath(new URL('../../docs/methods.md', import.meta.url));
const BEGIN = '<!-- feedback: written by src/eval/feedback-table.test.ts -->';
const END = '<!-- end of feedback -->';

interface Failure {
  readonly what: string;
  readonly program: string;
  readonly tests: readonly string[];
  readonly setup?: string;
  readonly seconds?: number;
}

/** One of each kind of failure. */
const FAILURES: readonly Failure[] = [
  {
    what: 'A wrong value',
    program: 'def f(x):\n    return x * 2',
    tests: ['assert f(2) == 4', 'assert f(3) == 9'],
  },
  {
    what: 'A long value: shown around the first difference',
    program: 'def f(n):\n    return list(range(n))',
    tests: ['assert f(200) == list(range(150)) + [0] * 50'],
  },
  {
    what: 'Two different errors',
    program: 'def pick(d, key):\n    return d[key]',
    tests: ["assert pick({'a': 1}, 'b') == 0", "assert pick(None, 'a') == 0"],
  },
  {
    what: 'A deep traceback, in a program with blank lines before it',
    program: '\n\ndef f(n):\n    return 1 // n if n == 0 else f(n - 1)',
    tests: ['assert f(2) == 1'],
  },
  {
    what: 'A program that does not parse',
    program: 'def f(x):\n    return (x',
    tests: ['assert f(1) == 1', 'assert f(2) == 2'],
  },
  {
    what: 'The function is missing',
    program: 'def g(x):\n    return x',
    tests: ['assert f(1) == 1'],
  },
  {
    what: 'No answer in time, after some output',
    program: 'def f(x):\n    print("at", x)\n    while x < 0:\n        pass\n    return x',
    tests: ['assert f(1) == 1', 'assert f(-1) == 1', 'assert f(2) == 2'],
    seconds: 1,
  },
  {
    what: 'A test of several asserts',
    program: 'def f(xs):\n    xs.sort()\n    return xs',
    tests: ['xs = [2, 1]\nassert f(xs) == [1, 2]\nassert xs == [2, 1]'],
  },
  {
    what: 'A test that ends before its last assert',
    program: 'def f(x):\n    return 1 // x',
    tests: ['a = f(1)\nassert a == 1\nb = f(0)\nassert b == 0\nassert f(2) == 0'],
  },
  {
    what: 'A test judged beside the program',
    program: 'def f(xs):\n    return xs',
    tests: ['xs = [1]\nassert f(xs) is not xs'],
  },
  {
    what: 'A test that is no Python',
    program: 'def f(x):\n    return x',
    tests: ['assert f([1) == 1'],
  },
  {
    what: 'A set-up that raises',
    program: 'def f(x):\n    return x',
    tests: ['assert f(1) == 1'],
    setup: 'table = {}["missing"]',
  },
];

let sandbox: PythonSandbox;
beforeAll(async () => {
  sandbox = createNodeSandbox({ workers: 1 });
  await sandbox.ready();
}, 120_000);
afterAll(() => sandbox.close());

async function section({
  what,
  program,
  tests,
  setup = '',
  seconds = 20,
}: Failure): Promise<string> {
  const shared = { setup, setupAfterSolution: false };
  const verdict = await sandbox.grade({
    ...shared,
    solution: program,
    asserts: tests,
    timeoutSeconds: seconds,
  });
  const problem = { ...shared, id: 'x', text: '', shown: tests, hidden: [], reference: '' };
  const told = longFeedback(feedbackOf(problem, verdict, 'all'), program, seconds);
  return `${what}:\n\n\`\`\`text\n${program.trim()}\n\n${told}\n\`\`\``;
}

describe('what a model is told', () => {
  it('of each kind of failure is what docs/methods.md says (AFTERTHOUGHT_WRITE=1 writes it)', async () => {
    const sections: string[] = [];
    for (const failure of FAILURES) sections.push(await section(failure));
    const block = [BEGIN, ...sections, END].join('\n\n');
    const text = readFileSync(page, 'utf8');
    const [from, to] = [text.indexOf(BEGIN), text.indexOf(END) + END.length];
    expect(from, 'docs/methods.md has a place for it').toBeGreaterThan(0);
    if (process.env['AFTERTHOUGHT_WRITE'] === '1')
      writeFileSync(page, text.slice(0, from) + block + text.slice(to));
    else expect(text.slice(from, to)).toBe(block);
  }, 120_000);
});
