import { expect, test } from './fixtures.ts';

/*
 * Promise: before a run starts the page says what it takes of memory and storage and, where asked,
 * how long a step takes; a number for the GPU's memory is kept to, and what fits instead is said.
 */
test('the Start screen plans memory, storage and time before anything starts', async ({
  page,
  complaints,
}) => {
  await page.goto('/');
  const plan = page.getByTestId('plan');
  await expect(plan).toContainText(/[\d.]+ MiB of [\d.]+ GiB/);
  await expect(plan).toContainText('keys and values');
  await expect(plan).toContainText(/Up to [\d.]+ MiB are stored; [\d.]+ [GM]iB are free/);

  await plan.getByLabel('GPU memory, GiB').fill('0.004');
  await expect(plan).toContainText(/more than 4\.1 MiB \(as given\)/);
  await expect(plan.getByRole('button', { name: 'Measure a step here' })).toBeDisabled();
  await plan.getByLabel('GPU memory, GiB').fill('0.03');
  await expect(plan).toContainText(/So that it fits, .* that is slower and learns the same/);
  await plan.getByLabel('GPU memory, GiB').fill('');
  await expect(plan).not.toContainText('So that it fits');

  await plan.getByRole('button', { name: 'Measure a step here' }).click();
  await expect(plan.getByRole('status')).toContainText(/ to .* a step, .* for 30 steps/, {
    timeout: 200_000,
  });
  // Another setting: what was measured no longer holds.
  await page.getByLabel('Group size G', { exact: true }).fill('4');
  await expect(plan.getByRole('status')).toHaveCount(0);
  expect(complaints).toEqual([]);
});
