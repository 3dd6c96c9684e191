import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSource } from '../../model/weights/source.ts';

/** The files of a folder on this machine. */
export function folderSource(folder: string): FileSource {
  return {
    label: folder,
    async read(path) {
      return orNull(async () => new Uint8Array(await readFile(join(folder, path))));
    },
    async size(path) {
      return orNull(async () => {
        const stats = await stat(join(folder, path));
        return stats.isFile() ? stats.size : null;
      });
    },
    async readRange(path, start, end) {
      const handle = await open(join(folder, path), 'r');
      try {
        return await readExactly(handle, join(folder, path), start, end);
      } finally {
        await handle.close();
      }
    },
  };
}

/** One read call may return less than asked for (Linux stops at 2 GiB). */
async function readExactly(
  handle: FileHandle,
  file: string,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(
      bytes,
      done,
      Math.min(bytes.length - done, 2 ** 30),
      start + done,
    );
    if (bytesRead === 0)
      throw new Error(
        `${file} ends at byte ${start + done}, bytes ${start} to ${end} were asked for.`,
      );
    done += bytesRead;
  }
  return bytes;
}

async function orNull<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null;
    throw error;
  }
}
