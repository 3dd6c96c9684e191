import { readFileSync } from 'node:fs';

/** Linux counts processor time in these, of a hundredth of a second. */
const TICKS_PER_MS = 0.1;

/**
 * Processor time of a process so far, in milliseconds: what a busy machine leaves comparable.
 * `ended` is that of its children that have ended. Null where there is no /proc.
 */
export function processorMs(
  pid: number | undefined = process.pid,
): { readonly own: number; readonly ended: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15) as [
      number,
      number,
      number,
      number,
    ];
    return { own: (user + system) / TICKS_PER_MS, ended: (endedUser + endedSystem) / TICKS_PER_MS };
  } catch {
    return null;
  }
}

/** Resident memory of a process in MiB, where there is a /proc. */
export function residentMib(pid: number | undefined): number | null {
  try {
    const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Number((Number(kib) / 1024).toFixed(1));
  } catch {
    return null;
  }
}
