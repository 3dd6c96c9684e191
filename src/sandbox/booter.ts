import { GuestHandle, type Transport } from './guest-handle.ts';
import { HARNESS } from './guest-python.ts';
import preload from './preload.py';
import type { GuestBoot, PrivatePath } from './protocol.ts';

/** What differs between browser and Node. */
export interface SandboxHost {
  /** A new restricted process or worker that waits for its boot message. */
  spawn(): Transport;
  /** Pyodide's files: see `GuestBoot`. */
  readonly files: Pick<GuestBoot, 'loader' | 'stdlib' | 'wasm' | 'abi'>;
  /** See `GuestBoot`. */
  readonly recursion: number;
  /**
   * A memory image kept from an earlier session, if it is known to be of the same files and
   * preload.
   */
  readonly image?: Uint8Array | undefined;
  keepImage?(image: Uint8Array): void;
  close?(): void;
}

export interface BootOptions {
  /** Largest wasm heap in bytes (192 MiB). */
  readonly maxHeap?: number | undefined;
  /** Private paths not to take: see `PrivatePath`. */
  readonly without?: readonly PrivatePath[] | undefined;
}

const MAX_HEAP = 192 * 1024 * 1024;

/**
 * Boots guests that run the harness, or other Python. The first boots cold and leaves a memory
 * image; the others wait for it and boot from that, far sooner. An image that does not boot is
 * given up for good: every guest boots cold from then on.
 */
export function guestBooter(
  host: SandboxHost,
  options: BootOptions = {},
): (python?: string) => Promise<GuestHandle> {
  const { maxHeap = MAX_HEAP, without = [] } = options;
  let images = !without.includes('snapshot');
  let image = images ? host.image : undefined;
  let first: Promise<unknown> | null = null;
  const boot = (python: string | undefined, start: Pick<GuestBoot, 'image' | 'makeImage'>) =>
    GuestHandle.boot(host.spawn(), {
      ...host.files,
      preload,
      harness: HARNESS,
      python,
      maxHeap,
      recursion: host.recursion,
      without,
      ...start,
    });
  const cold = async (python: string | undefined): Promise<GuestHandle> => {
    const booted = await boot(python, { makeImage: images && image === undefined });
    if (booted.image !== undefined) {
      image = booted.image;
      host.keepImage?.(image);
    }
    return booted.guest;
  };
  return async (python) => {
    if (images && image === undefined && first !== null) await first.catch(() => undefined);
    if (images && image !== undefined) {
      const tried = image;
      try {
        return (await boot(python, { image: tried })).guest;
      } catch {
        // One that was kept may be stale: the next cold boot makes another. One of our own that
        // fails is the last.
        images = tried === host.image;
        if (image === tried) image = undefined;
      }
    }
    const booting = cold(python);
    first = booting;
    return booting;
  };
}
