import { rmSync } from 'node:fs';
import type { BrowserContext, Page } from '@playwright/test';
import { browserWith, expect, test } from '../../e2e/fixtures.ts';

/*
 * Checkpoints of true size in IndexedDB: those of a LoRA of rank 16 on a 1.5B model, 12 bytes a
 * parameter. The browser is killed in the middle of writing one, at times spread over what a write
 * takes; then the room runs out. Prints one JSON line.
 */
const PARAMETERS = 18_464_768;
const KILLS = 6;
const MIB = 2 ** 20;

/**
 * Checkpoint `step` of run `big`: its state says which it is. In the page, on the storage layer as
 * it is served.
 */
const save = (page: Page, step: number) =>
  page.evaluate(
    async ([step, parameters]) => {
      const path = '/src/storage/browser/checkpoints.ts';
      const { IndexedDbCheckpoints } = (await import(
        /* @vite-ignore */ path
      )) as typeof import('../../src/storage/browser/checkpoints.ts');
      const state = new Uint8Array(12 * parameters);
      for (let at = 0; at < state.length; at += 65_536)
        crypto.getRandomValues(state.subarray(at, at + 65_536));
      const from = performance.now();
      try {
        const bytes = await new IndexedDbCheckpoints('true-size').save('big', {
          version: 1,
          step,
          log: { events: 1, eventBytes: 1, tokenBytes: 1 },
          state: { step },
          adapters: { student: state },
        });
        return { bytes, seconds: (performance.now() - from) / 1000, error: null };
      } catch (error) {
        return {
          bytes: 0,
          seconds: (performance.now() - from) / 1000,
          error: (error as Error).message,
        };
      }
    },
    [step, PARAMETERS] as const,
  );

/**
 * The step of the checkpoint that is found, what reading it takes, and the bytes that are kept in
 * all.
 */
const load = (page: Page) =>
  page.evaluate(async () => {
    const path = '/src/storage/browser/checkpoints.ts';
    const { IndexedDbCheckpoints } = (await import(
      /* @vite-ignore */ path
    )) as typeof import('../../src/storage/browser/checkpoints.ts');
    const checkpoints = new IndexedDbCheckpoints('true-size');
    const from = performance.now();
    const found = await checkpoints.load('big', {
      eventBytes: 1,
      tokenBytes: 1,
      eventsUpTo: async () => new Uint8Array(),
    });
    const read = performance.now();
    const kept = await checkpoints.bytes('big');
    return {
      step: found.checkpoint?.step ?? null,
      seconds: (read - from) / 1000,
      kept,
      counting: (performance.now() - read) / 1000,
    };
  });

/** As a power cut would end it. */
async function kill(context: BrowserContext): Promise<void> {
  const session = await context.browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const ended = new Promise((resolve) => context.on('close', resolve));
  for (const { id, type } of processInfo) if (type === 'browser') process.kill(id, 'SIGKILL');
  await ended;
}

test('of a checkpoint of true size the last whole one outlives a kill and a full disk', async ({}, info) => {
  const profile = info.outputPath('profile');
  const open = async () => {
    const context = await browserWith(profile, { webgpu: false });
    const page = await context.newPage();
    await page.goto('/');
    return { context, page };
  };
  let { context, page } = await open();
  const first = await save(page, 1);
  const second = await save(page, 2);
  expect([first.error, second.error]).toEqual([null, null]);
  expect(await load(page)).toMatchObject({ step: 2 });

  const found: { after: number; step: number | null }[] = [];
  let whole = 2;
  for (let i = 0; i < KILLS; i++) {
    const after = second.seconds * 1000 * (0.2 + i / KILLS);
    const saving = save(page, 10 + i).catch(() => null);
    await page.waitForTimeout(1500 + after); // drawing the random state comes first
    await kill(context);
    await saving;
    ({ context, page } = await open());
    const { step } = await load(page);
    found.push({ after: Math.round(after), step });
    expect([whole, 10 + i]).toContain(step);
    whole = step ?? whole;
  }

  const origin = new URL(page.url()).origin;
  const session = await context.newCDPSession(page);
  const { usage } = await session.send('Storage.getUsageAndQuota', { origin });
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + 100 * MIB });
  const full = await save(page, 98);
  const kept = await load(page);
  expect(full.error).toMatch(/^[^.]+\..*$/);
  expect(kept.step).toBe(whole);
  await session.send('Storage.overrideQuotaForOrigin', { origin });
  const after = await save(page, 99);
  expect(await load(page)).toMatchObject({ step: 99 });
  console.log(
    JSON.stringify({
      mib: Math.round(first.bytes / MIB),
      first,
      second,
      found,
      usage: Math.round(usage / MIB),
      full,
      kept,
      after,
    }),
  );
  await context.close();
  rmSync(profile, { recursive: true, force: true });
});
