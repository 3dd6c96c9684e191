import {
  access,
  constants,
  mkdir,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../lib/errors.ts';

/** Writes a line to stdout; resolves when the pipe has taken it. */
export function print(line: string): Promise<void> {
  return write(`${line}\n`);
}

/** Writes text to stdout as it is; resolves when the pipe has taken it. */
export function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** A remark for people, on stderr. */
export function remark(line: string): void {
  process.stderr.write(`${line}\n`);
}

export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export async function readText(path: string, what: string): Promise<string> {
  return (await readBytes(path, what)).toString('utf8');
}

export async function readBytes(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`${what} ${path} cannot be read: ${reason(error)}.`, { cause: error });
  }
}

/**
 * Makes the folder that results go to, before the work that they come from; throws a sentence where
 * nothing can be written.
 */
export async function outFolder(folder: string): Promise<void> {
  try {
    await makeFolder(resolve(folder));
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new Error(
      `Nothing can be written to the folder ${folder}: ${reason(error)}; choose another --out.`,
      { cause: error },
    );
  }
}

/** The same for a file of results. */
export async function outFile(file: string): Promise<void> {
  await outFolder(dirname(file));
  const there = await stat(file).catch(() => null);
  if (there?.isDirectory())
    throw new Error(`${file} cannot be written: it is a folder; give --out the name of a file.`);
}

/**
 * Writes a file of results beside its name, syncs it, then renames it: where the disk is full or the
 * process is killed, a file of that name stays as it was. A link is followed, and what is no regular
 * file (a pipe, /dev/stdout) is written to directly. Throws a sentence.
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array | AsyncIterable<string>,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const there = await stat(target).catch(() => null);
  const direct = there !== null && !there.isFile();
  const written = direct ? target : `${target}.${process.pid}.part`;
  try {
    const file = await open(written, 'w', direct || !there ? 0o666 : there.mode);
    try {
      await writeFile(file, content);
      if (!direct) await file.sync();
    } finally {
      await file.close();
    }
    if (!direct) await rename(written, target);
  } catch (error) {
    if (!direct) await rm(written, { force: true });
    const kept = there?.isFile() ? ' The file that was there is unchanged.' : '';
    throw new Error(
      `${path} cannot be written: ${reason(error)}.${kept} Free some space, or choose another --out.`,
      { cause: error },
    );
  }
}

/** Folder by folder: below /proc, Node's own recursive mkdir never comes back. */
async function makeFolder(folder: string): Promise<void> {
  const there = await stat(folder).catch(() => null);
  if (there?.isDirectory()) return;
  if (there) throw new Error(`${folder} is a file`);
  await makeFolder(dirname(folder));
  await mkdir(folder).catch(async (error: unknown) => {
    // Somebody else may have made it meanwhile.
    if (!(await stat(folder).catch(() => null))?.isDirectory()) throw error;
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is spent',
  EFBIG: 'the file would be larger than is allowed here',
};

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? messageOf(error);
}

/** Items in blocks of `size`, in order. */
export function* blocks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
