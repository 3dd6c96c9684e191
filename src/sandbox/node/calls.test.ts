import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Call } from '../calls.ts';
import type { PythonRunner } from '../python-sandbox.ts';
import { render } from '../render.ts';
import type { WireValue } from '../value.ts';
import { createNodeSandbox } from './node-sandbox.ts';

let sandbox: PythonRunner;
beforeAll(async () => {
  sandbox = createNodeSandbox({ workers: 1 });
  await sandbox.ready();
}, 120_000);
afterAll(() => sandbox.close());

const call = (args: readonly WireValue[], more: Partial<Call> = {}): Call => ({
  function: 'f',
  args,
  nodes: 20_000,
  text: 100_000,
  ...more,
});
const run = (solution: string, calls: readonly Call[], timeoutSeconds = 60) =>
  sandbox.call({ solution, setup: '', setupAfterSolution: false, timeoutSeconds, calls });
const shown = (result: Awaited<ReturnType<typeof run>>['results'][number]) =>
  'value' in result ? render(result.value, 1000) : result.error.type;

describe('calls of a function', () => {
  it('hand plain values in and out, each anew, in one interpreter', async () => {
    const values: WireValue[] = [
      ['l', [['i', '0x1'], ['f', '1.0'], ['f', 'nan'], ['f', '-inf'], ['b', 1], ['n'], ['e']]],
      [
        't',
        [
          ['s', 'é\n"'],
          ['y', '00ff'],
          ['Y', '61'],
          ['c', '1.5', '-2.0'],
        ],
      ],
      [
        'd',
        [
          [
            ['s', 'a'],
            ['S', [['i', '-0x2']]],
          ],
          [
            ['i', '0x3'],
            ['F', []],
          ],
        ],
      ],
      ['r', '0x0', '0x5', '0x2'],
      ['i', `0x${'f'.repeat(40)}`],
    ];
    const { status, results } = await run(
      'seen = []\ndef f(*args):\n  seen.append(1)\n  return args if len(seen) % 2 else seen',
      [call(values), call([]), call(values)],
    );
    expect(status).toBe('done');
    const same =
      "([1, 1.0, nan, -inf, True, None, Ellipsis], ('é\\n\"', b'\\x00\\xff', bytearray(b'a'), " +
      "(1.5-2j)), {'a': {-2}, 3: frozenset()}, range(0, 5, 2), " +
      '1461501637330902918203684832716283019655932542975)';
    expect(results.map(shown)).toEqual([same, '[1, 1]', same]);
  });

  it('end with what went wrong: a load, a missing function, a limit, a death', async () => {
    expect(await run('1 / 0', [call([])])).toMatchObject({
      status: 'error',
      error: { type: 'ZeroDivisionError' },
      results: [],
    });
    const missing = await run('x = 1', [call([])]);
    expect([missing.status, ...missing.results.map(shown)]).toEqual(['done', 'NameError']);
    const slow = await run('def f(n):\n  while n: pass\n  return n', [
      call([['i', '0x0']]),
      call([['i', '0x1']], { seconds: 1 }),
    ]);
    expect(slow).toMatchObject({ status: 'timeout', retried: true });
    expect(slow.results.map(shown)).toEqual(['0']);
    const dead = await run('import os\ndef f(): os._exit(0)', [call([]), call([])]);
    expect([dead.status, dead.results.length]).toEqual(['crash', 0]);
  });

  it('are answered one by one, however much they return: what is on its way is not late', async () => {
    // Three answers of two megabytes each stop the pipe; the calls after them take longer than the
    // limit of each.
    const program = 'import time\ndef f(n):\n  if n: return "x" * n\n  time.sleep(0.5)\n  return n';
    const large = call([['i', '0x200000']], { seconds: 3, text: 4_000_000 });
    const slow = call([['i', '0x0']], { seconds: 3 });
    const { status, results, retried } = await run(program, [
      ...Array<Call>(3).fill(large),
      ...Array<Call>(10).fill(slow),
    ]);
    expect([status, results.length, retried]).toEqual(['done', 13, undefined]);
  });
});
