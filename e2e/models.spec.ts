import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { readSafetensors, writeSafetensors } from '../src/model/weights/safetensors.ts';
import { HubServer } from '../src/storage/testing/hub-server.ts';
import { expect, test as base } from './fixtures.ts';

const NANO = 'public/models/nano';
const REPO = 'lab/tiny';

const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;

/**
 * nano's files with its weights in two parts, as large models come: a part that is here is not
 * fetched again.
 */
async function shardedNano(): Promise<Map<string, Uint8Array>> {
  const names = [
    'config.json',
    'generation_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ];
  const files = new Map(
    await Promise.all(
      names.map(async (name) => [name, new Uint8Array(await readFile(`${NANO}/${name}`))] as const),
    ),
  );
  const tensors = [
    ...readSafetensors(new Uint8Array(await readFile(`${NANO}/model.safetensors`)), 'nano'),
  ];
  const half = Math.ceil(tensors.length / 2);
  const parts = [tensors.slice(0, half), tensors.slice(half)] as const;
  parts.forEach((part, i) => files.set(SHARDS[i]!, writeSafetensors(part)));
  const places = parts.flatMap((part, i) => part.map(([name]) => [name, SHARDS[i]!] as const));
  files.set(
    'model.safetensors.index.json',
    Buffer.from(JSON.stringify({ weight_map: Object.fromEntries(places) })),
  );
  return files;
}

/**
 * A hub on this machine that holds nano under another name, slow enough to be met in the middle.
 */
const test = base.extend<{ hub: HubServer }>({
  hub: async ({ context }, use) => {
    const hub = await HubServer.start(REPO, await shardedNano());
    hub.pace = 20;
    await context.addInitScript((endpoint) => {
      // the sandbox's frame has no storage
      if (window.top === window) localStorage.setItem('afterthought.hub', endpoint);
    }, hub.endpoint);
    await use(hub);
    await hub.close();
  },
});

/** Requests for a file; behind the redirect a browser's cache may ask twice. */
const asked = (hub: HubServer, path: string) =>
  hub.asked.filter((line) => line.startsWith(`resolve ${path} `)).length;
const card = (page: Page) => page.getByTestId('model');
const row = (page: Page, id: string) => page.locator(`[data-model="${id}"]`);
const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth);

async function chooseFromHub(page: Page, repo: string): Promise<void> {
  await page.goto('/');
  await page.getByRole('button', { name: 'Choose another model' }).click();
  await page.getByLabel('Another model of the hub').fill(repo);
  await page.getByRole('button', { name: 'Choose', exact: true }).click();
}

/** Waits until the second part has begun to come, and slows it down to a drip. */
async function secondPart(hub: HubServer): Promise<void> {
  await expect
    .poll(() => asked(hub, SHARDS[1]), { message: 'requests for the second part', intervals: [50] })
    .toBe(1);
  hub.pace = 2000;
}

