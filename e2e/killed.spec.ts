import { browserWith, expect, startRun, test, updates } from './fixtures.ts';

test('without WebGPU the page says what to do, and runs stored before can still be read', async ({}, info) => {
  const profile = info.outputPath('profile');
  const first = await browserWith(profile, { webgpu: true });
  const page = await first.newPage();
  await startRun(page, { Steps: '40', 'Problems per step': '1', 'Group size G': '4' });
  await updates(page, 1);
  await first.close(); // in mid-step: the tab is gone without a word

  const second = await browserWith(profile, { webgpu: false });
  const later = await second.newPage();
  await later.goto('/');
  await expect(later.getByTestId('device')).toContainText('No WebGPU');
  await expect(later.getByRole('button', { name: 'Start training' })).toBeDisabled();
  const row = later
    .getByRole('region', { name: 'Runs on this machine' })
    .getByRole('listitem')
    .first();
  await expect(row).toContainText('interrupted');
  await expect(row.getByRole('button', { name: 'Resume' })).toBeDisabled();
  await row.getByRole('link', { name: 'Open' }).click();
  await later.locator('[data-rollout="1/0/0"]').click();
  await expect(later.getByTestId('verdict')).toBeVisible();
  await expect(later.getByTestId('tokens').locator('[data-hue]').first()).toBeVisible();
  await second.close();
});
