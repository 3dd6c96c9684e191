import { expect, test } from './fixtures.ts';

test('the page opens without a word on the console and reports the device', async ({
  page,
  complaints,
}) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const device = page.getByTestId('device');
  await expect(device.getByText(/WebGPU works on/)).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('button', { name: 'Start training' })).toBeEnabled();
  expect(complaints).toEqual([]);
});

test('a setting that makes no sense is answered by a sentence and starts nothing', async ({
  page,
}) => {
  await page.goto('/');
  const steps = page.getByLabel('Steps', { exact: true });
  await steps.fill('-3');
  await expect(page.getByText('A whole number from 1 to 1000000.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Start training' })).toBeDisabled();
  await page.getByRole('button', { name: 'reset' }).click();
  await expect(steps).not.toHaveValue('-3');
});

test('colours follow the system until one is chosen, and the choice outlives a reload', async ({
  page,
}) => {
  const background = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.getByRole('radio', { name: 'Light' }).check();
  expect(await background()).toBe(light);
  await page.reload();
  expect(await background()).toBe(light);
});

test('an address that leads nowhere says so and offers the way back', async ({ page }) => {
  await page.goto('/#/run/no-such-run');
  await expect(page.getByRole('heading', { name: 'This run cannot be shown.' })).toBeVisible();
  await page.getByRole('link', { name: 'Back to the start' }).click();
  await expect(page.getByRole('button', { name: 'Start training' })).toBeVisible();
});

test('nothing overflows a narrow screen', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Start training' })).toBeVisible();
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
});

test('addresses that name what every object has show a sentence, and leave the page whole', async ({
  page,
}) => {
  for (const hash of [
    '#/run/__proto__',
    '#/run/constructor/rollout/1/0/0',
    '#/evaluate/__proto__',
    '#/compare?runs=__proto__,toString',
    '#/?model=__proto__&method=__proto__&data=__proto__',
  ]) {
    await page.goto(`/${hash}`);
    await expect(page.locator('main')).not.toBeEmpty();
  }
  await page.goto('/#/models');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});
