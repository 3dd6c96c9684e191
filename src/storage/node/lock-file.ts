import { randomUUID } from 'node:crypto';
import { link, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as v from 'valibot';

const Owner = v.object({
  pid: v.number(),
  host: v.string(),
  token: v.string(),
  /** When the process began, where the system tells: an id comes back after a restart. */
  began: v.optional(v.nullable(v.string()), null),
});
export type Owner = v.InferOutput<typeof Owner>;

/** Tokens of the locks that this process holds: its id on any other is of a process before it. */
const held = new Set<string>();

/**
 * A living owner touches its lock this often, ms; one on another machine that has not for so long
 * is gone.
 */
const BEAT_MS = 5_000;
const STALE_MS = 60_000;

/**
 * Takes a lock file for this process; null while a living process has it. A lock whose process is
 * gone (by its id on this machine, by its last touch on another) is taken over. What comes back
 * gives the lock free.
 */
export async function claimFile(path: string): Promise<(() => Promise<void>) | null> {
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    token: randomUUID(),
    began: await beginOf(process.pid),
  };
  if (!(await create(path, owner))) {
    const other = await ownerOf(path);
    if (other && !(await stale(path, other))) return null;
    if (!(await takeAway(path, other))) return null;
    if (!(await create(path, owner))) return null;
  }
  held.add(owner.token);
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, BEAT_MS);
  beat.unref();
  return async () => {
    clearInterval(beat);
    held.delete(owner.token);
    if ((await ownerOf(path))?.token === owner.token) await unlink(path).catch(() => undefined);
  };
}

/**
 * False where the file is there already. It appears with its content: written beside, then linked.
 */
async function create(path: string, owner: Owner): Promise<boolean> {
  const beside = `${path}.${owner.token}`;
  await writeFile(beside, JSON.stringify(owner));
  try {
    await link(beside, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(beside);
  }
}

/** Who has the lock; null where nobody does, or the file is none of these. */
export async function ownerOf(path: string): Promise<Owner | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const parsed = v.safeParse(Owner, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

async function stale(path: string, owner: Owner): Promise<boolean> {
  if (owner.host === hostname()) return !(await alive(owner));
  const info = await stat(path).catch(() => null);
  return info === null || Date.now() - info.mtimeMs > STALE_MS;
}

async function alive({ pid, token, began }: Owner): Promise<boolean> {
  if (pid === process.pid) return held.has(token);
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and somebody else's.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return began === null || began === (await beginOf(pid));
}

/** Start of a process in clock ticks since this boot, with the boot's id; null off Linux. */
async function beginOf(pid: number): Promise<string | null> {
  try {
    const [line, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The second field is the command in brackets, and may hold spaces and brackets itself.
    const ticks = line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? null : `${boot.trim()} ${ticks}`;
  } catch {
    return null;
  }
}

/**
 * Moves a dead owner's lock out of the way. Of several that try only one moves it; who moved a
 * living one that was made in between puts it back.
 */
async function takeAway(path: string, owner: Owner | null): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return true; // gone meanwhile
  }
  const moved = await ownerOf(aside);
  const same = moved?.token === owner?.token;
  if (!same) await link(aside, path).catch(() => undefined);
  await unlink(aside);
  return same;
}
