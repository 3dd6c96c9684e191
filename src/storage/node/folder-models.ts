import { mkdir, open, readdir, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, StorageFullError } from '../../lib/errors.ts';
import type { FileSource } from '../../model/weights/source.ts';
import type { ModelRoom } from '../../schema/models.ts';
import type { ModelFolder, ModelFolders, ModelWriter } from '../model-folders.ts';
import { claimFile } from './lock-file.ts';

/** Models as folders below `root`, one each. */
export class FolderModels implements ModelFolders {
  /** @param sourceOf reads a folder's files */
  constructor(
    private readonly root: string,
    private readonly sourceOf: (folder: string) => FileSource,
  ) {}

  get place(): string {
    return this.root;
  }

  async names(): Promise<string[]> {
    const entries = await readdir(this.root, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  }

  folder(name: string): ModelFolder {
    const path = join(this.root, name);
    return {
      ...this.sourceOf(path),
      async files() {
        const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
        return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
      },
      async write(file, length) {
        await mkdir(dirname(join(path, file)), { recursive: true });
        return NodeWriter.open(join(path, file), length);
      },
      remove: (file) => rm(join(path, file), { force: true }),
    };
  }

  remove(name: string): Promise<void> {
    return rm(join(this.root, name), { recursive: true, force: true });
  }

  async room(): Promise<ModelRoom> {
    // The folder may not be there yet; what it will lie in is.
    for (let path = this.root; ; path = dirname(path)) {
      const stats = await statfs(path).catch(() => null);
      if (stats)
        return {
          used: await treeBytes(this.root),
          free: stats.bavail * stats.bsize,
          persisted: null,
        };
      if (path === dirname(path)) return { used: null, free: null, persisted: null };
    }
  }

  async claim(name: string): Promise<(() => Promise<void>) | null> {
    await mkdir(this.root, { recursive: true });
    return claimFile(join(this.root, `${name}.lock`));
  }
}

/** Appends to one file. */
class NodeWriter implements ModelWriter {
  private constructor(
    private readonly handle: FileHandle,
    private readonly path: string,
    private at: number,
  ) {}

  static async open(path: string, length: number): Promise<NodeWriter> {
    const handle = await open(path, length === 0 ? 'w' : 'r+');
    await handle.truncate(length);
    return new NodeWriter(handle, path, length);
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength;) {
        const { bytesWritten } = await this.handle.write(
          bytes,
          done,
          bytes.byteLength - done,
          this.at + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      throw fullOr(error, this.path);
    }
    this.at += bytes.byteLength;
  }

  async flush(): Promise<void> {
    try {
      await this.handle.sync();
    } catch (error) {
      throw fullOr(error, this.path);
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** A full disk or a spent quota as a StorageFullError, anything else as it is. */
function fullOr(error: unknown, path: string): Error {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new StorageFullError(`${path} cannot grow: ${String(code)}`);
  return error instanceof Error ? error : new Error(messageOf(error));
}

async function treeBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => stat(join(entry.parentPath, entry.name)).catch(() => null)),
  );
  return sizes.reduce((sum, info) => sum + (info?.size ?? 0), 0);
}
