import { fromBits, toBits } from '../lib/bits.ts';

type Fields = Readonly<Record<string, 'u32' | 'f32'>>;

/**
 * How entries of named fields, a word each, lie in a buffer one after another. A kernel's file holds
 * the layouts of its buffers; nobody else counts words. The WGSL names the same words.
 */
export class Layout<F extends Fields> {
  readonly #fields: readonly (readonly [name: keyof F & string, type: 'u32' | 'f32'])[];

  /** `words` of an entry: its fields, and whatever the kernel's file keeps behind them. */
  constructor(
    fields: F,
    readonly words = Object.keys(fields).length,
  ) {
    this.#fields = Object.entries(fields);
  }

  /** Names of the fields, in the order of their words. */
  get names(): readonly string[] {
    return this.#fields.map(([name]) => name);
  }

  pack(entries: readonly Readonly<Record<keyof F, number>>[]): Uint32Array<ArrayBuffer> {
    const buffer = new Uint32Array(entries.length * this.words);
    entries.forEach((entry, i) => this.write(buffer, i, entry));
    return buffer;
  }

  write(buffer: Uint32Array, entry: number, values: Readonly<Record<keyof F, number>>): void {
    const at = this.#at(buffer, entry);
    this.#fields.forEach(([name, type], i) => {
      buffer[at + i] = type === 'f32' ? toBits(values[name]) : values[name];
    });
  }

  /** Of a u32 buffer, or of one of floats, whose fields must all be f32. */
  read(buffer: Uint32Array | Float32Array | Float64Array, entry: number): Record<keyof F, number> {
    const at = this.#at(buffer, entry);
    const values = {} as Record<keyof F, number>;
    this.#fields.forEach(([name, type], i) => {
      const word = buffer[at + i]!;
      values[name] = buffer instanceof Uint32Array && type === 'f32' ? fromBits(word) : word;
    });
    return values;
  }

  /** The words of one entry, not a copy. */
  entry<A extends ArrayBufferLike>(buffer: Uint32Array<A>, entry: number): Uint32Array<A> {
    const at = this.#at(buffer, entry);
    return buffer.subarray(at, at + this.words);
  }

  #at(buffer: ArrayLike<number>, entry: number): number {
    const at = entry * this.words;
    if (entry < 0 || at + this.words > buffer.length)
      throw new Error(
        `Entry ${entry} was asked of a buffer of ${buffer.length / this.words} entries (${this.names.join(', ')}).`,
      );
    return at;
  }
}