test(
  'a model of the hub is planned, fetched at 4 bits, the tab reloaded in the middle, opened ' +
    'again, trained on and deleted',
  async ({ page, hub, complaints }) => {
    await chooseFromHub(page, REPO);
    await expect(page).toHaveURL(/model=lab%2Ftiny%3Aq4/);
    await card(page).locator('label', { hasText: 'f16' }).click();
    await expect(page).toHaveURL(/model=lab%2Ftiny%3Af16/);
    await expect(page.getByTestId('plan')).toContainText('f16 weights');
    await card(page).locator('label', { hasText: 'q4' }).click();
    await expect(card(page)).toContainText('to fetch once');
    await expect(page.getByRole('button', { name: 'Start training' })).toBeDisabled();
    const plan = page.getByTestId('plan');
    await expect(plan).toContainText(/[\d.]+ MiB of [\d.]+ GiB/);
    await expect(plan).toContainText('q4 weights');
    await expect(plan).toContainText('what the hub says of the model');
    expect(
      hub.asked.filter((line) => /safetensors |tokenizer/.test(line)),
      'nothing large is fetched for a plan',
    ).toEqual([]);
    await plan.getByLabel('GPU memory, GiB').fill('0.004');
    await expect(plan).toContainText(/more than 4\.1 MiB \(as given\)/);
    await expect(card(page)).toContainText(/GPU memory\s*[\d.]+ MiB of 4\.1 MiB, too little/);
    await plan.getByLabel('GPU memory, GiB').fill('');
    await card(page)
      .getByRole('button', { name: /^Download / })
      .click();

    const fetched = card(page).getByTestId('fetched');
    await expect(fetched).toHaveText(/of 4\.\d MiB/);
    await secondPart(hub);
    await page.getByRole('link', { name: 'Models', exact: true }).click();
    await expect(row(page, `${REPO}:q4`).getByTestId('transfer')).toBeVisible();
    await page.goBack();

    await page.reload();
    hub.pace = 0;
    await expect(card(page)).toContainText('Here, ', { timeout: 60_000 });
    expect(
      SHARDS.map((part) => asked(hub, part)),
      'the second visit goes on where the first had come',
    ).toEqual([1, 2]);
    const requests = hub.asked.length;
    await page.reload();
    await expect(plan).toContainText(/q4 weights/);
    await expect(plan.getByRole('button', { name: 'Measure a step here' })).toBeEnabled();
    const short = {
      Steps: '1',
      'Group size G': '2',
      'Test problems': '0',
      'Max new tokens': '8',
    };
    await page.getByText('Loss, prompts and optimiser').click();
    for (const [label, value] of Object.entries(short))
      await page.getByLabel(label, { exact: true }).fill(value);
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.waitForURL(/#\/run\//, { timeout: 120_000 });
    await expect(page.getByText('Finished after step 1')).toBeVisible({ timeout: 120_000 });
    await expect(page.getByRole('heading', { level: 1 })).toContainText('lab/tiny:q4');
    expect(hub.asked.length, 'what is here asks nobody').toBe(requests);

    await page.getByRole('link', { name: 'Evaluate' }).click();
    await page.locator('label', { hasText: 'A model' }).click();
    await page.getByLabel('Model', { exact: true }).selectOption(`${REPO}:q4`);
    await expect(page.getByRole('button', { name: 'Evaluate' })).toBeEnabled();

    await page.getByRole('link', { name: 'Models', exact: true }).click();
    await row(page, `${REPO}:q4`).getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete for good' }).click();
    await expect(row(page, `${REPO}:q4`)).toHaveCount(0);
    expect(complaints).toEqual([]);
  },
);

test('a download is stopped, gone on with where it was, and what the hub refuses is one sentence', async ({
  page,
  hub,
}) => {
  await chooseFromHub(page, 'lab/nothing');
  await expect(
    card(page)
      .getByText(/lab\/nothing/)
      .last(),
  ).toBeVisible();
  await expect(card(page).getByRole('alert')).toHaveText(/\.$/);

  await page.goto(`/#/?model=${encodeURIComponent(`${REPO}:f16`)}`);
  await card(page)
    .getByRole('button', { name: /^Download / })
    .click();
  await secondPart(hub);
  await card(page).getByRole('button', { name: 'Stop' }).click();
  await expect(card(page)).toContainText('have come');
  await page.getByRole('link', { name: 'Models', exact: true }).click();
  await expect(row(page, `${REPO}:f16`)).toContainText('begun');
  hub.pace = 0;
  await row(page, `${REPO}:f16`).getByRole('button', { name: 'Go on' }).click();
  await expect(row(page, `${REPO}:f16`)).toContainText('here', { timeout: 60_000 });
});

test('a folder on this machine becomes a model, and neither list nor storage overflows a narrow screen', async ({
  page,
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/');
  await page.getByRole('button', { name: 'Choose another model' }).click();
  await expect(
    page.getByRole('group', { name: 'Model', exact: true }).getByRole('radio').first(),
  ).toBeVisible();
  await expect.poll(() => overflow(page)).toBe(390);
  await page.getByLabel('Precision of the imported weights').selectOption('f32');
  await page.getByLabel('Choose its folder').setInputFiles(NANO);
  await expect(page).toHaveURL(/model=local%2Fnano%3Af32/);
  await expect(card(page)).toContainText('Here, ', { timeout: 60_000 });
  await page.goto('/#/models');
  await expect(row(page, 'local/nano:f32')).toContainText('here');
  await expect.poll(() => overflow(page)).toBe(390);
});

/** Drops a file or folder of this machine on a field, as the desktop would. */
async function drop(page: Page, field: Locator, path: string): Promise<void> {
  await field.scrollIntoViewIfNeeded();
  const box = (await field.boundingBox())!;
  const at = {
    x: box.x + box.width / 2,
    y: box.y + box.height / 2,
    data: { items: [], files: [resolve(path)], dragOperationsMask: 1 },
  };
  const session = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, ...at });
  await session.detach();
}

