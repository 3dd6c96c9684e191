import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures.ts';

interface StarterLine {
  readonly task_id: string;
  readonly code: string;
  readonly entry_point: string;
}

/**
 * Six answers to the starter set: two right, one wrong, one that raises, one that hangs, one that
 * is prose.
 */
async function samples(): Promise<string> {
  const text = await readFile('public/problems/starter-test.jsonl', 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .slice(0, 6)
    .map((line) => JSON.parse(line) as StarterLine);
  const answer = (line: StarterLine, i: number): object => {
    const define = (body: string) =>
      `def ${line.entry_point}(*args):\n    print('called')\n    ${body}\n`;
    switch (i) {
      case 2:
        return { solution: define("return 'wrong'") };
      case 3:
        return { solution: define('return [][1]') };
      case 4:
        return { solution: define('while True: pass') };
      case 5:
        return { completion: 'I would rather not say.' };
      default:
        return { solution: line.code };
    }
  };
  return lines
    .map((line, i) => `${JSON.stringify({ task_id: line.task_id, ...answer(line, i) })}\n`)
    .join('');
}

/** Grades a file on the starter set and waits for the end. */
async function grade(page: Page, text: string): Promise<void> {
  await page.goto('/#/evaluate');
  await page.getByLabel(/^Samples/).setInputFiles({
    name: 'samples.jsonl',
    mimeType: 'application/json',
    buffer: Buffer.from(text),
  });
  await page.getByLabel('Seconds a program').fill('2');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await page.waitForURL(/#\/evaluate\/\d+$/);
  await expect(page.getByRole('status').getByText('Finished')).toBeVisible({ timeout: 200_000 });
}

const count = (page: Page, label: string) => page.locator(`[data-count="${label}"]`);

test('a samples file is graded assert by assert, and a failing problem opens by its address', async ({
  page,
  complaints,
}) => {
  await page.goto('/');
  await page.getByRole('link', { name: 'Evaluate' }).click();
  await expect(page.getByRole('button', { name: 'Evaluate' })).toBeDisabled();
  await grade(page, await samples());

  await expect(page.getByTestId('judged')).toContainText('6 / 6');
  await expect(count(page, 'Pass')).toContainText('2');
  await expect(count(page, 'Fail')).toContainText('3');
  await expect(count(page, 'Timeout')).toContainText('1');
  await expect(count(page, 'Crash')).toContainText('0');
  await expect(page.getByTestId('rates')).toContainText('pass@1 33.3 %');
  await expect(page.getByTestId('rates')).toContainText('demonstration, not evidence');

  // By outcome, by text; the address keeps both.
  await page.getByRole('radio', { name: 'Fail' }).check();
  await expect(page.locator('[data-row]')).toHaveCount(3);
  await page.getByLabel('Find in ids and tasks').fill('test/2');
  await expect(page.locator('[data-row]')).toHaveCount(1);
  await page.reload();
  await expect(page.locator('[data-row]')).toHaveCount(1);

  // Into the problem by keyboard, and back to it by its address alone.
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/starter\/test\/2\/0\?show=fail&find=test%2F2$/);
  const verdict = page.getByTestId('verdict');
  await expect(verdict.getByRole('definition').first()).toHaveText("'wrong'");
  await page.reload();
  await expect(verdict.getByRole('definition').first()).toHaveText("'wrong'");
  await expect(verdict.getByRole('listitem').first()).toContainText('expected');
  await expect(verdict.locator('pre')).toContainText('called');

  await page.keyboard.press('Escape');
  await page.getByLabel('Find in ids and tasks').fill('');
  await page.getByRole('radio', { name: 'Timeout' }).check();
  await page.locator('[data-problem="starter/test/4"]').click();
  await expect(verdict).toContainText('did not end in time');
  expect(complaints).toEqual([]);
});

test('what was judged can be saved, listed and deleted', async ({ page }) => {
  await grade(page, (await samples()).split('\n').slice(0, 3).join('\n'));
  const save = async (name: string) => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: `Save ${name}` }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(name);
    return readFile(await file.path(), 'utf8');
  };
  const results = (await save('results.jsonl'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { status: string });
  expect(results.map(({ status }) => status)).toEqual(['pass', 'pass', 'fail']);
  expect(JSON.parse(await save('summary.json'))).toMatchObject({
    dataset: 'starter',
    base: { problems: 3, passes: 2 },
  });
  expect((await save('samples.jsonl')).trim().split('\n')).toHaveLength(3);

  await page.keyboard.press('Escape');
  const row = page
    .getByRole('region', { name: 'Evaluations on this machine' })
    .getByRole('listitem')
    .first();
  await expect(row).toContainText('samples.jsonl on starter');
  await row.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await expect(page.getByText('None yet.')).toBeVisible();
});

test('input that cannot be judged is answered by one sentence', async ({ page }) => {
  await page.goto('/#/evaluate');
  const file = page.getByLabel(/^Samples/);
  const give = (text: string) =>
    file.setInputFiles({ name: 'bad.jsonl', mimeType: 'text/plain', buffer: Buffer.from(text) });
  await give('{"task_id": "starter/test/0"}\n');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await expect(
    page
      .getByRole('alert')
      .getByText(/^bad\.jsonl, line 1, does not parse: .*a sample needs "solution"\.$/),
  ).toBeVisible();
  await give('{"task_id": "mbpp/11", "solution": "x"}\n');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await expect(
    page.getByText('Sample 1 answers task mbpp/11, which the data set does not have.'),
  ).toBeVisible();
  await page.getByLabel('Seconds a program').fill('-1');
  await expect(page.getByText('A number from 0.1 to 600.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Evaluate' })).toBeDisabled();
});

test('neither the form nor an evaluation overflows a narrow screen', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/#/evaluate');
  await expect(page.getByRole('button', { name: 'Evaluate' })).toBeVisible();
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  await expect.poll(width).toBe(390);
  await grade(page, (await samples()).split('\n').slice(1, 3).join('\n'));
  await expect.poll(width).toBe(390);
  await page.locator('[data-problem="starter/test/2"]').click();
  await expect(page.getByTestId('verdict')).toBeVisible();
  await expect.poll(width).toBe(390);
});

test('nano answers problems of the starter set, and the sandbox judges it', async ({
  page,
  complaints,
}) => {
  await page.goto('/#/evaluate');
  await page.locator('label', { hasText: 'A model' }).click();
  await page.getByLabel('Limit').fill('3');
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await page.waitForURL(/#\/evaluate\/\d+$/, { timeout: 200_000 });
  await expect(page.getByRole('status').getByText('Finished')).toBeVisible({ timeout: 200_000 });
  await expect(page.getByTestId('judged')).toContainText('3 / 3');
  await expect(page.getByTestId('rates')).toContainText('pass@1');
  expect(complaints).toEqual([]);
});
