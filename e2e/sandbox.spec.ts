import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import { build } from 'vite';
import type { Program } from '../src/sandbox/sandbox.ts';
import { baited, CLEAN, HOSTILE, SECRET } from '../src/sandbox/testing/hostile.ts';
import { GOOD_TEXT, HOSTILE_TEXTS } from '../src/sandbox/testing/hostile-texts.ts';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures.ts';

// The built page, served below a path as any static host may do it, without a single special
// header.
const BASE = '/some/where/';
const out = resolve('test-results/sandbox-page');
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const requests: string[] = [];
let server: Server;
// Hears HTTP, WebSocket and raw TCP alike: all begin with a connection.
let connections = 0;
const listener = createTcpServer((socket) => {
  connections += 1;
  socket.destroy();
});

test.beforeAll(async () => {
  test.setTimeout(240_000);
  await build({
    logLevel: 'error',
    build: {
      outDir: out,
      emptyOutDir: true,
      copyPublicDir: false,
      sourcemap: false,
      rollupOptions: { input: resolve('e2e/sandbox-page.html') },
    },
  });
  server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    requests.push(path);
    readFile(join(out, path.startsWith(BASE) ? path.slice(BASE.length) : 'missing')).then(
      (body) =>
        response
          .setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream')
          .end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
});
test.afterAll(() => {
  server.close();
  listener.close();
});

test('the built page judges programs below any path, refuses what is hostile and stays alive', async ({
  page,
}) => {
  test.setTimeout(1_800_000);
  const { port } = server.address() as AddressInfo;
  await page.goto(`http://127.0.0.1:${port}${BASE}e2e/sandbox-page.html`);
  await page.waitForFunction(() => window.grade !== undefined);
  const grade = (solution: string, asserts: readonly string[], timeoutSeconds = 20) =>
    page.evaluate((program: Program) => window.grade?.(program), {
      solution,
      asserts,
      setup: '',
      setupAfterSolution: false,
      timeoutSeconds,
    });

  const first = await grade(
    'def f(x):\n  return x + 1',
    ['assert f(1) == 2', 'assert f(2) == 4', 'assert abs(f(0.5) - 1.5) < 1e-9'],
    60,
  );
  expect(first?.asserts.map((a) => a.status)).toEqual(['pass', 'fail', 'pass']);
  expect(first?.asserts[1]).toMatchObject({ actual: '3', expected: '4' });

  const before = requests.length;
  const full = process.env['AFTERTHOUGHT_FULL'] === '1';
  const bait = { port: (listener.address() as AddressInfo).port, canary: resolve('package.json') };
  const outside =
    /js|JavaScript|socket|TCP|HTTP|connection|worker|storage|parked|run_js|constructor|file|memory/i;
  for (const hostile of HOSTILE.filter(
    (h) => full || (outside.test(h.name) && h.timeoutSeconds === undefined),
  )) {
    const snippet = baited(hostile, bait);
    const verdict = await grade(
      snippet.solution,
      snippet.asserts ?? [SECRET],
      snippet.timeoutSeconds,
    );
    expect
      .soft(snippet.expect, `${snippet.name}: ${JSON.stringify(verdict).slice(0, 400)}`)
      .toContain(verdict?.status);
    const clean = await grade(CLEAN, [SECRET]);
    expect
      .soft(clean?.status, `after ${snippet.name}: ${JSON.stringify(clean).slice(0, 400)}`)
      .toBe('pass');
  }
  expect(requests.slice(before)).toEqual([]);
  expect(connections).toBe(0);
  expect(await page.evaluate(() => document.querySelectorAll('iframe').length)).toBe(1);
});

/** Two ways for the frame to go, without a word either time. */
const LOSSES: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  removed: (page) => page.evaluate(() => document.querySelector('iframe')?.remove()),
  'whose renderer is killed': async (page) => {
    const frame = page.frames().find((candidate) => candidate !== page.mainFrame());
    if (frame === undefined) throw new Error('The page has no frame.');
    // An opaque origin has a process of its own, which the page outlives.
    const renderer = await page.context().newCDPSession(frame);
    renderer.send('Page.crash').catch(() => undefined);
  },
};

for (const [how, lose] of Object.entries(LOSSES)) {
  test(`a frame ${how} is replaced, and programs go on`, async ({ page }) => {
    test.setTimeout(240_000);
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}${BASE}e2e/sandbox-page.html`);
    await page.waitForFunction(() => window.grade !== undefined);
    // The page tells the server: to its driver a page with a dead frame is a dead page.
    const before = requests.length;
    await page.evaluate(async () => {
      const grade = async (solution: string): Promise<void> => {
        const program = {
          solution,
          asserts: ['assert f() == 1'],
          setup: '',
          setupAfterSolution: false,
          timeoutSeconds: 120,
        };
        await fetch(`./verdict-${(await window.grade?.(program))?.status}`);
      };
      await grade('def f(): return 1');
      // One is at work when the frame goes: it is run again in the next.
      void grade('import time\ndef f():\n  time.sleep(4)\n  return 1').then(() =>
        grade('def f(): return 1'),
      );
    });
    await page.waitForTimeout(1000);
    await lose(page);
    const verdicts = () => requests.slice(before).map((path) => path.split('/').at(-1));
    await expect
      .poll(verdicts, { timeout: 200_000 })
      .toEqual(['verdict-pass', 'verdict-pass', 'verdict-pass']);
  });
}

test('texts made to kill or stall the search for a program are charged in the page too', async ({
  page,
}) => {
  test.setTimeout(900_000);
  const { port } = server.address() as AddressInfo;
  await page.goto(`http://127.0.0.1:${port}${BASE}e2e/sandbox-page.html`);
  await page.waitForFunction(() => window.judge !== undefined);
  const judge = (completion: string, format: 'fenced' | 'sanitized') =>
    page.evaluate(([text, how]) => window.judge?.(text, how), [completion, format] as const);
  for (const format of ['fenced', 'sanitized'] as const) {
    for (const [name, text] of Object.entries(HOSTILE_TEXTS))
      expect((await judge(text, format))?.status, `${name}, ${format}`).not.toBe('infra');
    expect((await judge(`My answer.\n${GOOD_TEXT}`, format))?.status).toBe('pass');
  }
});
