import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, StorageFullError } from '../../lib/errors.ts';
import type { RunEvent } from '../../schema/events.ts';
import { encodeCheckpoint } from '../checkpoint-codec.ts';
import { encodeLines, parseLog } from '../log-lines.ts';
import type { Checkpoint, FoundCheckpoint, LogOffset, RunStore, StoredRun } from '../run-store.ts';
import { usableCheckpoint } from '../usable-checkpoint.ts';
import { claimFile, ownerOf } from './lock-file.ts';

const KEEP_CHECKPOINTS = 2;
/** Held by the process that writes the run. */
const LOCK = 'run.lock';
const CHECKPOINT_NAME = /^(\d{6,})\.ckpt$/;

/**
 * Runs as folders below `root`, one each: events.jsonl, tokens.bin, checkpoints/, and the files of
 * `writeFile`. An open run is locked: a second process that opens it gets a sentence.
 */
export class FolderStore implements RunStore {
  constructor(private readonly root: string) {}

  async list(): Promise<string[]> {
    const names = await readdir(this.root).catch(() => [] as string[]);
    const runs: { name: string; time: number }[] = [];
    for (const name of names) {
      const info = await stat(join(this.root, name, 'events.jsonl')).catch(() => null);
      if (info) runs.push({ name, time: info.birthtimeMs });
    }
    return runs.sort((a, b) => b.time - a.time).map((run) => run.name);
  }

