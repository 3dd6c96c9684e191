import type { NewEvent, RunEvent } from '../schema/events.ts';
import type { StoredRun } from '../storage/run-store.ts';

/** Longest that an event waits before it is made durable, ms. */
const LINGER = 100;

/**
 * The only writer of a run's log: numbers events, keeps them in order, and makes them durable in
 * batches. Listeners hear of an event after it is stored, so what they see is what a reload would
 * show.
 */
export class LogWriter {
  private seq = 0;
  private tokenBytes = 0;
  private events: RunEvent[] = [];
  private blocks: Uint8Array[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private chain: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | null = null;

  constructor(
    private readonly stored: StoredRun,
    private readonly clock: () => number,
    private readonly onEvents: (events: readonly RunEvent[]) => void,
  ) {
    this.rewind();
  }

  emit(event: NewEvent): void {
    this.events.push({ seq: this.seq++, time: this.clock(), ...event });
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.flush().catch(() => undefined); // kept in `failure`; the next awaited flush reports it
    }, LINGER);
  }

  /** Returns where the block will start in tokens.bin. */
  columns(bytes: Uint8Array): number {
    const at = this.tokenBytes;
    this.blocks.push(bytes);
    this.tokenBytes += bytes.byteLength;
    return at;
  }

  /**
   * Resolves when all that was emitted is durable; rejects with the store's sentence when it is
   * not.
   */
  flush(): Promise<void> {
    this.chain = this.chain.then(async () => {
      if (this.failure) throw this.failure.error;
      const events = this.events;
      const blocks = this.blocks;
      this.events = [];
      this.blocks = [];
      try {
        // Columns first: an event never points at bytes that are not there.
        if (blocks.length) await this.stored.appendTokens(concat(blocks));
        if (events.length) await this.stored.appendEvents(events);
      } catch (error) {
        this.failure = { error };
        throw error;
      }
      if (events.length) this.onEvents(events);
    });
    const flushed = this.chain;
    this.chain = flushed.catch(() => undefined);
    return flushed;
  }

  /**
   * Forgets what is not stored and goes on from the store's end: after a cut, or a write that
   * failed.
   */
  rewind(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.events = [];
    this.blocks = [];
    this.failure = null;
    const offset = this.stored.offset();
    this.seq = offset.events;
    this.tokenBytes = offset.tokenBytes;
  }

  /** Waits for writes under way and stops the timer; what is queued is left out. */
  async close(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    await this.chain;
  }
}

function concat(blocks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(blocks.reduce((sum, block) => sum + block.byteLength, 0));
  let at = 0;
  for (const block of blocks) {
    out.set(block, at);
    at += block.byteLength;
  }
  return out;
}

/** Keeps `value` as a JSON file of the run. */
export function writeJson(stored: StoredRun, path: string, value: unknown): Promise<void> {
  return stored.writeFile(path, new TextEncoder().encode(JSON.stringify(value, null, 2) + '\n'));
}
