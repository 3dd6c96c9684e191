import type { ModelRoom } from '../../schema/models.ts';
import type { ModelFolder, ModelFolders, ModelWriter } from '../model-folders.ts';
import { storageError } from './opfs-log.ts';

/**
 * Takes what is named for this tab until the function that comes back is called; null while another
 * tab has it.
 */
export type Claim = (name: string) => Promise<(() => void) | null>;

/**
 * Models in the browser: `models/<name>/` of the origin private file system. Written through
 * synchronous access handles, which only dedicated workers have; read as files, so that several
 * tabs may read one model.
 */
export class OpfsModels implements ModelFolders {
  readonly place = "this browser's storage";

  constructor(
    private readonly root: FileSystemDirectoryHandle,
    private readonly takeName: Claim,
    private readonly storage: Pick<StorageManager, 'estimate' | 'persisted'>,
  ) {}

  static async create(claim: Claim): Promise<OpfsModels> {
    const root = await navigator.storage.getDirectory();
    return new OpfsModels(
      await root.getDirectoryHandle('models', { create: true }),
      claim,
      navigator.storage,
    );
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const [name, handle] of this.root.entries())
      if (handle.kind === 'directory') names.push(name);
    return names;
  }

  folder(name: string): ModelFolder {
    return new OpfsFolder(this.root, name);
  }

  async remove(name: string): Promise<void> {
    await this.root.removeEntry(name, { recursive: true }).catch(unlessMissing);
  }

  async room(): Promise<ModelRoom> {
    const [{ usage, quota }, persisted] = await Promise.all([
      this.storage.estimate(),
      this.storage.persisted(),
    ]);
    const used = usage ?? null;
    return {
      used,
      free: used === null || quota === undefined ? null : Math.max(0, quota - used),
      persisted,
    };
  }

  async claim(name: string): Promise<(() => Promise<void>) | null> {
    const release = await this.takeName(`model ${name}`);
    return release && (async () => release());
  }
}

class OpfsFolder implements ModelFolder {
  readonly label: string;

  constructor(
    private readonly root: FileSystemDirectoryHandle,
    private readonly name: string,
  ) {
    this.label = name;
  }

  async files(): Promise<string[]> {
    const folder = await this.handle();
    const names: string[] = [];
    if (folder)
      for await (const [name, handle] of folder.entries())
        if (handle.kind === 'file') names.push(name);
    return names;
  }

  async size(path: string): Promise<number | null> {
    return (await this.file(path))?.size ?? null;
  }

  async read(path: string): Promise<Uint8Array | null> {
    const file = await this.file(path);
    return file && new Uint8Array(await file.arrayBuffer());
  }

  async readRange(path: string, start: number, end: number): Promise<Uint8Array> {
    const file = await this.file(path);
    if (!file || file.size < end)
      throw new Error(
        `${path} of ${this.name} ends at byte ${file?.size ?? 0}, bytes ${start} to ${end} were asked for.`,
      );
    return new Uint8Array(await file.slice(start, end).arrayBuffer());
  }

  async write(path: string, length: number): Promise<ModelWriter> {
    const handle = await (
      await (await this.folderOf(path, true)).getFileHandle(nameOf(path), { create: true })
    ).createSyncAccessHandle();
    handle.truncate(length);
    return new OpfsWriter(handle, path, length);
  }

  async remove(path: string): Promise<void> {
    const folder = await this.folderOf(path).catch(unlessMissing);
    await folder?.removeEntry(nameOf(path)).catch(unlessMissing);
  }

  private handle(): Promise<FileSystemDirectoryHandle | null> {
    return this.root.getDirectoryHandle(this.name).catch(unlessMissing);
  }

  private async file(path: string): Promise<File | null> {
    const folder = await this.folderOf(path).catch(unlessMissing);
    const handle = await folder?.getFileHandle(nameOf(path)).catch(unlessMissing);
    return handle ? handle.getFile() : null;
  }

  /** The folder that a file lies in; `create` makes what is missing. */
  private async folderOf(path: string, create = false): Promise<FileSystemDirectoryHandle> {
    let folder = await this.root.getDirectoryHandle(this.name, { create });
    for (const name of path.split('/').slice(0, -1))
      folder = await folder.getDirectoryHandle(name, { create });
    return folder;
  }
}

/** The last part of a path. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

class OpfsWriter implements ModelWriter {
  constructor(
    private readonly handle: FileSystemSyncAccessHandle,
    private readonly path: string,
    private at: number,
  ) {}

  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength;) {
        const written = this.handle.write(bytes.subarray(done), { at: this.at + done });
        // A full disk may show as a write that takes nothing.
        if (written === 0) throw new DOMException('Nothing more is taken.', 'QuotaExceededError');
        done += written;
      }
    } catch (error) {
      throw storageError(error, bytes.byteLength, this.path);
    }
    this.at += bytes.byteLength;
  }

  async flush(): Promise<void> {
    this.handle.flush();
  }

  async close(): Promise<void> {
    this.handle.close();
  }
}

function unlessMissing(error: unknown): null {
  if (error instanceof DOMException && error.name === 'NotFoundError') return null;
  throw error;
}
