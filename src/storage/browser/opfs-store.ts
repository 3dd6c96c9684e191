import { messageOf } from '../../lib/errors.ts';
import type { RunEvent } from '../../schema/events.ts';
import { encodeLines, parseLog } from '../log-lines.ts';
import type { NamedFile } from '../../schema/protocol.ts';
import type {
  Checkpoint,
  FoundCheckpoint,
  LogOffset,
  RunBytes,
  RunStore,
  StoredRun,
} from '../run-store.ts';
import { IndexedDbCheckpoints } from './checkpoints.ts';
import { OpfsLogFile } from './opfs-log.ts';

const EVENTS = 'events.jsonl';
const TOKENS = 'tokens.bin';
/** Bytes copied at a time. */
const COPY = 2 ** 22;
/** A file that grows while it is read gives an error, and is whole a moment later. */
const MOST_TRIES = 40;
const RETRY_MS = 50;
/** Bytes that surely hold `run.started`, problem ids included. */
const FIRST_EVENT = 2 ** 17;

/**
 * Runs in the browser: `runs/<id>/` of the origin private file system for events, token columns and
 * files, IndexedDB for checkpoints. Only dedicated workers have synchronous access handles, and a
 * handle is exclusive: `open` is for the tab that owns the run; others read through `peekEvents`
 * and `peekTokens`.
 */
export class BrowserStore implements RunStore {
  constructor(
    private readonly root: FileSystemDirectoryHandle,
    private readonly checkpoints = new IndexedDbCheckpoints(),
  ) {}

  static async create(): Promise<BrowserStore> {
    const storage = globalThis.navigator.storage as StorageManager | undefined;
    if (!storage?.getDirectory) {
      throw new Error(
        'This browser gives the page no private file system, so a run could not be kept; use a ' +
          'current Chrome, Edge, Firefox or Safari over HTTPS or localhost, outside private ' +
          'browsing.',
      );
    }
    const root = await storage.getDirectory();
    return new BrowserStore(await root.getDirectoryHandle('runs', { create: true }));
  }

  async list(): Promise<string[]> {
    const runs: { name: string; time: number }[] = [];
    for await (const [name, handle] of this.root.entries()) {
      if (handle.kind !== 'directory') continue;
      // Only the first event is read: logs can be long, and there may be many.
      const log = await bytesOf(handle, EVENTS, FIRST_EVENT);
      if (log) runs.push({ name, time: beginOf(log) });
    }
    return runs.sort((a, b) => b.time - a.time).map((run) => run.name);
  }

  async open(runId: string): Promise<StoredRun> {
    const folder = await this.root.getDirectoryHandle(runId, { create: true });
    const files: OpfsLogFile[] = [];
    try {
      for (const name of [EVENTS, TOKENS]) files.push(await OpfsLogFile.open(folder, name));
      return new BrowserRun(runId, folder, files[0]!, files[1]!, this.checkpoints);
    } catch (error) {
      files.forEach((file) => file.close()); // else nobody could read or delete them before a reload
      throw error;
    }
  }

  async delete(runId: string): Promise<void> {
    await this.root.removeEntry(runId, { recursive: true }).catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
    });
    await this.checkpoints.delete(runId);
  }

  /**
   * The whole events of a run that this or another tab may be writing; null when there is no such
   * run.
   */
  async peekEvents(runId: string): Promise<RunEvent[] | null> {
    const folder = await this.root.getDirectoryHandle(runId).catch(() => null);
    const bytes = folder && (await bytesOf(folder, EVENTS));
    return bytes ? parseLog(bytes).events : null;
  }

  async peekTokens(runId: string, offset: number, bytes: number): Promise<Uint8Array> {
    const folder = await this.root.getDirectoryHandle(runId);
    const file = await (await folder.getFileHandle(TOKENS)).getFile();
    return new Uint8Array(await file.slice(offset, offset + bytes).arrayBuffer());
  }

  /** A file that a run has left, such as its adapter's; null when there is none. */
  async peekFile(runId: string, path: string): Promise<Uint8Array | null> {
    try {
      const run = await this.root.getDirectoryHandle(runId);
      const { folder, name } = await locate(run, path, false);
      return await bytesOf(folder, name);
    } catch {
      return null;
    }
  }

  /** Bytes a run takes: log, token columns, what it has left, checkpoints. */
  async bytes(runId: string): Promise<RunBytes> {
    const checkpoints = await this.checkpoints.bytes(runId);
    const files = await this.files(runId);
    return { total: files.reduce((sum, { file }) => sum + file.size, checkpoints), checkpoints };
  }

  /** Everything kept of a run but its checkpoints. */
  async files(runId: string): Promise<NamedFile[]> {
    const folder = await this.root.getDirectoryHandle(runId).catch(() => null);
    if (!folder)
      throw new Error(`There is no run ${runId} in this browser; it may have been deleted.`);
    return filesBelow(folder, '');
  }

  /**
   * Keeps the files of a run that was made elsewhere; throws where there is a run of that id, or no
   * room.
   */
  async add(runId: string, files: readonly NamedFile[]): Promise<void> {
    if (await this.root.getDirectoryHandle(runId).catch(() => null))
      throw new Error(
        `Run ${runId} is in this browser already; delete it first to take the other copy.`,
      );
    try {
      const run = await this.root.getDirectoryHandle(runId, { create: true });
      for (const { path, file } of files) {
        const { folder, name } = await locate(run, path, true);
        const target = await OpfsLogFile.open(folder, name);
        try {
          for (let at = 0; at < file.size; at += COPY) {
            target.append(new Uint8Array(await file.slice(at, at + COPY).arrayBuffer()));
          }
        } finally {
          target.close();
        }
      }
    } catch (error) {
      await this.delete(runId);
      throw error;
    }
  }
}

