import { ROW_WORDS, writeRow, type RowState } from '../../kernels/rows.ts';
import { SLOT_DONE, SLOT_WORDS } from '../../kernels/sample.ts';

/**
 * The decode slots as the host knows them: who has which, and the words of their rows and states
 * that the device has yet to get. The device moves both on with every token, so words of a running
 * slot are the device's unless `read` has just brought them.
 */
export class SlotTable<T> {
  /** Who has each slot in use; null: nobody, until it is given away or compacted. */
  readonly jobs: (T | null)[] = [];
  readonly state: Uint32Array<ArrayBuffer>;
  readonly #rows: Uint32Array<ArrayBuffer>;
  readonly #changed = new Set<number>();

  constructor(private readonly capacity: number) {
    this.state = new Uint32Array(capacity * SLOT_WORDS);
    this.#rows = new Uint32Array(capacity * ROW_WORDS);
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

  /** Its words of `state` are the caller's to fill. */
  put(slot: number, job: T, row: RowState): void {
    this.jobs[slot] = job;
    writeRow(this.#rows, slot, row);
    this.#changed.add(slot);
  }

  /**
   * Ends a slot on the device too. Until it is given away it goes on computing, so it writes its
   * key/value row to `nowhere`: its own rows may be somebody else's by then.
   */
  clear(slot: number, nowhere: number): void {
    this.jobs[slot] = null;
    writeRow(this.#rows, slot, {
      token: 0,
      position: 0,
      kv: nowhere,
      prefixStart: 0,
      prefixLen: 0,
      ownStart: nowhere,
      ownLen: 1,
      adapter: 0,
    });
    this.state[slot * SLOT_WORDS + SLOT_DONE] = 1;
    this.#changed.add(slot);
  }

  /** Takes over what the device has; nothing may be in flight. */
  read(rows: Uint32Array, state: Uint32Array): void {
    this.#rows.set(rows);
    this.state.set(state);
  }

  /** Moves the taken slots together. What the host knows of them must be current. */
  compact(): void {
    let to = 0;
    this.jobs.forEach((job, from) => {
      if (job === null) return;
      if (to !== from) {
        this.jobs[to] = job;
        this.#rows.copyWithin(to * ROW_WORDS, from * ROW_WORDS, (from + 1) * ROW_WORDS);
        this.state.copyWithin(to * SLOT_WORDS, from * SLOT_WORDS, (from + 1) * SLOT_WORDS);
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
      row(this.#rows.subarray(slot * ROW_WORDS, (slot + 1) * ROW_WORDS), 4 * slot * ROW_WORDS);
      state(this.state.subarray(slot * SLOT_WORDS, (slot + 1) * SLOT_WORDS), 4 * slot * SLOT_WORDS);
    }
    this.#changed.clear();
  }
}
