import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poolSize } from '../pool.ts';
import type { Difference, PythonRunner } from '../python-sandbox.ts';
import type { Handling, Program } from '../sandbox.ts';
import { createNodeSandbox } from './node-sandbox.ts';

let sandbox: PythonRunner;
beforeAll(() => void (sandbox = createNodeSandbox({ workers: 1, recheck: 0 })));
afterAll(() => sandbox.close());

const program = (solution: string, more: Partial<Program> = {}): Program => ({
  solution,
  asserts: ['assert f(3) == 4'],
  setup: '',
  setupAfterSolution: false,
  timeoutSeconds: 30,
  ...more,
});
const GOOD = 'def f(x): return x + 1';
const LOOP = 'def f(x):\n  while True: pass';
const grade = (solution: string, how: Handling = {}, more: Partial<Program> = {}) =>
  sandbox.grade(program(solution, more), how);

describe('the pool', () => {
  it('leaves a core to the rest and has at most four guests at work', () => {
    expect([1, 2, 3, 5, 64].map(poolSize)).toEqual([1, 1, 2, 4, 4]);
  });

  it('sets a hanging program aside for those who wait, and tries it again when they are done', async () => {
    const order: string[] = [];
    const hanging = grade(LOOP, {}, { timeoutSeconds: 1.5 }).then(
      (verdict) => (order.push('hanging'), verdict),
    );
    const others = await Promise.all(
      Array.from({ length: 20 }, () =>
        grade(GOOD).then((verdict) => (order.push('good'), verdict)),
      ),
    );
    expect(others.every((verdict) => verdict.status === 'pass')).toBe(true);
    expect(await hanging).toMatchObject({ status: 'timeout', retried: true });
    expect(order.at(-1)).toBe('hanging');
  });

  it('gives a program that was only slow its verdict in the second try', async () => {
    const slow = 'import time\ndef f(x):\n  time.sleep(1.5)\n  return x + 1';
    const verdicts = await Promise.all([
      grade(slow, {}, { timeoutSeconds: 20 }),
      ...Array.from({ length: 5 }, () => grade(GOOD)),
    ]);
    expect(verdicts.map((verdict) => verdict.status)).toEqual(Array(6).fill('pass'));
  });

  it('serves callers in turn', async () => {
    const order: string[] = [];
    const ask = (caller: string) => grade(GOOD, { caller }).then(() => order.push(caller));
    await Promise.all([...Array.from({ length: 12 }, () => ask('many')), ask('one')]);
    expect(order.indexOf('one')).toBeLessThan(4);
  });

  it('gives a fresh guest to who asks for one', async () => {
    await Promise.all(Array.from({ length: 3 }, () => grade(GOOD, { fresh: true })));
    // The last guest is given back after its verdict is out.
    await expect.poll(() => sandbox.stats().recycled['it was for one program']).toBe(3);
  });

  it('calls a waiting program off', async () => {
    const calls = new AbortController();
    const waiting = Array.from({ length: 3 }, () => grade(GOOD, { signal: calls.signal }));
    calls.abort(new Error('stop'));
    for (const result of await Promise.allSettled(waiting)) expect(result.status).toBe('rejected');
    expect((await grade(GOOD)).status).toBe('pass');
  });
});

describe('passes on used guests', () => {
  const differences: Difference[] = [];
  let checked: PythonRunner;
  beforeAll(() => {
    const onDifference = (difference: Difference): void => void differences.push(difference);
    checked = createNodeSandbox({ workers: 1, recheck: 1, onDifference });
  });
  afterAll(() => checked.close());

  it('are run again on fresh ones as often as asked, and found equal', async () => {
    for (let i = 0; i < 3; i++) expect((await checked.grade(program(GOOD))).status).toBe('pass');
    // The first ran on a guest that had run nothing before.
    expect(checked.stats()).toMatchObject({ rechecked: 2, differed: 0 });
    expect(differences).toEqual([]);
  });

  it('where the two differ the fresh one is believed, the pool renewed and the difference told', async () => {
    // Stands for a leak: the clock is the one thing that no restore sets back.
    const until = Date.now() / 1000 + 6;
    const leaky = `
import time
def f(x):
  early = time.time() < ${until}
  while time.time() < ${until}: pass
  return x + 1 if early else 0`;
    expect((await checked.grade(program(leaky))).status).toBe('fail');
    expect(differences.map(({ used, fresh }) => [used.status, fresh.status])).toEqual([
      ['pass', 'fail'],
    ]);
    expect(checked.stats()).toMatchObject({ rechecked: 3, differed: 1 });
    expect(checked.stats().recycled['the pool was renewed']).toBeGreaterThanOrEqual(1);
  });
});

describe('limits', () => {
  it('an assert has its own, and the verdicts before it are kept', async () => {
    const verdict = await grade(
      'def f(x):\n  while x > 3: pass\n  return x + 1',
      {},
      {
        asserts: ['assert f(3) == 4', 'assert f(4) == 5'],
        assertSeconds: [60, 0.5],
        timeoutSeconds: 120,
      },
    );
    expect(verdict.asserts.map((assert) => assert.status)).toEqual(['pass', 'timeout']);
  });
});
