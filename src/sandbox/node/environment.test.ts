import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PythonRunner } from '../python-sandbox.ts';
import { createNodeSandbox } from './node-sandbox.ts';

let sandbox: PythonRunner;
beforeAll(async () => {
  sandbox = createNodeSandbox({ workers: 1, recheck: 0 });
  await sandbox.ready();
}, 120_000);
afterAll(() => sandbox.close());

const grade = (solution: string) =>
  sandbox.grade({
    solution,
    asserts: ['assert f() == 1'],
    setup: '',
    setupAfterSolution: false,
    timeoutSeconds: 30,
  });

/** Programs that pass in CPython 3.11. */
const WORK: Readonly<Record<string, string>> = {
  'a loop of asyncio that sleeps':
    'import asyncio\nasync def g():\n  await asyncio.sleep(0.01)\n  return 1\ndef f(): return asyncio.run(g())',
  'tasks that are gathered':
    'import asyncio\nasync def g(x): return x\nasync def h(): return sum(await asyncio.gather(g(0), g(1)))\ndef f(): return asyncio.run(h())',
  'bytes of the standard input':
    'import sys\nread = sys.stdin.buffer.read\ndef f(): return len(read()) + 1',
  'sys.maxsize as infinity': 'import sys\ndef f(): return min(sys.maxsize, 10**12) // 10**12',
  'four hundred and fifty levels of sorted, two calls each':
    'def g(n): return sorted([n], key=lambda k: g(n - 1))[0] if n else 0\ndef f():\n  g(450)\n  return 1',
  'nine hundred levels of a cache':
    'from functools import lru_cache\n@lru_cache(None)\ndef g(n): return g(n - 1) if n else 1\ndef f(): return g(900)',
};
it.each(Object.entries(WORK))('%s: as in CPython', async (_name, solution) => {
  expect(await grade(solution)).toMatchObject({ status: 'pass' });
});

/** What the sandbox lacks, and the sentence that says so. */
const LACKING: Readonly<Record<string, RegExp>> = {
  'import threading\nthreading.Thread(target=print).start()': /has no threads/,
  'from concurrent.futures import ThreadPoolExecutor as P\nlist(P().map(abs, [1]))':
    /has no threads/,
  'import subprocess\nsubprocess.run(["ls"])': /starts no processes/,
  'import os\nos.system("ls")': /has no processes/,
  'import socket\nsocket.socket()': /has no network/,
  'import tempfile\ntempfile.TemporaryFile()': /no folder to write to/,
  'from zoneinfo import ZoneInfo\nZoneInfo("Europe/Paris")': /no time zone database/,
  'import sqlite3': /no module _?sqlite3/,
  'import imp': /no module imp/,
  'len(range(10**12))': /32-bit/,
};
it.each(Object.entries(LACKING))('%s: named in the verdict', async (solution, sentence) => {
  const { status, error } = await grade(solution);
  expect([status, error?.type]).toEqual(['error', 'SandboxLimit']);
  expect(error?.message).toMatch(sentence);
});

it('a package that is not of the library, and a wrong program, are the program’s own errors', async () => {
  for (const solution of ['import numpy', 'raise RuntimeError("no")', 'open("missing")'])
    expect((await grade(solution)).error?.type).not.toBe('SandboxLimit');
});
