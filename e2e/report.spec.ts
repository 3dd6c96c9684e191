import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { parseEvent } from '../src/schema/events.ts';
import { expect, test } from './fixtures.ts';

const MATRIX =
  'run --method grpo,random-reward --seeds 1 --train 2 --test 2 --eval-samples 1 --steps 1 ' +
  '--group 2 --problems-per-step 1 --max-tokens 24';
const afterthought = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['bin/afterthought', ...args]);

test(
  'a report opens as a file without a network: two runs compared, a completion token by ' +
    'token with its asserts; the lab imports it',
  async ({ page, complaints }) => {
    const out = await mkdtemp(join(tmpdir(), 'report-'));
    try {
      const file = join(out, 'report.html');
      await afterthought(...MATRIX.split(' '), '--out', join(out, 'runs'));
      await afterthought('report', join(out, 'runs'), '--out', file);
      const log = await readFile(join(out, 'runs/grpo-seed-1/events.jsonl'), 'utf8');
      const completion = log
        .trim()
        .split('\n')
        .map((line) => parseEvent(JSON.parse(line)))
        .find((event) => event.type === 'rollout.completed')!;

      const requests: string[] = [];
      page.on('request', (request) => requests.push(request.url()));
      const address = pathToFileURL(file).href;
      await page.goto(address);
      await expect(page.getByText(/^report of 2 runs, made on /)).toBeVisible();
      await expect(page.getByTestId('arms').locator('tbody tr')).toHaveCount(2);
      await expect(page.getByTestId('differences').locator('tbody th')).toHaveText([
        'random-reward',
      ]);
      await page.setViewportSize({ width: 390, height: 844 });
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
      await page.setViewportSize({ width: 1440, height: 900 });

      await page.getByRole('link', { name: 'Open grpo-seed-1' }).click();
      await expect(
        page.getByText('Finished after step 1: all its steps are done.', { exact: true }),
      ).toBeVisible();
      await page.goto(`${address}#/run/grpo-seed-1/rollout/${completion.id}?color=entropy`);
      const tokens = page.getByTestId('tokens').locator('[data-i]');
      await expect(page.getByTestId('tokens')).toContainText(completion.text.split('\n')[0]!);
      expect(await tokens.count()).toBeGreaterThan(5);
      await tokens.nth(1).hover();
      await expect(page.locator('#readout')).toContainText(/Log-prob\s*−?\d/);
      await expect(page.getByText(/^\d+ of \d+ asserts pass/)).toBeVisible();
      await page.goto(`${address}#/models`);
      await expect(page.getByText('A report has its runs and nothing else.')).toBeVisible();
      expect(requests).toEqual([address]);

      await page.goto('/#/models');
      await page.getByLabel('Import a run', { exact: true }).setInputFiles(file);
      await expect(page.getByTestId('arms').locator('tbody tr')).toHaveCount(2);
      expect(complaints).toEqual([]);
    } finally {
      await rm(out, { recursive: true });
    }
  },
);
