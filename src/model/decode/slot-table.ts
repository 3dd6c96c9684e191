import { ROW, type RowState } from '../../kernels/rows.ts';
import { SLOT, slotAt, writeSlot, type SlotState } from '../../kernels/sample.ts';

/**
 * The decode slots as the host knows them: who has which, and the words of their rows and states
 * that the device has yet to get. The device moves both on with every token, so words of a running
 * slot are the device's unless `read` has just brought them.
 */
export class SlotTable<T> {
  /** Who has each slot in use; null: nobody, until it is given away or compacted. */
  readonly jobs: (T | null)[] = [];
  readonly #states: Uint32Array<ArrayBuffer>;
  readonly #rows: Uint32Array<ArrayBuffer>;
  readonly #changed = new Set<number>();

  constructor(private readonly capacity: number) {
    this.#states = new Uint32Array(capacity * SLOT.words);
    this.#rows = new Uint32Array(capacity * ROW.words);
  }

  get length(): number {
    return this.jobs.length;
  }

  get occupied(): number {
    return this.jobs.reduce((n, job) => n + (job === null ? 0 : 1), 0);
  }

  /** The first free slot, or null where all are taken. */
  free(): number | null {
    const slot = this.jobs.indexOf(null);
    if (slot !== -1) return slot;
    return this.jobs.length < this.capacity ? this.jobs.length : null;
  }

  put(slot: number, job: T, row: RowState, state: SlotState): void {
    this.jobs[slot] = job;
    ROW.write(this.#rows, slot, row);
    writeSlot(this.#states, slot, state);
    this.#changed.add(slot);
  }

  /**
   * Ends a slot on the device too. Until it is given away it goes on computing, so it writes its
   * key/value row to `nowhere`: its own rows may be somebody else's by then.
   */
  clear(slot: number, nowhere: number): void {
    this.jobs[slot] = null;
    ROW.write(this.#rows, slot, {
      token: 0,
      position: 0,
      kv: nowhere,
      prefixStart: 0,
      prefixLen: 0,
      ownStart: nowhere,
      ownLen: 1,
      adapter: 0,
    });
    writeSlot(this.#states, slot, { ...slotAt(this.#states, slot), done: true });
    this.#changed.add(slot);
  }

  /** Takes over what the device has; nothing may be in flight. */
  read(rows: Uint32Array, states: Uint32Array): void {
    this.#rows.set(rows);
    this.#states.set(states);
  }

  /** Moves the taken slots together. What the host knows of them must be current. */
  compact(): void {
    let to = 0;
    this.jobs.forEach((job, from) => {
      if (job === null) return;
      if (to !== from) {
        this.jobs[to] = job;
        ROW.entry(this.#rows, to).set(ROW.entry(this.#rows, from));
        SLOT.entry(this.#states, to).set(SLOT.entry(this.#states, from));
        this.#changed.add(to);
      }
      to += 1;
    });
    this.jobs.length = to;
  }

  /** Hands out the changed words with their place in bytes. */
  upload(
    row: (words: Uint32Array, at: number) => void,
    state: (words: Uint32Array, at: number) => void,
  ): void {
    for (const slot of this.#changed) {
      if (slot >= this.jobs.length) continue;
      row(ROW.entry(this.#rows, slot), 4 * slot * ROW.words);
      state(SLOT.entry(this.#states, slot), 4 * slot * SLOT.words);
    }
    this.#changed.clear();
  }
}
