import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PythonRunner } from '../python-sandbox.ts';
import { baited, CLEAN, HOSTILE, SECRET, type Bait } from '../testing/hostile.ts';
import { createNodeSandbox } from './node-sandbox.ts';

const full = process.env['AFTERTHOUGHT_FULL'] === '1';
const chosen = HOSTILE.filter((snippet) => full || snippet.slow !== true);

// One TCP server hears them all: HTTP and WebSocket begin with a connection too.
let connections = 0;
const server = createServer((socket) => {
  connections += 1;
  socket.destroy();
});
const folder = mkdtempSync(join(tmpdir(), 'afterthought-canary-'));
const canary = join(folder, 'canary');
let sandbox: PythonRunner;
let bait: Bait;

beforeAll(async () => {
  writeFileSync(canary, 'canary');
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  bait = { port: (server.address() as AddressInfo).port, canary };
  sandbox = createNodeSandbox({ workers: 1, recheck: 0 });
  await sandbox.ready();
}, 120_000);
afterAll(async () => {
  await sandbox.close();
  server.close();
  rmSync(folder, { recursive: true });
});

const grade = (solution: string, asserts: readonly string[], timeoutSeconds = 20) =>
  sandbox.grade({ solution, asserts, setup: '', setupAfterSolution: false, timeoutSeconds });

describe(full ? 'hostile programs, all of them' : 'hostile programs, some of each class', () => {
  it('there are at least eighty of them, each under its own name', () => {
    expect(HOSTILE.length).toBeGreaterThanOrEqual(80);
    expect(new Set(HOSTILE.map((snippet) => snippet.name)).size).toBe(HOSTILE.length);
  });

  it.each(chosen.map((snippet) => [snippet.name, snippet] as const))(
    '%s: the expected verdict, and the next program is judged rightly',
    async (_name, snippet) => {
      const { solution, asserts = [SECRET], timeoutSeconds } = baited(snippet, bait);
      const verdict = await grade(solution, asserts, timeoutSeconds);
      const clean = await grade(CLEAN, [SECRET]);
      expect(snippet.expect, JSON.stringify(verdict).slice(0, 600)).toContain(verdict.status);
      expect(clean.status, JSON.stringify(clean).slice(0, 600)).toBe('pass');
    },
    90_000,
  );

  it('none of them connected to the listening server, and the file is as it was', () => {
    expect(connections).toBe(0);
    expect(readFileSync(canary, 'utf8')).toBe('canary');
    expect(statSync(canary).nlink).toBe(1);
  });
});
