const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** Bits of a number as f32. */
export function toBits(value: number): number {
  float[0] = value;
  return word[0]!;
}

/** The f32 with these bits. */
export function fromBits(bits: number): number {
  word[0] = bits;
  return float[0]!;
}
