import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderSource } from '../node/folder-source.ts';
import { OpfsModels } from '../browser/opfs-models.ts';
import { Hub } from '../hub/hub.ts';
import type { Clock } from '../hub/retry.ts';
import type { ModelFolders } from '../model-folders.ts';
import { createModelStore, type ModelStore } from '../models.ts';
import { FolderModels } from '../node/folder-models.ts';
import { memoryOpfs, type Quota } from './memory-opfs.ts';

/** Test support: waits that take no time and are written down. */
export class FastClock implements Clock {
  readonly waits: number[] = [];

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.waits.push(ms);
    await new Promise((ready) => setTimeout(ready, 2));
  }

  random = () => 0.5;
  now = () => Date.UTC(2026, 0, 1);
}

/**
 * Test support: the two places that models are kept in. Each call of `store` is another process or
 * tab.
 */
export interface ModelLab {
  readonly folders: () => ModelFolders;
  readonly clock: FastClock;
  readonly quota: Quota;
  readonly store: (endpoint: string, options?: StoreOptions) => ModelStore;
}

interface StoreOptions {
  readonly token?: string;
  readonly fetch?: typeof fetch;
  /** Longer than a busy machine stalls. */
  readonly stallMs?: number;
}

export const PLACES = { 'a cache folder': folderLab, "a browser's storage": opfsLab } as const;

function folderLab(): ModelLab {
  const root = mkdtempSync(join(tmpdir(), 'models-'));
  return lab(() => new FolderModels(root, folderSource), { left: Infinity });
}

function opfsLab(): ModelLab {
  const quota = { left: 2 ** 40 };
  const root = memoryOpfs(quota);
  const held = new Set<string>();
  const claim = async (name: string) => {
    if (held.has(name)) return null;
    held.add(name);
    return () => void held.delete(name);
  };
  const storage = {
    estimate: async () => ({ usage: 0, quota: quota.left }),
    persisted: async () => false,
  };
  return lab(() => new OpfsModels(root, claim, storage), quota);
}

function lab(folders: () => ModelFolders, quota: Quota): ModelLab {
  const clock = new FastClock();
  return {
    folders,
    clock,
    quota,
    store: (endpoint, { token, fetch: ask = fetch, stallMs = 20_000 } = {}) =>
      createModelStore({
        folders: folders(),
        hub: new Hub({ endpoint, token: token ?? null, fetch: ask, clock, stallMs }),
        clock,
        durableEvery: 64 * 1024,
      }),
  };
}

/** Test support: the files of a model folder. */
export function filesBelow(folder: string): Map<string, Uint8Array> {
  return new Map(
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, new Uint8Array(readFileSync(join(folder, name)))]),
  );
}
