import { describe, expect, it } from 'vitest';
import type { Problem } from '../data/problem.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { extractCode, findCode } from './extract.ts';
import { graderOf, gradeSamples } from './grade.ts';

describe('finding the program of a completion', () => {
  it.each([
    [
      'the first fenced block',
      'Text\n```python\ndef f():\n  pass\n```\n```\nother\n```',
      'def f():\n  pass',
    ],
    ['a block without language', '```\nx = 1\n```', 'x = 1'],
    ['a block that was cut off', '```python\ndef f():\n  retu', 'def f():\n  retu'],
    [
      '<code> where there is no fence',
      '<analysis>no</analysis><code>\nx = 1\n</code>',
      '\nx = 1\n',
    ],
    ['<code> that was cut off', '<code>x = 1', 'x = 1'],
    ['the fence inside <code>', '<code>```python\nx = 1\n```</code>', 'x = 1'],
  ])('takes %s', (_name, text, code) => {
    expect(extractCode(text, 'fenced')).toBe(code);
  });

  it('takes the tag before a block that the analysis quotes, where a tag was asked for', () => {
    const reply = '<analysis>It was\n```python\nbad()\n```\n</analysis><code>\ngood()\n</code>';
    expect(extractCode(reply, 'tagged')).toBe('\ngood()\n');
    expect(extractCode('<code>```python\ngood()\n```</code>', 'tagged')).toBe('good()');
    expect(extractCode('```python\nno_tag()\n```', 'tagged')).toBe('no_tag()');
  });

  it('takes the whole text of a plain completion, and nothing of an empty one', () => {
    expect(extractCode('def f(): pass', 'plain')).toBe('def f(): pass');
    expect(extractCode(' \n', 'plain')).toBeNull();
    expect(extractCode('```python\n\n```', 'fenced')).toBeNull();
  });

  it('asks Python only where neither fence nor tag is found', async () => {
    const asked: string[] = [];
    const parser = {
      longestParsable: (text: string) => (asked.push(text), Promise.resolve('found')),
      sanitize: () => Promise.resolve(' '),
    };
    expect(await findCode('prose\nx = 1', 'fenced', parser)).toBe('found');
    expect(await findCode('```\ny\n```', 'fenced', parser)).toBe('y');
    expect(await findCode('```python\n```', 'fenced', parser)).toBeNull();
    expect(await findCode('', 'plain', parser)).toBeNull();
    expect(asked).toEqual(['prose\nx = 1']);
    expect(await findCode('x = 1', 'sanitized', parser)).toBeNull();
  });
});

describe('grading samples', () => {
  const problem = (id: string): Problem => ({
    id,
    text: '',
    setup: '',
    setupAfterSolution: false,
    shown: ['assert f() == 1'],
    hidden: ['assert f() == 2'],
    reference: '',
  });
  const sandbox: PythonSandbox = {
    grade: async ({ solution, asserts }) => {
      await new Promise((resolve) => setTimeout(resolve, solution.length));
      return {
        status: 'fail',
        asserts: asserts.map((source) => ({ status: 'fail', source, actual: solution, ms: 3 })),
        stdout: 'hi',
        ms: 5,
      };
    },
    ready: () => Promise.resolve(),
    close: () => Promise.resolve(),
    longestParsable: () => Promise.resolve(null),
    sanitize: () => Promise.resolve(null),
    call: () => Promise.reject(new Error('asserts only')),
  };
  const grade = graderOf(sandbox);

  it("refuses a sample of another data set's task of the same number", async () => {
    const samples = [
      { task_id: 601, solution: 'x' },
      { task_id: 'HumanEval/601', solution: 'x' },
    ];
    await expect(gradeSamples([problem('mbpp/601')], samples, grade)).rejects.toThrow(
      'Sample 2 answers task HumanEval/601, which the data set does not have.',
    );
  });

  it(
    'gives one line a sample in their order, counts samples of a task, and takes ids with or ' +
      'without prefix',
    async () => {
      const samples = [
        { task_id: 'Mbpp/601', solution: 'long solution' },
        { task_id: 601, solution: 'short' },
        { task_id: 'mbpp/11', completion: 'no code at all' },
      ];
      const seen: number[] = [];
      const lines = await gradeSamples(
        [problem('mbpp/601'), problem('mbpp/11')],
        samples,
        grade,
        (_line, done) => seen.push(done),
      );
      expect(lines.map((l) => [l.task_id, l.sample, l.status, l.base, l.plus])).toEqual([
        ['Mbpp/601', 0, 'fail', 'fail', null],
        ['601', 1, 'fail', 'fail', null],
        ['mbpp/11', 0, 'no-code', 'no-code', null],
      ]);
      expect(lines[0]?.asserts).toEqual([
        { status: 'fail', source: 'assert f() == 1', actual: 'long solution' },
        { status: 'fail', source: 'assert f() == 2', actual: 'long solution' },
      ]);
      expect(seen).toEqual([1, 2, 3]);
    },
  );

  it('refuses a task the data set does not have and a sample with nothing in it', async () => {
    await expect(
      gradeSamples([problem('mbpp/1')], [{ task_id: 2, solution: 'x' }], grade),
    ).rejects.toThrow('Sample 1 answers task 2, which the data set does not have.');
    await expect(gradeSamples([problem('mbpp/1')], [{ task_id: 1 }], grade)).rejects.toThrow(
      /neither "solution" nor "completion"/,
    );
  });
});
