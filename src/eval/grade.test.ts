import { describe, expect, it } from 'vitest';
import type { Problem } from '../data/problem.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { graderOf, gradeSamples } from './grade.ts';

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
    program: () => Promise.resolve(null),
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
