import { GuestLost, type GuestHandle } from './guest-handle.ts';

/** Programs a guest runs before it is replaced anyway. */
const PROGRAMS_PER_GUEST = 1000;
/** One who wants the pool for itself waits for a quiet moment, but not for ever. */
const PATIENCE_MS = 30_000;
/** Boots that fail in a row before those who wait are told. */
const BOOT_TRIES = 3;
/** A guest that does not come back from its program in this time is lost. */
const RETURN_MS = 5000;

/**
 * Programs at work at the same time: a core is left to the rest, and more than four help nobody.
 */
export function poolSize(cores: number): number {
  return Math.max(1, Math.min(4, cores - 1));
}

/** What a program asks of the pool. */
export interface Demand {
  readonly caller?: string | undefined;
  /** A guest that has run nothing. */
  readonly fresh?: boolean | undefined;
  /** A fresh guest beside the pool's own, when nobody else is at work or waiting. */
  readonly alone?: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface Waiter {
  readonly fresh: boolean;
  impatient: boolean;
  resolve: (guest: GuestHandle) => void;
  reject: (error: Error) => void;
}

/** Counts since the pool was made. */
export interface PoolCounts {
  programs: number;
  boots: number;
  /** Guests thrown away, by reason. */
  readonly recycled: Record<string, number>;
}

/**
 * Up to `size` guests at work and one warm spare beside them. Callers are served in turn, each
 * first come, first served. A guest that is killed is replaced by the spare at once while the next
 * spare boots, so a hanging program delays nobody else.
 */
export class Pool {
  readonly counts: PoolCounts = { programs: 0, boots: 0, recycled: {} };
  private readonly idle: GuestHandle[] = [];
  /** Waiters by caller; the map's order is whose turn it is. */
  private readonly waiting = new Map<string, Waiter[]>();
  private readonly loners: Waiter[] = [];
  private readonly guests = new Set<GuestHandle>();
  /** Guests of before `renew`: dropped when they come back. */
  private readonly outdated = new WeakSet<GuestHandle>();
  private loner: GuestHandle | null = null;
  private booting = 0;
  /** Boots that failed since one succeeded. */
  private failures = 0;
  private busy = 0;
  private closed = false;

  constructor(
    private readonly size: number,
    private readonly bootGuest: () => Promise<GuestHandle>,
  ) {}

