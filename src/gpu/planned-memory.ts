import { bufferBytes, partOf, type Allocator, type BufferView } from './memory.ts';

/**
 * An allocator without a device: the code that allocates runs on it as on `GpuMemory`, and it
 * counts what would be held. Its views have no buffer behind them; they can be kept and freed,
 * nothing else.
 */
export class PlannedMemory implements Allocator {
  readonly #held = new Map<GPUBuffer, { readonly part: string; readonly size: number }>();
  readonly #parts = new Map<string, number>();
  bytes = 0;
  peak = 0;
  /** The largest buffer so far; one buffer has limits of its own, below those of all together. */
  largest: { readonly label: string; readonly bytes: number } = { label: '', bytes: 0 };

  alloc(label: string, bytes: number): BufferView {
    const size = bufferBytes(bytes);
    const buffer = {} as GPUBuffer; // only its identity is used
    this.#held.set(buffer, { part: partOf(label), size });
    this.#add(partOf(label), size);
    if (size > this.largest.bytes) this.largest = { label, bytes: size };
    return { buffer, offset: 0, size };
  }

  free(view: BufferView): void {
    const held = this.#held.get(view.buffer);
    if (!held) return;
    this.#held.delete(view.buffer);
    this.#add(held.part, -held.size);
  }

  /** Bytes held, by part. */
  report(): Map<string, number> {
    return new Map(this.#parts);
  }

  #add(part: string, bytes: number): void {
    this.#parts.set(part, (this.#parts.get(part) ?? 0) + bytes);
    this.bytes += bytes;
    this.peak = Math.max(this.peak, this.bytes);
  }
}
