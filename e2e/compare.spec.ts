import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, startRun, test } from './fixtures.ts';

/** One step on a software adapter: most of the time goes into the evaluations before and after. */
const SMALL = { Steps: '1', 'Problems a step': '1', 'Completions a problem': '2' };

/** A short run to its end; its id. */
async function finishedRun(page: Page, settings: Readonly<Record<string, string>>): Promise<string> {
  await startRun(page, { ...SMALL, ...settings });
  await expect(page.getByText(/Finished after step 1/)).toBeVisible({ timeout: 300_000 });
  return decodeURIComponent(/#\/run\/([^/?]+)/.exec(page.url())![1]!);
}

test('two finished runs are compared problem by problem, by an address that brings them back', async ({ page, complaints }) => {
  test.setTimeout(900_000); // two runs on a busy machine
  const first = await finishedRun(page, {});
  await page.getByRole('link', { name: 'Compare' }).click();
  const boxes = page.getByRole('checkbox');
  await expect(page.getByText('Choose two finished runs or more.')).toBeVisible();
  await boxes.first().check();
  await expect(page.getByText('Choose two finished runs or more.')).toBeVisible();

  // The same seed, so the same test problems; another seed would have others.
  const second = await finishedRun(page, { 'Learning rate': '0.01' });
  await page.getByRole('link', { name: 'Compare' }).click();
  await expect(boxes).toHaveCount(2);
  for (const box of await boxes.all()) await box.check();
  expect(new URL(page.url()).hash).toMatch(/^#\/compare\?runs=[^,]+,[^,]+$/);

  const arms = page.getByTestId('arms').locator('tbody tr');
  await expect(arms).toHaveCount(2);
  await expect(arms.filter({ hasText: 'learningRate 0.01' })).toContainText(/% → .* %/);
  await expect(page.getByTestId('differences').locator('tbody tr')).toHaveCount(1);
  await expect(page.getByTestId('settings').locator('tbody th')).toHaveText(['learningRate']);
  await expect(page.getByTestId('comparison')).toContainText('demonstration, not evidence: with 12 problems');
  await expect(page.locator('[data-curve^="reward grpo"]')).toHaveCount(2);

  await page.reload();
  await expect(arms).toHaveCount(2);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save comparison.json' }).click();
  const comparison = JSON.parse(await readFile(await (await download).path(), 'utf8')) as { arms: { runs: string[] }[] };
  expect(comparison.arms.flatMap(({ runs }) => runs).sort()).toEqual([first, second].sort());

  await page.goto(`/#/compare?runs=${first},nobody`);
  await expect(page.getByText(/^Run nobody cannot be compared: /)).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`/#/compare?runs=${first},${second}`);
  await expect(arms).toHaveCount(2);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  expect(complaints).toEqual([]);
});
