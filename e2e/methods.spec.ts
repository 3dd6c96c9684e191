import type { Page } from '@playwright/test';
import { expect, startRun, test, updates } from './fixtures.ts';

/** Polls a gauge of the run's header for the number it begins with. */
function gauge(page: Page, name: string): () => Promise<number> {
  return async () => {
    const shown = page.getByTestId(name);
    if ((await shown.count()) === 0) return 0;
    return Number(
      /([\d,]+) \//.exec((await shown.textContent()) ?? '')?.[1]?.replaceAll(',', '') ?? 0,
    );
  };
}

test('an SRRL run on nano rescues a failed attempt, and the rescue opens with both programs and both verdicts', async ({
  page,
  complaints,
}) => {
  // as long as it takes on a busy machine; how long that was is printed, not judged
  test.setTimeout(600_000);
  const from = Date.now();
  await startRun(page, { Steps: '40', 'Problems per step': '2' }, 'SRRL');
  await expect
    .poll(gauge(page, 'rescued'), { timeout: 420_000, message: 'rescued attempts' })
    .toBeGreaterThanOrEqual(1);
  console.log(`Page load to first rescue: ${((Date.now() - from) / 1000).toFixed(1)} s.`);

  await page.getByRole('radio', { name: 'Rescued' }).check();
  await expect(page).toHaveURL(/show=rescued/);
  const attempt = page
    .locator('[data-rollout][data-kind="attempt"]', { hasText: 'rescued' })
    .first();
  await expect(attempt).toBeVisible();
  const id = (await attempt.getAttribute('data-rollout')) ?? '';
  const repairs = page.locator(`[data-rollout^="${id}."]`);
  await repairs
    .filter({ has: page.locator('[data-status="pass"]') })
    .first()
    .click();
  await expect(page).toHaveURL(new RegExp(`/rollout/${id}\\.\\d`));

  const change = page.getByTestId('change');
  await expect(change).toContainText(/From attempt \d+ to refinement \d+\.\d+/i);
  await expect(change.locator('[data-change="fixed"]').first()).toBeVisible();
  await expect(page.locator('#prompt')).toContainText('Result:');
  await expect(page.getByTestId('ledger')).toContainText(
    /Pooled: compared with all \d+ completions/,
    { timeout: 120_000 },
  );

  const address = page.url();
  await page
    .getByRole('navigation', { name: 'How it came about' })
    .getByRole('link', { name: /^attempt/ })
    .click();
  await expect(page).toHaveURL(new RegExp(`/rollout/${id}\\?`));
  await expect(page.getByRole('heading', { name: 'Its refinements' })).toBeVisible();
  await page.goto(address);
  await expect(change).toBeVisible();
  await page.keyboard.press('Escape');
  await updates(page, 1);
  await expect(page.locator('[data-curve="rescue"]')).toBeVisible();
  expect(complaints).toEqual([]);
});

test('a method is in the address, and its switches hold their defaults', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('radio', { name: 'Refl-KD', exact: true }).check();
  await expect(page).toHaveURL(/#\/\?method=reflkd$/);
  await expect(page.getByLabel('Teacher’s top k')).toHaveValue('100');
  await expect(page.getByLabel('EMA decay d')).toHaveCount(0);
  await page.getByLabel('Teacher', { exact: true }).selectOption('average student');
  await expect(page.getByLabel('EMA decay d')).toHaveValue('0.9');
  await page.reload();
  await expect(page.getByRole('radio', { name: 'Refl-KD', exact: true })).toBeChecked();

  await page.getByLabel('Ends after').selectOption('tokens');
  await expect(page.getByLabel('Steps', { exact: true })).toHaveCount(0);
  await page.getByLabel('Tokens', { exact: true }).fill('0.5');
  await expect(page.getByText('A whole number from 1 to 1000000000000')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Start training' })).toBeDisabled();
});