  async open(runId: string): Promise<StoredRun> {
    const folder = join(this.root, runId);
    try {
      await mkdir(join(folder, 'checkpoints'), { recursive: true });
    } catch (error) {
      throw new Error(
        `The folder ${join(folder, 'checkpoints')} cannot be made (${messageOf(error)}); move ` +
          'away what is in its place, or choose another folder.',
        { cause: error },
      );
    }
    const lock = join(folder, LOCK);
    const unlock = await claimFile(lock);
    if (!unlock) {
      const owner = await ownerOf(lock);
      throw new Error(
        `The run in ${folder} is being written by ` +
          `${owner ? `process ${owner.pid} on ${owner.host}` : 'another process'}; wait until it ` +
          `has ended, or stop it. If it is gone for sure, delete ${lock}.`,
      );
    }
    try {
      return new FolderRun(runId, folder, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  async delete(runId: string): Promise<void> {
    await rm(join(this.root, runId), { recursive: true, force: true });
  }
}

class FolderRun implements StoredRun {
  private readonly eventFile: number;
  private readonly tokenFile: number;
  private eventBytes: number;
  private tokenBytes: number;
  private events: number;

  constructor(
    readonly runId: string,
    private readonly folder: string,
    private readonly unlock: () => Promise<void>,
  ) {
    mkdirSync(folder, { recursive: true });
    this.eventFile = openSync(join(folder, 'events.jsonl'), 'a+');
    this.tokenFile = openSync(join(folder, 'tokens.bin'), 'a+');
    try {
      const log = parseLog(readFileSync(join(folder, 'events.jsonl')));
      this.events = log.events.length;
      this.eventBytes = log.wholeBytes;
      this.tokenBytes = fstatSync(this.tokenFile).size;
    } catch (error) {
      this.closeFiles();
      throw error;
    }
  }

  async readEvents(): Promise<RunEvent[]> {
    return parseLog(await readFile(join(this.folder, 'events.jsonl'))).events;
  }

  // The file calls are synchronous: an append is small, and nothing may come between its write and
  // its sync.
  async appendEvents(events: readonly RunEvent[]): Promise<void> {
    const bytes = encodeLines(events);
    // A torn tail goes when something takes its place, not when the run is merely opened.
    if (fstatSync(this.eventFile).size > this.eventBytes)
      ftruncateSync(this.eventFile, this.eventBytes);
    append(this.eventFile, bytes, this.eventBytes, 'events.jsonl');
    this.eventBytes += bytes.byteLength;
    this.events += events.length;
  }

  async appendTokens(block: Uint8Array): Promise<number> {
    const at = this.tokenBytes;
    append(this.tokenFile, block, at, 'tokens.bin');
    this.tokenBytes += block.byteLength;
    return at;
  }

  async readTokens(offset: number, bytes: number): Promise<Uint8Array> {
    const out = new Uint8Array(bytes);
    return out.subarray(0, readSync(this.tokenFile, out, 0, bytes, offset));
  }

  offset(): LogOffset {
    return { events: this.events, eventBytes: this.eventBytes, tokenBytes: this.tokenBytes };
  }

  async truncate(offset: LogOffset): Promise<void> {
    if (offset.eventBytes > this.eventBytes || offset.tokenBytes > this.tokenBytes) {
      throw new Error(
        `The log of run ${this.runId} cannot be cut to ${offset.eventBytes} and ` +
          `${offset.tokenBytes} bytes: it holds ${this.eventBytes} and ${this.tokenBytes}.`,
      );
    }
    ftruncateSync(this.eventFile, offset.eventBytes);
    ftruncateSync(this.tokenFile, offset.tokenBytes);
    fsyncSync(this.eventFile);
    fsyncSync(this.tokenFile);
    ({ events: this.events, eventBytes: this.eventBytes, tokenBytes: this.tokenBytes } = offset);
  }

  async saveCheckpoint(checkpoint: Checkpoint): Promise<number> {
    const bytes = encodeCheckpoint(checkpoint);
    const names = await this.checkpoints();
    const next = names.length ? Number(CHECKPOINT_NAME.exec(names[0]!)![1]) + 1 : 1;
    await this.writeFile(join('checkpoints', `${String(next).padStart(6, '0')}.ckpt`), bytes);
    for (const old of names.slice(KEEP_CHECKPOINTS - 1))
      await unlink(join(this.folder, 'checkpoints', old)).catch(() => undefined);
    return bytes.byteLength;
  }

  async loadCheckpoint(): Promise<FoundCheckpoint> {
    const stored = (await this.checkpoints()).map((name) => ({
      name: `checkpoints/${name}`,
      read: () => readFile(join(this.folder, 'checkpoints', name)),
    }));
    return usableCheckpoint(stored, {
      eventBytes: this.eventBytes,
      tokenBytes: this.tokenBytes,
      eventsUpTo: async (bytes) => {
        const out = new Uint8Array(bytes);
        return out.subarray(0, readSync(this.eventFile, out, 0, bytes, 0));
      },
    });
  }

  /**
   * Written beside its name first, synced, then renamed: a reader sees the old file or the new one.
   */
  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.folder, path);
    await mkdir(dirname(target), { recursive: true });
    try {
      const file = await open(`${target}.tmp`, 'w');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${target}.tmp`, target);
    } catch (error) {
      await rm(`${target}.tmp`, { force: true });
      throw full(error, path, bytes.byteLength);
    }
  }

  async readFile(path: string): Promise<Uint8Array | null> {
    return readFile(join(this.folder, path)).then(
      (bytes) => new Uint8Array(bytes),
      () => null,
    );
  }

  async close(): Promise<void> {
    this.closeFiles();
    await this.unlock();
  }

  private closeFiles(): void {
    closeSync(this.eventFile);
    closeSync(this.tokenFile);
  }

  /** Names of the stored checkpoints, newest first. */
  private async checkpoints(): Promise<string[]> {
    const names = await readdir(join(this.folder, 'checkpoints'));
    return names
      .filter((name) => CHECKPOINT_NAME.test(name))
      .sort((a, b) => parseInt(b) - parseInt(a));
  }
}

/** Appends all of `bytes` and syncs, or leaves the file as long as it was. */
function append(file: number, bytes: Uint8Array, end: number, name: string): void {
  try {
    for (let done = 0; done < bytes.byteLength;) done += writeSync(file, bytes, done);
    fsyncSync(file);
  } catch (error) {
    if (fstatSync(file).size > end) ftruncateSync(file, end);
    throw full(error, name, bytes.byteLength);
  }
}

function full(error: unknown, name: string, bytes: number): Error {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new StorageFullError(
      `The disk is full: ${bytes} bytes for ${name} could not be written. Everything stored so ` +
        'far is whole; free some space and resume the run.',
    );
  }
  return error instanceof Error ? error : new Error(messageOf(error));
}
