import { createSHA1, createSHA256 } from 'hash-wasm';

/**
 * What a file is held against: the hub's SHA-256 of large files, git's SHA-1 of small ones, or
 * nothing.
 */
export interface Expected {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string | null;
  readonly blob: string | null;
}

/** A running hash whose state can be written down and taken up again. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** Base64. */
  save(): string;
  /** A sentence's end where the hash is not the expected one; null where it is. Ends the digest. */
  difference(): string | null;
}

const NOTHING: Digest = { update: () => undefined, save: () => '', difference: () => null };

/** @param saved what `save` gave when the bytes so far had been taken; null at the start */
export async function openDigest(expected: Expected, saved: string | null): Promise<Digest> {
  const wanted = expected.sha256 ?? expected.blob;
  if (wanted === null) return NOTHING;
  const name = expected.sha256 === null ? 'git SHA-1' : 'SHA-256';
  const hasher = await (expected.sha256 === null ? createSHA1() : createSHA256());
  hasher.init();
  if (saved !== null) hasher.load(fromBase64(saved));
  else if (expected.sha256 === null) hasher.update(`blob ${expected.size}\0`);
  return {
    update: (bytes) => void hasher.update(bytes),
    save: () => toBase64(hasher.save()),
    difference() {
      const found = hasher.digest('hex');
      return found === wanted ? null : `its ${name} is ${found} and should be ${wanted}`;
    },
  };
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
