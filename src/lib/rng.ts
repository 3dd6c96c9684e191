/**
 * Random numbers on the host that depend on their key alone, never on what was drawn before: the
 * problem order of an epoch, a choice of test problems, a bootstrap. (Sampling of tokens has its
 * own generator on the device.)
 */

const START = 0x9e3779b9;

/** Folds one word into a hash by the mixing steps of MurmurHash3. */
function fold(hash: number, word: number): number {
  let h = Math.imul(hash ^ (word >>> 0), 0x85ebca6b) >>> 0;
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) + START;
}

function finish(hash: number): number {
  let h = Math.imul((hash ^ (hash >>> 16)) >>> 0, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * 32-bit hash of a list of 32-bit words: each word is folded in, then the whole is mixed by
 * MurmurHash3's finaliser.
 */
export function hash32(...words: readonly number[]): number {
  return finish(words.reduce((hash, word) => fold(hash, word), START));
}

/** A stream of random words keyed by `key`; the i-th draw is hash32(key, i). */
export class Rng {
  /** The hash with the key folded in: what every draw begins with. */
  private readonly keyed: number;
  private counter = 0;

  constructor(...key: readonly number[]) {
    this.keyed = fold(START, hash32(...key));
  }

  /** Uniform on 0 … 2^32 − 1. */
  next(): number {
    return finish(fold(this.keyed, this.counter++));
  }

  /** Uniform on [0, 1). */
  uniform(): number {
    return this.next() / 2 ** 32;
  }

  /** Uniform on 0 … n − 1, without modulo bias. */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
      throw new Error(`A random integer below ${n} was asked for; the bound must be 1 to 2^32.`);
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const word = this.next();
      if (word < limit) return word % n;
    }
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = items.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}