class BrowserRun implements StoredRun {
  private events: number;

  constructor(
    readonly runId: string,
    private readonly folder: FileSystemDirectoryHandle,
    private readonly eventFile: OpfsLogFile,
    private readonly tokenFile: OpfsLogFile,
    private readonly checkpoints: IndexedDbCheckpoints,
  ) {
    const log = parseLog(eventFile.read(0, eventFile.size));
    eventFile.endAt(log.wholeBytes);
    this.events = log.events.length;
  }

  async readEvents(): Promise<RunEvent[]> {
    return parseLog(this.eventFile.read(0, this.eventFile.size)).events;
  }

  async appendEvents(events: readonly RunEvent[]): Promise<void> {
    this.eventFile.append(encodeLines(events));
    this.events += events.length;
  }

  async appendTokens(block: Uint8Array): Promise<number> {
    return this.tokenFile.append(block);
  }

  async readTokens(offset: number, bytes: number): Promise<Uint8Array> {
    return this.tokenFile.read(offset, bytes);
  }

  offset(): LogOffset {
    return {
      events: this.events,
      eventBytes: this.eventFile.size,
      tokenBytes: this.tokenFile.size,
    };
  }

  async truncate(offset: LogOffset): Promise<void> {
    const { eventBytes, tokenBytes } = this.offset();
    if (offset.eventBytes > eventBytes || offset.tokenBytes > tokenBytes) {
      throw new Error(
        `The log of run ${this.runId} cannot be cut to ${offset.eventBytes} and ` +
          `${offset.tokenBytes} bytes: it holds ${eventBytes} and ${tokenBytes}.`,
      );
    }
    this.eventFile.truncate(offset.eventBytes);
    this.tokenFile.truncate(offset.tokenBytes);
    this.events = offset.events;
  }

  async saveCheckpoint(checkpoint: Checkpoint): Promise<number> {
    return this.checkpoints.save(this.runId, checkpoint);
  }

  async loadCheckpoint(): Promise<FoundCheckpoint> {
    return this.checkpoints.load(this.runId, {
      ...this.offset(),
      eventsUpTo: async (bytes) => this.eventFile.read(0, bytes),
    });
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const { folder, name } = await locate(this.folder, path, true);
    const file = await OpfsLogFile.open(folder, name);
    try {
      file.truncate(0);
      file.append(bytes);
    } finally {
      file.close();
    }
  }

  async readFile(path: string): Promise<Uint8Array | null> {
    try {
      const { folder, name } = await locate(this.folder, path, false);
      return await bytesOf(folder, name);
    } catch {
      return null;
    }
  }

  async close(): Promise<void> {
    this.eventFile.close();
    this.tokenFile.close();
  }
}

/** When the log that begins with `bytes` began, ms; 0 where its first line is damaged. */
function beginOf(bytes: Uint8Array): number {
  try {
    return parseLog(bytes).events[0]?.time ?? 0;
  } catch {
    return 0; // listed all the same: whoever reads it whole says what is wrong with it
  }
}

async function filesBelow(folder: FileSystemDirectoryHandle, prefix: string): Promise<NamedFile[]> {
  const files: NamedFile[] = [];
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind === 'directory') files.push(...(await filesBelow(handle, `${prefix}${name}/`)));
    else files.push({ path: prefix + name, file: await handle.getFile() });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function locate(
  root: FileSystemDirectoryHandle,
  path: string,
  create: boolean,
): Promise<{ folder: FileSystemDirectoryHandle; name: string }> {
  const parts = path.split('/');
  const name = parts.pop()!;
  let folder = root;
  for (const part of parts) folder = await folder.getDirectoryHandle(part, { create });
  return { folder, name };
}

async function bytesOf(
  folder: FileSystemDirectoryHandle,
  name: string,
  most?: number,
): Promise<Uint8Array | null> {
  for (let tries = 1; ; tries++) {
    try {
      const file = await (await folder.getFileHandle(name)).getFile();
      return new Uint8Array(await (most === undefined ? file : file.slice(0, most)).arrayBuffer());
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotFoundError') return null;
      if (tries === MOST_TRIES)
        throw new Error(
          `${name} could not be read ${MOST_TRIES} times in a row (${messageOf(error)}), as it ` +
            'was being written each time; try again.',
          { cause: error },
        );
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
