import { createStore, del, get, keys, set, type UseStore } from 'idb-keyval';
import * as v from 'valibot';
import { encodeCheckpoint } from '../checkpoint-codec.ts';
import type { Checkpoint, FoundCheckpoint } from '../run-store.ts';
import { usableCheckpoint, type CheckpointedLog } from '../usable-checkpoint.ts';
import { storageError } from './opfs-log.ts';

/** What the pointer of a run names: the newest checkpoint's key and the one before. */
const Pointer = v.object({
  version: v.literal(1),
  serial: v.number(),
  current: v.string(),
  previous: v.nullable(v.string()),
  /** Of the two, so that a list of runs need not read hundreds of MiB; older pointers lack it. */
  bytes: v.optional(v.object({ current: v.number(), previous: v.number() })),
});
type Pointer = v.InferOutput<typeof Pointer>;

/**
 * Checkpoints in IndexedDB. A blob is written under a new key, then one pointer is flipped to it,
 * then keys that no pointer names are deleted: a tab killed anywhere in between leaves the old
 * pointer with its whole blob.
 */
export class IndexedDbCheckpoints {
  private readonly store: UseStore;

  constructor(database = 'afterthought-checkpoints') {
    this.store = createStore(database, 'checkpoints');
  }

  async save(runId: string, checkpoint: Checkpoint): Promise<number> {
    const bytes = encodeCheckpoint(checkpoint);
    const before = await this.pointer(runId);
    const serial = (before?.serial ?? 0) + 1;
    const current = `${runId}/${serial}`;
    try {
      await set(current, bytes, this.store);
      const sizes = {
        current: bytes.byteLength,
        previous: before?.bytes?.current ?? (await this.blobBytes(before?.current)),
      };
      const pointer: Pointer = {
        version: 1,
        serial,
        current,
        previous: before?.current ?? null,
        bytes: sizes,
      };
      await set(runId, pointer, this.store);
    } catch (error) {
      await del(current, this.store).catch(() => undefined);
      throw storageError(error, bytes.byteLength, 'a checkpoint');
    }
    await this.sweep(runId, [current, before?.current ?? null]);
    return bytes.byteLength;
  }

  /** The newest checkpoint that is whole and whose log is still there. */
  async load(runId: string, log: CheckpointedLog): Promise<FoundCheckpoint> {
    const pointer = await this.pointer(runId);
    const keys = [pointer?.current, pointer?.previous].filter((key) => typeof key === 'string');
    const stored = keys.map((key) => ({
      name: `The checkpoint ${key}`,
      read: async () => {
        const bytes: unknown = await get(key, this.store);
        if (bytes instanceof Uint8Array) return bytes;
        throw new Error('It is named by its pointer and is not there.');
      },
    }));
    return usableCheckpoint(stored, log);
  }

  async delete(runId: string): Promise<void> {
    await del(runId, this.store);
    await this.sweep(runId, []);
  }

  /** Bytes of all stored checkpoints of a run. */
  async bytes(runId: string): Promise<number> {
    const pointer = await this.pointer(runId);
    if (pointer?.bytes) return pointer.bytes.current + pointer.bytes.previous;
    return (await this.blobBytes(pointer?.current)) + (await this.blobBytes(pointer?.previous));
  }

  private async blobBytes(key: string | null | undefined): Promise<number> {
    const blob: unknown = key ? await get(key, this.store) : null;
    return blob instanceof Uint8Array ? blob.byteLength : 0;
  }

  private async pointer(runId: string): Promise<Pointer | null> {
    const parsed = v.safeParse(Pointer, await get(runId, this.store));
    return parsed.success ? parsed.output : null;
  }

  private async sweep(runId: string, keep: readonly (string | null)[]): Promise<void> {
    for (const key of await keys<IDBValidKey>(this.store)) {
      if (typeof key === 'string' && key.startsWith(`${runId}/`) && !keep.includes(key))
        await del(key, this.store);
    }
  }
}
