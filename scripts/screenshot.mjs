// Makes docs/images/inspector.png from the real page: starts a run with the preset as shipped, waits
// for some updates, opens a completion that passed and takes the picture.
// node scripts/screenshot.mjs [updates] [light|dark]
import { chromium } from '@playwright/test';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bin, findBrowser, root } from './set-up.mjs';

const updates = Number(process.argv[2] ?? 12);
const colorScheme = process.argv[3] === 'dark' ? 'dark' : 'light';
const url = 'http://127.0.0.1:5299/';

const server = spawn(
  process.execPath,
  [bin('vite', 'bin/vite.js'), '--host', '127.0.0.1', '--port', '5299', '--strictPort'],
  {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  },
);

async function serverIsUp() {
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(url).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`Nothing answered at ${url}: is the port taken?`);
}

let browser;
try {
  await serverIsUp();
  browser = await chromium.launch({
    executablePath: await findBrowser(),
    args: [
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme });
  await page.goto(url);
  await page.getByRole('button', { name: 'Start training' }).click();
  await page
    .locator('[data-curve="reward"] figcaption', { hasText: new RegExp(`step ${updates}\\b`) })
    .waitFor({ timeout: 1_800_000 });
  mkdirSync(join(root, 'docs/images'), { recursive: true });
  await page.getByRole('radio', { name: 'Pass', exact: true }).check({ force: true });
  await page.locator('[data-rollout]').first().click();
  await page.getByRole('radio', { name: 'Advantage' }).check({ force: true });
  await page.getByText('Group deviation').waitFor();
  await page.screenshot({ path: join(root, 'docs/images/inspector.png') });
} finally {
  await browser?.close();
  server.kill();
}
