import { OutOfGpuMemoryError } from './errors.ts';

/** A range of a buffer, in bytes; offsets are multiples of 256 so that it can be bound. */
export interface BufferView {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/**
 * What takes and gives back buffers: the device's memory, or a count of what it would hold
 * (planned-memory.ts).
 */
export interface Allocator {
  alloc(label: string, bytes: number, usage?: GPUBufferUsageFlags): BufferView;
  free(view: BufferView): void;
}

/** Bytes that a buffer of `bytes` takes. */
export function bufferBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

/** What a buffer counts as in reports and plans: the first word of its label. */
export function partOf(label: string, words = 1): string {
  return label.split(' ').slice(0, words).join(' ');
}

/**
 * Every buffer of the lab comes from here. Allocations run inside error scopes, because running out
 * of GPU memory is silent otherwise and the output gibberish; `settle` throws for the first that
 * failed. Bytes are accounted by label.
 */
export class GpuMemory implements Allocator {
  #pending: Promise<void>[] = [];
  #held = new Map<GPUBuffer, { label: string; bytes: number }>();
  #failure: Error | null = null;
  bytes = 0;
  peak = 0;
  /** Most that may be held; beyond it allocations fail as they do where the device has no more. */
  limit = Infinity;

  constructor(private readonly device: GPUDevice) {}

  /** A zeroed storage buffer of at least `bytes` (rounded up to 16). */
  alloc(label: string, bytes: number, usage: GPUBufferUsageFlags = 0): BufferView {
    const size = bufferBytes(bytes);
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    if (size > maxBufferSize || size > maxStorageBufferBindingSize)
      throw new OutOfGpuMemoryError(label, size, this.bytes);
    return {
      buffer: this.#create(
        label,
        size,
        GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST | usage,
      ),
      offset: 0,
      size,
    };
  }

  /** A buffer that results are copied to and read from; the caller frees it once it has read. */
  staging(bytes: number): BufferView {
    const size = bufferBytes(bytes);
    return {
      buffer: this.#create('staging', size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST),
      offset: 0,
      size,
    };
  }

  #create(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    if (this.bytes + size > this.limit) throw new OutOfGpuMemoryError(label, size, this.bytes);
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ label, size, usage });
    const before = this.bytes;
    this.#pending.push(
      this.device.popErrorScope().then((error) => {
        if (error) this.#failure ??= new OutOfGpuMemoryError(label, size, before);
      }),
    );
    this.#held.set(buffer, { label, bytes: size });
    this.bytes += size;
    this.peak = Math.max(this.peak, this.bytes);
    return buffer;
  }

  /**
   * All that `make` allocates, or nothing: where one allocation fails, those before it are given
   * back.
   */
  whole<T>(make: () => T): T {
    const before = new Set(this.#held.keys());
    try {
      return make();
    } catch (error) {
      for (const buffer of this.#held.keys())
        if (!before.has(buffer)) this.free({ buffer, offset: 0, size: 0 });
      throw error;
    }
  }

  /** Allocates and fills. */
  upload(label: string, data: ArrayBufferView, usage: GPUBufferUsageFlags = 0): BufferView {
    const view = this.alloc(label, data.byteLength, usage);
    this.write(view, data);
    return view;
  }

  /** Writes `data` (a multiple of 4 bytes, or padded to one) at the start of `view`. */
  write(view: BufferView, data: ArrayBufferView, offset = 0): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (bytes.byteLength % 4 === 0) {
      this.device.queue.writeBuffer(
        view.buffer,
        view.offset + offset,
        bytes as Uint8Array<ArrayBuffer>,
      );
      return;
    }
    const padded = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
    padded.set(bytes);
    this.device.queue.writeBuffer(view.buffer, view.offset + offset, padded);
  }

  free(view: BufferView): void {
    const held = this.#held.get(view.buffer);
    if (!held) return;
    this.#held.delete(view.buffer);
    this.bytes -= held.bytes;
    view.buffer.destroy();
  }

  /**
   * Waits for the verdict on every allocation so far; throws `OutOfGpuMemoryError` for the first
   * that failed.
   */
  async settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
    if (this.#failure) {
      const failure = this.#failure;
      this.#failure = null;
      throw failure;
    }
  }

  /** Waits until what was written has arrived, which frees the copies that were under way. */
  async drain(): Promise<void> {
    this.device.queue.submit([]);
    await this.device.queue.onSubmittedWorkDone();
  }

  /** Bytes held by part, or more finely by the first words of the label. */
  report(words = 1): Map<string, number> {
    const totals = new Map<string, number>();
    for (const { label, bytes } of this.#held.values()) {
      const part = partOf(label, words);
      totals.set(part, (totals.get(part) ?? 0) + bytes);
    }
    return totals;
  }
}

/** A range of `view`, in 4-byte words. The offset must be a multiple of 64 words. */
export function slice(view: BufferView, wordOffset: number, words: number): BufferView {
  return { buffer: view.buffer, offset: view.offset + 4 * wordOffset, size: 4 * words };
}