  /** A clean guest for one program. Rejects when none can be booted. */
  acquire({
    caller = '',
    fresh = false,
    alone = false,
    signal,
  }: Demand = {}): Promise<GuestHandle> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new GuestLost('the sandbox is closed'));
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const queue = alone ? this.loners : (this.waiting.get(caller) ?? []);
      if (!alone) this.waiting.set(caller, queue);
      const patience = alone
        ? setTimeout(() => {
            waiter.impatient = true;
            this.serve();
          }, PATIENCE_MS)
        : undefined;
      const settle = (): void => {
        clearTimeout(patience);
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        const at = queue.indexOf(waiter);
        if (at >= 0) queue.splice(at, 1);
        waiter.reject(signal?.reason as Error);
        this.serve();
      };
      const waiter: Waiter = {
        fresh: fresh || alone,
        impatient: false,
        resolve: (guest) => (settle(), resolve(guest)),
        reject: (error) => (settle(), reject(error)),
      };
      signal?.addEventListener('abort', abort, { once: true });
      queue.push(waiter);
      this.serve();
    });
  }

  /**
   * Gives a guest back after its program. `done` says whether it can run another; it is waited for
   * here, after the verdict is out. `keep` false: it is not to run another in any case.
   */
  release(guest: GuestHandle, done = guest.restore(), keep = true): void {
    guest.programs += 1;
    this.counts.programs += 1;
    void this.returned(guest, done).then((why) => {
      if (this.loner === guest) this.loner = null;
      else this.busy -= 1;
      why ??= keep ? null : 'it was for one program';
      if (why === null && !this.closed && !this.outdated.has(guest)) this.idle.push(guest);
      else this.drop(guest, why ?? 'the pool was renewed');
      this.serve();
    });
  }

  /** Whether programs wait while no guest is free for them. */
  get contended(): boolean {
    return this.busy >= this.size && this.count() > 0;
  }

  /** No guest that is there now runs another program. */
  renew(): void {
    for (const guest of this.guests) this.outdated.add(guest);
    for (const guest of this.idle.splice(0)) this.drop(guest, 'the pool was renewed');
    this.serve();
  }

  close(): void {
    this.closed = true;
    for (const guest of this.guests) guest.kill('the sandbox was closed');
    this.guests.clear();
    this.refuse(new GuestLost('the sandbox was closed'));
  }

  private refuse(error: Error, whom: (waiter: Waiter) => boolean = () => true): void {
    for (const queue of [...this.waiting.values(), this.loners]) {
      for (const waiter of queue.splice(0)) {
        if (whom(waiter)) waiter.reject(error);
        else queue.push(waiter);
      }
    }
  }

  private async returned(guest: GuestHandle, done: Promise<string | null>): Promise<string | null> {
    const timer = setTimeout(() => guest.kill('it did not come back after its program'), RETURN_MS);
    try {
      const why = await done;
      return (
        why ??
        (guest.programs >= PROGRAMS_PER_GUEST ? `it has run ${PROGRAMS_PER_GUEST} programs` : null)
      );
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(timer);
    }
  }

  private drop(guest: GuestHandle, why: string): void {
    this.guests.delete(guest);
    guest.kill(why);
    // What stands in brackets may be the program's own words.
    const reason = why.replace(/ \(.*/s, '');
    this.counts.recycled[reason] = (this.counts.recycled[reason] ?? 0) + 1;
  }

  private serve(): void {
    for (let i = this.idle.length - 1; i >= 0; i--) {
      const guest = this.idle[i] as GuestHandle;
      if (!guest.alive) this.drop(this.idle.splice(i, 1)[0] as GuestHandle, 'it died while idle');
    }
    while (this.busy < this.size && this.serveNext()) this.busy += 1;
    const first = this.loners[0];
    const quiet = this.busy === 0 && this.count() === 0;
    if (first !== undefined && this.loner === null && (quiet || first.impatient)) {
      const guest = this.take(true);
      if (guest !== null) {
        this.loner = guest;
        this.loners.shift();
        first.resolve(guest);
      }
    }
    this.refill();
  }

  /** Serves the caller whose turn it is and who can be served; false when nobody can. */
  private serveNext(): boolean {
    for (const [caller, queue] of this.waiting) {
      const waiter = queue[0];
      if (waiter === undefined) {
        this.waiting.delete(caller);
        continue;
      }
      const guest = this.take(waiter.fresh);
      if (guest === null) continue;
      queue.shift();
      this.waiting.delete(caller);
      if (queue.length > 0) this.waiting.set(caller, queue);
      waiter.resolve(guest);
      return true;
    }
    return false;
  }

  /** Used guests first: the spare stays fresh for the one who needs it. */
  private take(fresh: boolean): GuestHandle | null {
    const used = fresh ? -1 : this.idle.findIndex((guest) => guest.programs > 0);
    const at = used >= 0 ? used : this.idle.findIndex((guest) => guest.programs === 0);
    return at < 0 ? null : (this.idle.splice(at, 1)[0] as GuestHandle);
  }

  private count(fresh = false): number {
    let count = 0;
    for (const queue of this.waiting.values())
      count += queue.filter((waiter) => !fresh || waiter.fresh).length;
    return count;
  }

  private refill(): void {
    if (this.closed) return;
    const free = this.size - this.busy;
    // The spare comes after the first guest: it must not slow that one's boot down.
    const spare = this.guests.size === 0 ? (this.count() + this.loners.length > 0 ? 0 : 1) : 1;
    const wanted = Math.min(free, this.count()) + spare;
    const lone =
      this.loners.length > 0 && this.loner === null && this.busy + this.count() === 0 ? 1 : 0;
    const wantedFresh = Math.min(free, this.count(true)) + lone;
    const fresh = this.idle.filter((guest) => guest.programs === 0).length;
    const missing = Math.max(wanted - this.idle.length, wantedFresh - fresh) - this.booting;
    for (let i = 0; i < missing; i++) this.boot();
    // Used guests that fresh ones were booted beside.
    while (this.idle.length > this.size + 1) {
      const used = this.idle.findIndex((guest) => guest.programs > 0);
      this.drop(this.idle.splice(Math.max(0, used), 1)[0] as GuestHandle, 'there were too many');
    }
  }

  private boot(): void {
    this.booting += 1;
    this.counts.boots += 1;
    void this.bootGuest().then(
      (guest) => {
        this.booting -= 1;
        this.failures = 0;
        if (this.closed) return guest.kill('the sandbox was closed');
        this.guests.add(guest);
        this.idle.push(guest);
        this.serve();
      },
      (error: Error) => {
        this.booting -= 1;
        this.failures += 1;
        // A machine with much else to do may be too slow for one boot; whoever waits gets a few.
        if (this.failures < BOOT_TRIES) return this.serve();
        // Only those who would wait for ever: a guest at work will serve the rest.
        if (this.booting === 0)
          this.refuse(error, (waiter) => waiter.fresh || this.guests.size === 0);
      },
    );
  }
}
