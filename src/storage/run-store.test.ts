import 'fake-indexeddb/auto';
import { createStore, set } from 'idb-keyval';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StorageFullError } from '../lib/errors.ts';
import type { RunEvent } from '../schema/events.ts';
import { BrowserStore } from './browser/opfs-store.ts';
import { IndexedDbCheckpoints } from './browser/checkpoints.ts';
import { crc32, decodeCheckpoint, encodeCheckpoint } from './checkpoint-codec.ts';
import { FolderStore } from './node/folder-store.ts';
import type { Checkpoint, RunStore } from './run-store.ts';
import { memoryOpfs, type Quota } from './testing/memory-opfs.ts';

const warning = (seq: number): RunEvent => ({
  seq,
  time: 1000 + seq,
  type: 'warning.raised',
  message: `№ ${seq}`,
});
const checkpoint = (
  step: number,
  log = { events: 0, eventBytes: 0, tokenBytes: 0 },
): Checkpoint => ({
  version: 1,
  step,
  log,
  state: { cursor: step, note: 'ü' },
  adapters: { student: Uint8Array.from({ length: 1000 }, (_, i) => (i * step) & 255) },
});

let databases = 0;
interface Kind {
  name: string;
  /** A store, and what reopens it as another process or tab would find it. */
  readonly make: () => {
    store: RunStore;
    reopen: () => RunStore;
    damageNewest: (runId: string) => Promise<void>;
    tear: (runId: string) => Promise<void>;
  };
}
const kinds: Kind[] = [
  {
    name: 'folder',
    make() {
      const root = mkdtempSync(join(tmpdir(), 'store-'));
      return {
        store: new FolderStore(root),
        reopen: () => new FolderStore(root),
        async damageNewest(runId) {
          const folder = join(root, runId, 'checkpoints');
          const newest = join(folder, readdirSync(folder).sort().at(-1)!);
          writeFileSync(newest, readFileSync(newest).subarray(0, 700));
        },
        async tear(runId) {
          appendFileSync(join(root, runId, 'events.jsonl'), '{"seq":2,"time":1,"type":"warn');
        },
      };
    },
  },
  {
    name: 'browser',
    make() {
      const root = memoryOpfs();
      const database = `checkpoints-${databases++}`;
      return {
        store: new BrowserStore(root, new IndexedDbCheckpoints(database)),
        reopen: () => new BrowserStore(root, new IndexedDbCheckpoints(database)),
        async damageNewest(runId) {
          const idb = createStore(database, 'checkpoints');
          const { get } = await import('idb-keyval');
          const pointer = (await get(runId, idb)) as { current: string };
          const bytes = ((await get(pointer.current, idb)) as Uint8Array).slice();
          bytes[500]! ^= 1;
          await set(pointer.current, bytes, idb);
        },
        async tear(runId) {
          const file = await (await root.getDirectoryHandle(runId)).getFileHandle('events.jsonl');
          const handle = await file.createSyncAccessHandle();
          handle.write(new TextEncoder().encode('{"seq":2,"time":1,"type":"warn'), {
            at: handle.getSize(),
          });
          handle.close();
        },
      };
    },
  },
];

