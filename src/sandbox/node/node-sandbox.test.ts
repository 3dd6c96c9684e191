import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Program } from '../sandbox.ts';
import type { PythonSandbox } from '../python-sandbox.ts';
import { createNodeSandbox } from './node-sandbox.ts';

let sandbox: PythonSandbox;
beforeAll(async () => {
  sandbox = createNodeSandbox({ workers: 1 });
  await sandbox.ready();
}, 120_000);
afterAll(() => sandbox.close());

const grade = (solution: string, asserts: readonly string[], more: Partial<Program> = {}) =>
  sandbox.grade({
    solution,
    asserts,
    setup: '',
    setupAfterSolution: false,
    timeoutSeconds: 20,
    ...more,
  });

describe('verdicts', () => {
  it('judges each assert by itself and renders actual and expected values', async () => {
    const verdict = await grade('def f(x):\n  print("hi")\n  return x + 1', [
      'assert f(1) == 2',
      'assert f(2) == 4',
      'assert f("a") == 3',
      'assert abs(f(0.5) - 1.5) < 1e-9',
    ]);
    expect(verdict.status).toBe('fail');
    expect(verdict.asserts.map((a) => a.status)).toEqual(['pass', 'fail', 'error', 'pass']);
    expect(verdict.asserts[1]).toMatchObject({
      source: 'assert f(2) == 4',
      actual: '3',
      expected: '4',
    });
    expect(verdict.error).toEqual({
      type: 'TypeError',
      message: 'can only concatenate str (not "int") to str',
      lines: [3],
    });
    expect(verdict.stdout).toBe('hi\nhi\nhi\nhi\n');
  });

  it('takes the status of the first assert that does not pass', async () => {
    expect(
      (
        await grade('def f(x): return [1][x]', [
          'assert f(0) == 1',
          'assert f(3) == 1',
          'assert f(0) == 2',
        ])
      ).status,
    ).toBe('error');
  });

  it('says where a program that does not load went wrong', async () => {
    const verdict = await grade('x = 1\ndef f(:\n  pass', ['assert f(1) == 2', 'assert f(2) == 3']);
    expect(verdict.asserts.map((a) => a.status)).toEqual(['error', 'error']);
    expect(verdict.error).toMatchObject({ type: 'SyntaxError', lines: [2] });
    const deep = await grade('def g(x):\n  return 1 / x\ndef f(x):\n  return g(x)', [
      'assert f(0) == 2',
    ]);
    expect(deep.error).toMatchObject({ type: 'ZeroDivisionError', lines: [4, 2] });
  });

  it('keeps the verdicts reached before a timeout', async () => {
    const verdict = await grade(
      'def f(x):\n  while x: pass\n  return 0',
      ['assert f(0) == 0', 'assert f(1) == 0', 'assert f(0) == 0'],
      {
        timeoutSeconds: 1,
      },
    );
    expect(verdict.status).toBe('timeout');
    expect(verdict.asserts.map((a) => a.status)).toEqual(['pass', 'timeout', 'timeout']);
  });

  it('runs setup before the solution, or after it where the data set says so', async () => {
    const solution = 'def f(x): return x * K';
    expect((await grade(solution, ['assert f(2) == 6'], { setup: 'K = 3' })).status).toBe('pass');
    const classes = 'class Node:\n  def __init__(self, v): self.v = v\ndef f(n): return n.v';
    const program = { setup: 'root = Node(5)', setupAfterSolution: true };
    expect((await grade(classes, ['assert f(root) == 5'], program)).status).toBe('pass');
    expect(
      (await grade(classes, ['assert f(root) == 5'], { ...program, setupAfterSolution: false }))
        .status,
    ).toBe('error');
  });

  it('asks a value that is not plain data for its truth and whether it is None, and for nothing else', async () => {
    const solution =
      'import re\ndef f(s): return re.match("a", s)\nclass E:\n  def __bool__(self): return False\n' +
      '  def __eq__(self, o): return True';
    const asserts = [
      'assert f("a")',
      'assert not f("b")',
      'assert f("a") is not None',
      'assert not E()',
      'assert E()',
    ];
    const verdict = await grade(solution, [
      ...asserts,
      'assert E() == 5',
      'assert E() is None',
      'assert f("a") != 5',
    ]);
    expect(verdict.asserts.map((a) => a.status)).toEqual([
      'pass',
      'pass',
      'pass',
      'pass',
      'fail',
      'fail',
      'fail',
      'fail',
    ]);
  });

  it('marks an assert that cannot be split, so that it never pays', async () => {
    const verdict = await grade('def f(x): return x', [
      'try:\n  assert f(1) == 1\nfinally:\n  pass',
      'try:\n  assert f(1) == 0\nfinally:\n  pass',
    ]);
    expect(verdict.asserts).toMatchObject([
      { status: 'pass', inProcess: true },
      { status: 'fail', inProcess: true },
    ]);
  });

  it('never counts a program without asserts as passed', async () => {
    expect((await grade('x = 1', [])).status).toBe('infra');
  });

  it('keeps 4 kB of output and the count of the rest', async () => {
    const { stdout } = await grade('print("x" * 10000)\ndef f(): return 1', ['assert f() == 1']);
    expect(stdout).toBe(`${'x'.repeat(4096)}\n… 10001 bytes in all`);
  });

  it('draws the same random numbers and hashes for every program', async () => {
    const source =
      'import random, os, uuid\ndef f(): return [random.random(), hash("a"), os.urandom(4), ' +
      'random.SystemRandom().random()]';
    const runs = [
      await grade(source, ['assert f() == 0']),
      await grade(source, ['assert f() == 0']),
    ];
    expect(runs[0]?.asserts[0]?.actual).toMatch(/^\[0\.\d+, -?\d+, b/);
    expect(runs[1]?.asserts[0]?.actual).toBe(runs[0]?.asserts[0]?.actual);
  });

  it('is called off by its signal, running or waiting, and goes on with others', async () => {
    const calls = new AbortController();
    const program = {
      setup: '',
      setupAfterSolution: false,
      timeoutSeconds: 60,
      asserts: ['assert f(1) == 1'],
    };
    const hanging = sandbox.grade(
      { ...program, solution: 'def f(x):\n  while True: pass' },
      calls.signal,
    );
    const waiting = sandbox.grade({ ...program, solution: 'def f(x): return 1' }, calls.signal);
    setTimeout(() => calls.abort(new Error('stop')), 300);
    await expect(hanging).rejects.toThrow('stop');
    await expect(waiting).rejects.toThrow('stop');
    expect((await grade('def f(x): return x', ['assert f(1) == 1'])).status).toBe('pass');
  }, 60_000);
});
