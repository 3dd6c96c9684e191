/**
 * First-fit ranges of key/value rows from `first` up to `end`. Deterministic: the same calls give
 * the same places.
 */
export class RowAllocator {
  readonly #taken = new Map<number, number>();

  constructor(
    private readonly first: number,
    private readonly end: number,
  ) {}

  /** First row of a free range of `count`; throws when there is none. */
  take(count: number): number {
    const ranges = [...this.#taken].sort(([a], [b]) => a - b);
    let start = this.first;
    for (const [at, length] of ranges) {
      if (at - start >= count) break;
      start = at + length;
    }
    if (start + count > this.end)
      throw new Error(
        `No ${count} consecutive key/value rows are free of ${this.end - this.first}.`,
      );
    this.#taken.set(start, count);
    return start;
  }

  release(start: number): void {
    this.#taken.delete(start);
  }
}