describe.each(kinds)('run store: $name', ({ make }) => {
  it('gives back the events and token columns that were appended, in another tab or process too', async () => {
    const { store, reopen } = make();
    const run = await store.open('a');
    await run.appendEvents([warning(0), warning(1)]);
    expect(await run.appendTokens(new Uint8Array([1, 2, 3]))).toBe(0);
    expect(await run.appendTokens(new Uint8Array([4, 5]))).toBe(3);
    const offset = run.offset();
    await run.close();

    const again = await reopen().open('a');
    expect(await again.readEvents()).toEqual([warning(0), warning(1)]);
    expect(await again.readTokens(3, 2)).toEqual(new Uint8Array([4, 5]));
    expect(again.offset()).toEqual(offset);
    expect(await reopen().list()).toEqual(['a']);
    await again.close();
  });

  it('drops a torn last line and appends after the last whole one', async () => {
    const { store, reopen, tear } = make();
    const run = await store.open('a');
    await run.appendEvents([warning(0), warning(1)]);
    await run.close();
    await tear('a');
    const again = await reopen().open('a');
    expect(again.offset().events).toBe(2);
    await again.appendEvents([warning(2)]);
    expect(await again.readEvents()).toEqual([warning(0), warning(1), warning(2)]);
    await again.close();
  });

  it('cuts events and tokens back to an offset, and refuses one beyond the end', async () => {
    const { store } = make();
    const run = await store.open('a');
    await run.appendEvents([warning(0)]);
    await run.appendTokens(new Uint8Array(4));
    const offset = run.offset();
    await run.appendEvents([warning(1), warning(2)]);
    await run.appendTokens(new Uint8Array(8));
    await expect(run.truncate({ events: 9, eventBytes: 1e6, tokenBytes: 0 })).rejects.toThrow(
      /cannot be cut/,
    );
    await run.truncate(offset);
    expect(run.offset()).toEqual(offset);
    await run.appendEvents([warning(1)]);
    expect(await run.readEvents()).toEqual([warning(0), warning(1)]);
    expect(await run.appendTokens(new Uint8Array(1))).toBe(4);
    await run.close();
  });

  it('loads the newest checkpoint, and the one before it when the newest is damaged', async () => {
    const { store, reopen, damageNewest } = make();
    const run = await store.open('a');
    expect(await run.loadCheckpoint()).toEqual({ checkpoint: null, passedOver: [] });
    for (const step of [1, 2, 3])
      expect(await run.saveCheckpoint(checkpoint(step))).toBeGreaterThan(1000);
    expect((await run.loadCheckpoint()).checkpoint).toEqual(checkpoint(3));
    await run.close();
    await damageNewest('a');
    const again = await reopen().open('a');
    const found = await again.loadCheckpoint();
    expect(found.checkpoint?.step).toBe(2);
    expect(found.passedOver).toEqual([
      expect.stringMatching(/(000003\.ckpt|a\/3).*(damaged|checksum)/),
    ]);
    await again.saveCheckpoint(checkpoint(4));
    expect((await again.loadCheckpoint()).checkpoint?.step).toBe(4);
    await again.close();
  });

  it('passes over a checkpoint whose log is no longer there', async () => {
    const { store } = make();
    const run = await store.open('a');
    await run.saveCheckpoint(checkpoint(1));
    await run.saveCheckpoint(checkpoint(2, { events: 5, eventBytes: 500, tokenBytes: 0 }));
    const found = await run.loadCheckpoint();
    expect(found.checkpoint?.step).toBe(1);
    expect(found.passedOver[0]).toMatch(/needs 500 bytes of events\.jsonl, which has 0/);
    await run.close();
  });

  it('keeps files by path and deletes a run with all it has', async () => {
    const { store } = make();
    const run = await store.open('a');
    await run.writeFile('adapter/adapter_config.json', new TextEncoder().encode('{}'));
    await run.writeFile('adapter/adapter_config.json', new TextEncoder().encode('{"r":1}'));
    expect(new TextDecoder().decode((await run.readFile('adapter/adapter_config.json'))!)).toBe(
      '{"r":1}',
    );
    expect(await run.readFile('adapter/none')).toBeNull();
    await run.saveCheckpoint(checkpoint(1));
    await run.close();
    await store.delete('a');
    expect(await store.list()).toEqual([]);
    const fresh = await store.open('a');
    expect((await fresh.loadCheckpoint()).checkpoint).toBeNull();
    expect(await fresh.readEvents()).toEqual([]);
    await fresh.close();
  });
});

