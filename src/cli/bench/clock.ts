/**
 * Seconds on the wall, and of processor time of this whole process: on a software adapter the GPU's
 * work is in it.
 */
export interface Spent {
  readonly wall: number;
  readonly processor: number;
}

export function now(): Spent {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now() / 1000, processor: (user + system) / 1e6 };
}

export function since(begin: Spent, end: Spent = now()): Spent {
  return { wall: end.wall - begin.wall, processor: end.processor - begin.processor };
}

/** What `work` gives, and what it took. */
export async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly spent: Spent }> {
  const begin = now();
  const value = await work();
  return { value, spent: since(begin) };
}

/** The same of both clocks. */
export function bothClocks(f: (clock: keyof Spent) => number): Spent {
  return { wall: f('wall'), processor: f('processor') };
}
