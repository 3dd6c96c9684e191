import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderSource } from '../cli/folder-source.ts';
import { Hub } from './hub/hub.ts';
import type { Clock } from './hub/retry.ts';
import { createModelStore, type ModelStore, type TransferOptions } from './models.ts';
import { FolderModels } from './node/folder-models.ts';
import { HubServer } from './testing/hub-server.ts';
import type { TransferProgress } from './transfer.ts';

const nano = join(import.meta.dirname, '../../public/models/nano');
const FILES = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
const REPO = 'lab/nano';

/** Waits take no time; how long they were is written down. */
class FastClock implements Clock {
  readonly waits: number[] = [];
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.waits.push(ms);
    await new Promise((ready) => setTimeout(ready, 1));
  }
  random = () => 0.5;
  now = () => 0;
}

let server: HubServer;
let root: string;
let clock: FastClock;
let progress: TransferProgress[];

beforeEach(async () => {
  server = await HubServer.start(REPO, new Map(FILES.map((path) => [path, readFileSync(join(nano, path))])));
  root = mkdtempSync(join(tmpdir(), 'models-'));
  clock = new FastClock();
  progress = [];
});
afterEach(() => server.close());

function store(): ModelStore {
  const hub = new Hub({ endpoint: server.endpoint, token: null, fetch, clock, stallMs: 300 });
  return createModelStore({ folders: new FolderModels(root, folderSource), hub, clock, durableEvery: 256 * 1024 });
}

function options(change: Partial<TransferOptions> = {}): TransferOptions {
  return {
    precision: 'stored',
    signal: new AbortController().signal,
    onProgress: (step) => progress.push(step),
    ...change,
  };
}

describe('a model of the hub', () => {
  it('arrives byte for byte, and is opened afterwards without a request', async () => {
    const source = await store().download(REPO, options());
    for (const path of FILES)
      expect(Buffer.from((await source.read(path))!).equals(server.files.get(path)! as Buffer), path).toBe(true);
    const asked = server.asked.length;
    expect(await store().open(`${REPO}:stored`)).not.toBeNull();
    await store().download(REPO, options());
    expect(server.asked.length).toBe(asked);
    const [model] = await store().list();
    expect(model).toMatchObject({ id: `${REPO}:stored`, licence: 'apache-2.0', complete: true, problem: null });
  });
});