test(
  'a folder that is dropped becomes a model, anything else one sentence, and a stray file ' +
    'leaves the page alone',
  async ({ page }) => {
    await page.goto('/#/models');
    const field = page.locator('label', { hasText: 'Choose its folder' });
    await page.getByLabel('Precision of the imported weights').selectOption('f16');
    await drop(page, field, NANO);
    await expect(row(page, 'local/nano:f16')).toContainText('here', { timeout: 60_000 });

    await drop(page, field, 'public/problems');
    await expect(row(page, 'local/problems:f16')).toContainText(
      'problems has no config.json; choose a model in the form that transformers writes.',
    );
    await drop(page, page.locator('h1'), 'README.md');
    await expect(page).toHaveURL(/#\/models$/);

    const notices = page.getByRole('alert').locator('p');
    await page.getByLabel('Import a run', { exact: true }).setInputFiles('README.md');
    await expect(notices.last()).toContainText(
      'There is no events.jsonl among these files, so they are not a run; choose its folder or its zip archive.',
    );
    await page.getByLabel('Import a run', { exact: true }).setInputFiles({
      name: 'run.zip',
      mimeType: 'application/zip',
      buffer: Buffer.from('no archive'),
    });
    await expect(notices.last()).toContainText(/run\.zip .*\.\s*Dismiss$/);
    await page.getByLabel('Import a run', { exact: true }).setInputFiles({
      name: 'events.jsonl',
      mimeType: 'text/plain',
      buffer: Buffer.from('{"seq": 0}\n'),
    });
    await expect(notices.last()).toContainText(
      'events.jsonl does not begin as the log of a run does',
    );
  },
);

test('two tabs fetch a model once, and the next visit needs no hub', async ({
  page,
  context,
  hub,
}) => {
  const model = `/#/?model=${encodeURIComponent(`${REPO}:q8`)}`;
  await page.goto(model);
  await card(page)
    .getByRole('button', { name: /^Download / })
    .click();
  await secondPart(hub);
  const other = await context.newPage();
  await other.goto(model);
  await card(other)
    .getByRole('button', { name: /^(Download|Go on)/ })
    .click();
  await expect(card(other)).toContainText('Another tab or process is fetching this model');
  hub.pace = 0;
  for (const tab of [page, other])
    await expect(card(tab)).toContainText('Here, ', { timeout: 60_000 });
  expect(SHARDS.map((part) => asked(hub, part))).toEqual([1, 1]);

  const before = hub.asked.length;
  await other.close();
  await page.reload();
  await expect(card(page)).toContainText('Here, ', { timeout: 60_000 });
  await expect(page.getByRole('button', { name: 'Start training' })).toBeEnabled({
    timeout: 60_000,
  });
  expect(hub.asked.length).toBe(before);
});
