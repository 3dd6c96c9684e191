import { GuestLost, type GuestHandle } from './guest-handle.ts';

/** Programs a guest runs before it is replaced anyway. */
const PROGRAMS_PER_GUEST = 400;

interface Waiter {
  resolve: (guest: GuestHandle) => void;
  reject: (error: Error) => void;
}

/**
 * Up to `size` guests at work and one warm spare beside them, first come, first served. A guest that is killed is
 * replaced by the spare at once while the next spare boots, so a hanging program delays nobody else.
 */
export class Pool {
  private readonly idle: GuestHandle[] = [];
  private readonly waiting: Waiter[] = [];
  private readonly guests = new Set<GuestHandle>();
  private booting = 0;
  private busy = 0;
  private closed = false;

  constructor(
    private readonly size: number,
    private readonly bootGuest: () => Promise<GuestHandle>,
  ) {}

  /** A clean guest for one program. Rejects when none can be booted. */
  acquire(signal?: AbortSignal): Promise<GuestHandle> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new GuestLost('the sandbox is closed'));
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const abort = (): void => {
        const at = this.waiting.indexOf(waiter);
        if (at >= 0) this.waiting.splice(at, 1);
        reject(signal?.reason as Error);
      };
      const settle = (): void => signal?.removeEventListener('abort', abort);
      const waiter: Waiter = {
        resolve: (guest) => (settle(), resolve(guest)),
        reject: (error) => (settle(), reject(error)),
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.waiting.push(waiter);
      this.serve();
    });
  }

  /** Gives a guest back after its program. Restoring happens here, after the verdict is out. */
  release(guest: GuestHandle): void {
    guest.programs += 1;
    void this.clean(guest).then((clean) => {
      this.busy -= 1;
      if (clean && !this.closed) this.idle.push(guest);
      else this.drop(guest);
      this.serve();
    });
  }

  close(): void {
    this.closed = true;
    for (const guest of this.guests) guest.kill('the sandbox was closed');
    this.guests.clear();
    for (const waiter of this.waiting.splice(0)) waiter.reject(new GuestLost('the sandbox was closed'));
  }

  private async clean(guest: GuestHandle): Promise<boolean> {
    if (!guest.alive || guest.programs >= PROGRAMS_PER_GUEST) return false;
    const timer = setTimeout(() => guest.kill('it did not come back after its program'), 5000);
    try {
      return (await guest.restore()) === null;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  private drop(guest: GuestHandle): void {
    this.guests.delete(guest);
    guest.kill('it was replaced');
  }

  private serve(): void {
    while (this.waiting.length > 0 && this.busy < this.size && this.idle.length > 0) {
      const guest = this.idle.shift() as GuestHandle;
      if (!guest.alive) {
        this.drop(guest);
        continue;
      }
      this.busy += 1;
      this.waiting.shift()?.resolve(guest);
    }
    this.refill();
  }

  private refill(): void {
    if (this.closed) return;
    // The spare comes after the first guest: it must not slow that one's boot down.
    const wanted = this.guests.size === 0 ? 1 : Math.min(this.size, this.busy + this.waiting.length) + 1;
    while (this.guests.size + this.booting < wanted) {
      this.booting += 1;
      void this.bootGuest().then(
        (guest) => {
          this.booting -= 1;
          if (this.closed) return guest.kill('the sandbox was closed');
          this.guests.add(guest);
          this.idle.push(guest);
          this.serve();
        },
        (error: Error) => {
          this.booting -= 1;
          // Only those who would wait for ever: a guest at work will serve the rest.
          if (this.guests.size === 0 && this.booting === 0) {
            for (const waiter of this.waiting.splice(0)) waiter.reject(error);
          }
        },
      );
    }
  }
}
