import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { MachineMemory, StorageRoom } from '../session/planning.ts';
import type { OptionSpec } from './args.ts';

export const MEMORY_FLAG = {
  memory: {
    kind: 'number',
    min: 0.01,
    value: 'GIB',
    help: 'GPU memory that may be taken (a cautious figure is assumed, since WebGPU does not tell)',
  },
} as const satisfies Record<string, OptionSpec>;

/** @param gib what `--memory` says. */
export function machineMemory(gib: number | undefined): MachineMemory {
  return { system: totalmem(), given: gib === undefined ? null : gib * 2 ** 30 };
}

/** Room on the disk that holds `folder`, or will. */
export async function storageRoom(folder: string): Promise<StorageRoom> {
  const disk = await statfs(folder).catch(() => statfs('.'));
  return { free: disk.bavail * disk.bsize, persisted: null };
}
