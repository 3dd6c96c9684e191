import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures.ts';

const RUNS = [
  'grpo-seed-1',
  'random-reward-seed-1',
  'grpo-seed-2',
  'random-reward-seed-2',
] as const;
const MATRIX =
  'run --method grpo,random-reward --seeds 1,2 --train 2 --test 3 --eval-samples 2 --steps 2 ' +
  '--group 2 --problems-per-step 1 --max-tokens 48';

/**
 * Real runs, made by the command line since nothing in a page is as quick on a software adapter;
 * their logs and its comparison.
 */
async function made(): Promise<{ logs: Readonly<Record<string, string>>; comparison: unknown }> {
  const out = await mkdtemp(join(tmpdir(), 'compare-'));
  try {
    await promisify(execFile)(process.execPath, [
      'bin/afterthought',
      ...MATRIX.split(' '),
      '--out',
      out,
    ]);
    const logs = RUNS.map(
      async (run) => [run, await readFile(join(out, run, 'events.jsonl'), 'utf8')] as const,
    );
    const comparison: unknown = JSON.parse(await readFile(join(out, 'comparison.json'), 'utf8'));
    return { logs: Object.fromEntries(await Promise.all(logs)), comparison };
  } finally {
    await rm(out, { recursive: true });
  }
}

/** Puts logs where the page keeps its own. */
async function store(page: Page, logs: Readonly<Record<string, string>>): Promise<void> {
  await page.goto('/');
  await page.evaluate(async (files) => {
    const root = await (
      await navigator.storage.getDirectory()
    ).getDirectoryHandle('runs', { create: true });
    for (const [run, text] of Object.entries(files)) {
      const folder = await root.getDirectoryHandle(run, { create: true });
      const file = await (
        await folder.getFileHandle('events.jsonl', { create: true })
      ).createWritable();
      await file.write(text);
      await file.close();
    }
  }, logs);
}

test(
  'finished runs are compared problem by problem, with the figures of the command line, by ' +
    'an address that brings them back',
  async ({ page, complaints }) => {
    test.setTimeout(600_000); // four runs on a busy machine
    const { logs, comparison } = await made();
    const unfinished = logs['grpo-seed-1']!.split('\n').slice(0, 3).join('\n') + '\n';
    await store(page, { ...logs, 'cut-off': unfinished.replaceAll('grpo-seed-1', 'cut-off') });

    await page.getByRole('link', { name: 'Compare' }).click();
    // The address owns the choice, so a box follows its click by way of a navigation.
    const choose = async (run: string) => {
      const box = page.getByRole('checkbox', { name: run });
      await box.click();
      await expect(box).toBeChecked();
    };
    await choose('grpo, seed 1, nano on starter, 2 steps');
    await expect(page.getByText('Choose two finished runs or more.')).toBeVisible();
    await choose('random-reward, seed 2');
    await expect(
      page.getByText(/have no seed in common, so their test problems differ/),
    ).toBeVisible();
    await choose('random-reward, seed 1');
    await choose('grpo, seed 2');
    expect(new URL(page.url()).hash.split(',')).toHaveLength(4);

    const arms = page.getByTestId('arms').locator('tbody tr');
    await expect(arms).toHaveCount(2);
    await expect(arms.first()).toContainText(/% → .* %/);
    await expect(page.getByTestId('differences').locator('tbody th')).toHaveText(['random-reward']);
    await expect(page.getByTestId('settings').locator('tbody th')).toHaveText(['method']);
    await expect(page.getByTestId('comparison')).toContainText(
      /demonstration, not evidence: with \d problems/,
    );
    await expect(page.locator('[data-curve^="reward "]')).toHaveCount(2);

    await page.goto(`/#/compare?runs=${RUNS.join(',')}`);
    await page.reload();
    await expect(arms).toHaveCount(2);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save comparison.json' }).click();
    expect(JSON.parse(await readFile(await (await download).path(), 'utf8'))).toEqual(comparison);

    await page.setViewportSize({ width: 390, height: 844 });
    // The screen follows its new width in a moment.
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

    await page.goto('/#/compare?runs=grpo-seed-1,cut-off');
    await expect(page.getByText(/Left out: .*Run cut-off is not finished/)).toBeVisible();
    await page.goto('/#/compare?runs=grpo-seed-1,nobody');
    await expect(page.getByText(/Left out: .*Run nobody cannot be compared: /)).toBeVisible();
    expect(complaints).toEqual([]);
  },
);
