import type { Page } from '@playwright/test';
import { expect, startRun, test } from './fixtures.ts';

const SETTINGS = { Steps: '3', 'Problems per step': '2', 'Group size G': '6' };
const INTERRUPTIONS = 10;

/** Lets the test destroy the devices that the session's worker opens, as a driver reset would. */
function watchDevices(page: Page): void {
  page.on('worker', (worker) => {
    worker
      .evaluate(() => {
        const devices: GPUDevice[] = [];
        (self as unknown as { devices: GPUDevice[] }).devices = devices;
        const request = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = async function (...args) {
          const device = await request.apply(this, args);
          devices.push(device);
          return device;
        };
      })
      .catch(() => undefined); // the tab was closed meanwhile, or it is a worker of the sandbox
  });
}

async function destroyDevices(page: Page): Promise<number> {
  let destroyed = 0;
  for (const worker of page.workers()) {
    destroyed += await worker
      .evaluate(() => {
        const devices = (self as unknown as { devices?: GPUDevice[] }).devices ?? [];
        for (const device of devices) device.destroy();
        return devices.splice(0).length;
      })
      .catch(() => 0);
  }
  return destroyed;
}

/** The finished run's adapter, or null while there is none. */
function adapter(page: Page, runId: string): Promise<number[] | null> {
  return page.evaluate(async (id) => {
    try {
      const root = await navigator.storage.getDirectory();
      const run = await (await root.getDirectoryHandle('runs')).getDirectoryHandle(id);
      const file = await (
        await run.getDirectoryHandle('adapter')
      ).getFileHandle('adapter_model.safetensors');
      return [...new Uint8Array(await (await file.getFile()).arrayBuffer())];
    } catch {
      return null;
    }
  }, runId);
}

const idOf = (page: Page): string =>
  decodeURIComponent(/#\/run\/([^/]+)/.exec(page.url())?.[1] ?? '');
const finished = (page: Page) => page.getByText(/Finished after step \d+/);

test(
  'a run that is cut off ten times, by closing the tab and by losing the device, ends in ' +
    'the bytes of one that is not',
  async ({ context }) => {
    test.setTimeout(900_000);
    const first = await context.newPage();
    await startRun(first, SETTINGS);
    await expect(finished(first)).toBeVisible({ timeout: 300_000 });
    const straight = await adapter(first, idOf(first));
    expect(straight?.length).toBeGreaterThan(1000);
    await first.close();

    let page = await context.newPage();
    watchDevices(page);
    await startRun(page, SETTINGS);
    let runId = idOf(page);
    const cuts = { tab: 0, device: 0 };
    let random = 7;
    const delay = () => (random = (random * 1103515245 + 12345) % 2 ** 31) % 7000;
    for (let cut = 0; cut < INTERRUPTIONS; cut++) {
      await page.waitForTimeout(500 + delay());
      if (await finished(page).isVisible()) {
        // Done before it was cut often enough: its bytes must be right, and another run takes the
        // remaining cuts.
        expect(await adapter(page, runId)).toEqual(straight);
        await startRun(page, SETTINGS);
        runId = idOf(page);
      }
      if (cut % 2 === 1 && (await destroyDevices(page)) > 0) {
        cuts.device += 1;
        // the session opens a new device by itself, or pauses after three losses without a step
        continue;
      }
      cuts.tab += 1;
      await page.close();
      page = await context.newPage();
      watchDevices(page);
      await page.goto(`/#/run/${runId}`);
      await page.getByRole('button', { name: 'Resume' }).click({ timeout: 60_000 });
    }
    test.info().annotations.push({ type: 'cuts', description: JSON.stringify(cuts) });
    await expect
      .poll(
        async () => {
          const resume = page.getByRole('button', { name: 'Resume' });
          if (await resume.isVisible().catch(() => false))
            await resume.click().catch(() => undefined);
          return finished(page).isVisible();
        },
        { timeout: 300_000 },
      )
      .toBe(true);
    expect(cuts.tab + cuts.device).toBe(INTERRUPTIONS);
    expect(cuts.device).toBeGreaterThan(0);
    expect(await adapter(page, runId)).toEqual(straight);
  },
);
