/**
 * Times every dispatch with timestamp queries: each gets a pass of its own while a profiler is set
 * on the recorder, so use it to see where time goes, not to measure the whole.
 */
export class Profiler {
  readonly #set: GPUQuerySet;
  readonly #resolve: GPUBuffer;
  readonly #names: string[] = [];

  constructor(
    private readonly device: GPUDevice,
    private readonly capacity = 2048,
  ) {
    this.#set = device.createQuerySet({ type: 'timestamp', count: 2 * capacity });
    this.#resolve = device.createBuffer({
      size: 16 * capacity,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
  }

  /** Descriptor of the next dispatch's pass; past the capacity dispatches go untimed. */
  next(name: string): GPUComputePassDescriptor {
    const index = this.#names.length;
    if (index >= this.capacity) return {};
    this.#names.push(name);
    return {
      timestampWrites: {
        querySet: this.#set,
        beginningOfPassWriteIndex: 2 * index,
        endOfPassWriteIndex: 2 * index + 1,
      },
    };
  }

  /** Milliseconds and dispatches by kernel since the last report, slowest first. */
  async report(): Promise<{ name: string; ms: number; dispatches: number }[]> {
    const count = this.#names.length;
    if (count === 0) return [];
    const staging = this.device.createBuffer({
      size: 16 * count,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = this.device.createCommandEncoder();
    encoder.resolveQuerySet(this.#set, 0, 2 * count, this.#resolve, 0);
    encoder.copyBufferToBuffer(this.#resolve, 0, staging, 0, 16 * count);
    this.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const times = new BigUint64Array(staging.getMappedRange());
    const totals = new Map<string, { ms: number; dispatches: number }>();
    this.#names.forEach((name, i) => {
      const total = totals.get(name) ?? { ms: 0, dispatches: 0 };
      total.ms += Number((times[2 * i + 1] ?? 0n) - (times[2 * i] ?? 0n)) / 1e6;
      total.dispatches += 1;
      totals.set(name, total);
    });
    staging.destroy();
    this.#names.length = 0;
    return [...totals].map(([name, total]) => ({ name, ...total })).sort((a, b) => b.ms - a.ms);
  }
}
