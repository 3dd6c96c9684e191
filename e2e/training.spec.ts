import type { Page } from '@playwright/test';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, startRun, test, updates } from './fixtures.ts';

/**
 * Small enough for a software adapter, large enough that a group can disagree; the first flow
 * evaluates.
 */
const SMALL = {
  Steps: '40',
  'Problems per step': '1',
  'Group size G': '6',
  'Test problems': '0',
};

const titleOf = (page: Page) =>
  page.getByRole('region', { name: 'Completion', exact: true }).getByRole('heading', { level: 2 });

test('one click starts a run with the preset as shipped, and the first update is applied', async ({
  page,
  complaints,
}) => {
  test.setTimeout(420_000); // a busy machine: how long it takes is printed, not judged
  const from = Date.now();
  await startRun(page, {});
  await updates(page, 1, 300_000);
  console.log(`Page load to first applied update: ${((Date.now() - from) / 1000).toFixed(1)} s.`);
  await expect(page.locator('[data-rollout]').first()).toBeVisible();
  expect(complaints).toEqual([]);
});

test('a completion opens with its verdict, its ledger and its tokens, and the address brings it back', async ({
  page,
}) => {
  await startRun(page, SMALL);
  await updates(page, 1);
  await page.locator('[data-rollout="1/0/0"]').click();
  await expect(page).toHaveURL(/\/rollout\/1\/0\/0/);
  await expect(page.getByTestId('verdict')).toBeVisible();
  await expect(page.getByTestId('ledger')).toContainText('Group mean');
  const tokens = page.getByTestId('tokens');
  await expect(tokens.locator('[data-hue]').first()).toBeVisible();

  await tokens.focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('#readout')).toContainText('Token 1 of');

  await page.keyboard.press('c');
  await expect(page).toHaveURL(/color=advantage/);
  await page.keyboard.press('j');
  await expect(page).toHaveURL(/\/rollout\/1\/0\/1\?color=advantage/);

  const title = await titleOf(page).textContent();
  await page.reload();
  await expect(titleOf(page)).toHaveText(title ?? '');
  await expect(page.getByTestId('verdict')).toBeVisible();
  await expect(page.getByRole('radio', { name: 'Advantage' })).toBeChecked();

  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/#\/run\/[^/]+$/);
});

test('a run that a reload cut off goes on from its last checkpoint', async ({ page }) => {
  await startRun(page, SMALL);
  await updates(page, 1);
  await page.reload();
  const sentence = page.getByText(/Resume continues from its last checkpoint, after step \d+/);
  const kept = Number(/after step (\d+)/.exec((await sentence.textContent()) ?? '')?.[1]);
  expect(kept).toBeGreaterThanOrEqual(1);
  await page.getByRole('button', { name: 'Resume' }).click();
  await updates(page, kept + 1);
  // Nothing was done twice: the table has one row a step.
  await page.getByText('The same as a table').click();
  const steps = await page
    .getByRole('region', { name: 'Values by step' })
    .getByRole('rowheader')
    .allTextContents();
  expect(steps.slice(0, kept + 1)).toEqual(
    Array.from({ length: kept + 1 }, (_, i) => String(i + 1)),
  );
});

const MBPP = '../shared/data/mbpp/mbpp.jsonl';

test('MBPP from its file is trained on, assert by assert, and what is no such file is one sentence', async ({
  page,
}) => {
  if (!existsSync(MBPP)) console.warn(`Skipped: ${MBPP} is missing.`);
  test.skip(
    !existsSync(MBPP),
    'MBPP is not part of the project; its file is looked for beside it.',
  );
  await page.goto('/');
  const file = page.getByRole('region', { name: 'Data', exact: true }).getByLabel('From a file');
  await file.setInputFiles('README.md');
  await expect(page.getByRole('alert').locator('p')).toContainText(
    /README\.md, line 1, is not JSON: .*\./,
  );
  await file.setInputFiles(MBPP);
  await expect(page).toHaveURL(/data=mbpp\.jsonl/);
  await expect(page.getByRole('combobox', { name: 'Data' })).toHaveValue('mbpp.jsonl');
  const short = {
    Steps: '2',
    'Problems per step': '1',
    'Group size G': '4',
    'Test problems': '0',
  };
  for (const [label, value] of Object.entries(short))
    await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.waitForURL(/#\/run\//, { timeout: 180_000 });
  await expect(page.getByText('Finished after step 2')).toBeVisible({ timeout: 180_000 });
  await expect(page.getByRole('heading', { level: 1 })).toContainText('mbpp.jsonl');
  await page.locator('[data-rollout="1/0/0"]').click();
  await expect(titleOf(page)).toContainText(/mbpp\/\d+|Write/);
  await expect(page.getByTestId('verdict').getByRole('listitem')).toHaveCount(3);
  await expect(page.getByTestId('ledger')).toContainText('Reward');
});

test(
  'a run can be paused, gone on with, stopped and kept, saved and opened again, and deleted ' +
    'only after a question',
  async ({ page }) => {
    await startRun(page, SMALL);
    await updates(page, 1);
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Stop and keep' }).click({ timeout: 60_000 });
    await expect(page.getByText(/Finished after step \d+: it was stopped/)).toBeVisible({
      timeout: 60_000,
    });

    await page.keyboard.press('Escape');
    const row = page
      .getByRole('region', { name: 'Runs on this machine' })
      .getByRole('listitem')
      .first();
    await expect(row).toContainText('finished');
    await row.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await expect(row).toBeVisible();
    await page.getByRole('link', { name: 'Models', exact: true }).click();
    const stored = page.getByRole('region', { name: 'Runs on this machine' }).getByRole('listitem');
    const saving = page.waitForEvent('download');
    await stored.getByRole('button', { name: 'Export' }).click();
    const archive = await (await saving).path();
    await stored.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete for good' }).click();
    await expect(stored).toHaveCount(0);
    await page.getByLabel('Import a run', { exact: true }).setInputFiles({
      name: 'run.zip',
      mimeType: 'application/zip',
      buffer: await readFile(archive),
    });
    await expect(page).toHaveURL(/#\/run\//);
    await expect(page.getByText(/Finished after step \d+: it was stopped/)).toBeVisible();
    await page.locator('[data-rollout="1/0/0"]').click();
    await expect(page.getByTestId('verdict')).toBeVisible();
    await expect(page.getByTestId('tokens').locator('[data-hue]').first()).toBeVisible();
  },
);
