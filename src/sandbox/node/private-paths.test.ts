import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { SandboxHost } from '../booter.ts';
import { createPythonSandbox, type PythonRunner, type SandboxOptions } from '../python-sandbox.ts';
import { CLEAN, SECRET } from '../testing/hostile.ts';
import { nodeHost } from './node-sandbox.ts';

let sandbox: PythonRunner | null = null;
afterEach(() => sandbox?.close());

function open(
  options: Partial<SandboxOptions> = {},
  host: SandboxHost = nodeHost(true),
): PythonRunner {
  sandbox = createPythonSandbox(host, { workers: 1, recheck: 0, ...options });
  return sandbox;
}
const grade = (solution: string) =>
  (sandbox as PythonRunner).grade({
    solution,
    asserts: [SECRET],
    setup: '',
    setupAfterSolution: false,
    timeoutSeconds: 60,
  });
const LEAKS = 'import builtins\nbuiltins.memo = 48611\ndef f(x): return 1';
const ENDLESS = `
from functools import lru_cache
@lru_cache(None)
def f(x): return 1 + f(x + 1)`;
const SORTED = 'def f(x): return sorted([x, 1], key=f)';

describe('private paths of Pyodide', () => {
  it('are those of one pinned version', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: { pyodide: string };
    };
    const installed = JSON.parse(readFileSync('node_modules/pyodide/package.json', 'utf8')) as {
      version: string;
    };
    expect(manifest.dependencies.pyodide).toBe(installed.version);
  });

  it('are all taken: snapshot, heap restore and stack guard', async () => {
    await open().ready();
    expect((await grade(LEAKS)).status).toBe('fail');
    expect((await grade(CLEAN)).status).toBe('pass');
    // The guard turns it into an error; the guest lives on.
    expect(await grade(SORTED)).toMatchObject({
      status: 'error',
      error: { type: 'RecursionError' },
    });
    expect((await grade(ENDLESS)).status).toBe('error');
    const { paths, recycled, programs } = (sandbox as PythonRunner).stats();
    expect([...paths].sort()).toEqual(['restore', 'snapshot', 'stackGuard']);
    expect({ recycled, programs }).toEqual({ recycled: {}, programs: 5 });
  });
});

describe('their fallbacks', () => {
  it('without a snapshot guests boot cold and judge alike', async () => {
    open({ without: ['snapshot'] });
    expect((await grade(LEAKS)).status).toBe('fail');
    expect((await grade(CLEAN)).status).toBe('pass');
    expect((sandbox as PythonRunner).stats().paths).not.toContain('snapshot');
  });

  it('a kept image that does not boot is given up, and another is made', async () => {
    const host = nodeHost(false);
    let kept = 0;
    const image = new Uint8Array(32 * 1024 * 1024).fill(7);
    open({}, { ...host, image, keepImage: (made) => (kept = made.length) });
    expect((await grade(CLEAN)).status).toBe('pass');
    expect(kept).toBeGreaterThan(1_000_000);
  });

  it('without heap restore every program gets a fresh guest', async () => {
    open({ without: ['restore'] });
    expect((await grade(LEAKS)).status).toBe('fail');
    expect((await grade(CLEAN)).status).toBe('pass');
    expect((await grade(CLEAN)).status).toBe('pass');
    const { paths, recycled } = (sandbox as PythonRunner).stats();
    expect(paths).not.toContain('restore');
    expect(recycled['its memory cannot be set back']).toBeGreaterThanOrEqual(2);
  });

  it('without the stack guard deep recursion costs a guest and nothing else', async () => {
    open({ without: ['stackGuard'] });
    expect(['crash', 'error']).toContain((await grade(ENDLESS)).status);
    expect((await grade(CLEAN)).status).toBe('pass');
    expect((sandbox as PythonRunner).stats().paths).not.toContain('stackGuard');
  });
});