describe('what checkpoints take', () => {
  it('is known without reading them, also of those that were written before their sizes were', async () => {
    const database = `checkpoints-${databases++}`;
    const checkpoints = new IndexedDbCheckpoints(database);
    for (const step of [1, 2, 3]) await checkpoints.save('a', checkpoint(step));
    const two = encodeCheckpoint(checkpoint(2)).length + encodeCheckpoint(checkpoint(3)).length;
    expect(await checkpoints.bytes('a')).toBe(two);
    const idb = createStore(database, 'checkpoints');
    const { get } = await import('idb-keyval');
    const { bytes, ...old } = (await get('a', idb)) as { current: string; bytes: unknown };
    const blob: unknown = await get(old.current, idb);
    await set(old.current, 'gone', idb);
    expect([bytes, await checkpoints.bytes('a')]).toEqual([
      { current: two / 2, previous: two / 2 },
      two,
    ]);
    await set(old.current, blob, idb);
    await set('a', old, idb);
    expect(await checkpoints.bytes('a')).toBe(two);
    await checkpoints.save('a', checkpoint(4));
    expect(await checkpoints.bytes('a')).toBe(two);
  });
});

describe('a full disk', () => {
  it('is one sentence and loses nothing: browser quota', async () => {
    const quota: Quota = { left: 300 };
    const store = new BrowserStore(
      memoryOpfs(quota),
      new IndexedDbCheckpoints(`checkpoints-${databases++}`),
    );
    const run = await store.open('a');
    await run.appendEvents([warning(0)]);
    const offset = run.offset();
    await expect(run.appendTokens(new Uint8Array(1000))).rejects.toThrow(StorageFullError);
    await expect(
      run.appendEvents(Array.from({ length: 20 }, (_, i) => warning(i))),
    ).rejects.toThrow(/storage for this site is full/);
    expect(run.offset()).toEqual(offset);
    quota.left = 1e6;
    await run.appendEvents([warning(1)]);
    expect(await run.readEvents()).toEqual([warning(0), warning(1)]);
    await run.close();
  });

  it.skipIf(process.platform !== 'linux')('is one sentence and loses nothing: ENOSPC', async () => {
    const root = mkdtempSync(join(tmpdir(), 'full-'));
    mkdirSync(join(root, 'a'));
    symlinkSync('/dev/full', join(root, 'a', 'tokens.bin'));
    const run = await new FolderStore(root).open('a');
    await run.appendEvents([warning(0)]);
    await expect(run.appendTokens(new Uint8Array(10))).rejects.toThrow(
      /disk is full: 10 bytes for tokens.bin/,
    );
    expect(await run.readEvents()).toEqual([warning(0)]);
    expect(run.offset().tokenBytes).toBe(0);
    await run.close();
  });
});

describe('checkpoint format', () => {
  it(
    'survives its round trip bit by bit, and refuses garbage, another format and every ' +
      'damaged byte with a sentence',
    () => {
      const bytes = encodeCheckpoint(checkpoint(3));
      expect(decodeCheckpoint(bytes)).toEqual(checkpoint(3));
      expect(() => decodeCheckpoint(new Uint8Array(3))).toThrow(/3 bytes are no checkpoint/);
      const other = bytes.slice();
      other[4] = 9;
      expect(() => decodeCheckpoint(other)).toThrow(/format 9/);
      for (let at = 0; at < bytes.length; at += 97) {
        const bad = bytes.slice();
        bad[at]! ^= 0x10;
        expect(() => decodeCheckpoint(bad)).toThrow(/checkpoint/);
      }
      expect(() => decodeCheckpoint(bytes.subarray(0, bytes.length - 1))).toThrow(/damaged/);
    },
  );

  it('uses the CRC-32 whose check value is cbf43926', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });
});

it('does not cut a log at a damaged line that whole lines follow', async () => {
  const root = mkdtempSync(join(tmpdir(), 'damaged-'));
  const run = await new FolderStore(root).open('a');
  await run.appendEvents([warning(0), warning(1)]);
  await run.close();
  const path = join(root, 'a', 'events.jsonl');
  writeFileSync(path, readFileSync(path, 'utf8').replace('{"seq":0', '{"sxq":0'));
  await expect(new FolderStore(root).open('a')).rejects.toThrow(/Line 1 of this log is damaged/);
});
