import { bytesOf, concat, fallbackByte } from './decoders.ts';

export interface Pieces {
  readonly text: string;
  /**
   * End of each token in `text`, as a UTF-8 byte offset; never falls. Always a character's
   * boundary: of the tokens that share a character the one that completes it gets it, the others
   * are empty.
   */
  readonly ends: Uint32Array;
}

/** Ids to text. `before` are the ids that `ids` go on from; their text is left out. */
export interface Detokenizer {
  text(ids: readonly number[], before: readonly number[]): string;
  pieces(ids: readonly number[], before: readonly number[]): Pieces;
}

const utf8 = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Byte-level BPE (GPT-2, Qwen, Llama 3): every token is a string of bytes, so ends are exact. */
export function byteLevelPieces(tokenOf: (id: number) => string | undefined): Detokenizer {
  const cache = new Map<number, Uint8Array>();
  const bytesOfId = (id: number): Uint8Array => {
    let bytes = cache.get(id);
    if (!bytes) cache.set(id, (bytes = bytesOf(tokenOf(id) ?? '')));
    return bytes;
  };
  /** The bytes of a character that `before` has begun and `ids` may end; at most three. */
  const begun = (before: readonly number[]): Uint8Array => {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let i = before.length - 1; i >= 0 && length < 3; i--) {
      parts.unshift(bytesOfId(before[i]!));
      length += parts[0]!.length;
    }
    const tail = concat(parts);
    for (let at = Math.max(0, tail.length - 3); at < tail.length; at++) {
      if (isCut(tail, at)) return tail.subarray(at);
    }
    return tail.subarray(tail.length);
  };
  const join = (ids: readonly number[], before: readonly number[]) => {
    const parts = [begun(before), ...ids.map(bytesOfId)];
    return { bytes: concat(parts), parts };
  };
  return {
    text: (ids, before) => decoder.decode(join(ids, before).bytes),
    pieces: (ids, before) => {
      const { bytes, parts } = join(ids, before);
      // Walk the characters; what is not UTF-8 comes out as U+FFFD, 3 bytes for the 1 to 3 it
      // replaces.
      let raw = 0;
      let out = 0;
      let end = parts[0]!.length;
      const ends = Uint32Array.from(ids, (_, i) => {
        end += parts[i + 1]!.length;
        for (;;) {
          const { length, valid } = nextCharacter(bytes, raw);
          if (length === 0 || raw + length > end) break;
          raw += length;
          out += valid ? length : 3;
        }
        return out;
      });
      return { text: decoder.decode(bytes), ends };
    },
  };
}

/** Whether the bytes from `at` on are a character that lacks its end. */
function isCut(bytes: Uint8Array, at: number): boolean {
  const { length, valid } = nextCharacter(bytes, at);
  return (
    !valid && at + length === bytes.length && (bytes[at] ?? 0) >= 0xc2 && (bytes[at] ?? 0) < 0xf5
  );
}

/**
 * Ids before a completion that its first tokens may depend on: a decoder looks at its neighbours,
 * and at whether anything stands before.
 */
const CONTEXT = 16;

/**
 * Other decoders (sentencepiece with byte fallback): a token ends where the text of the ids up to
 * it stops agreeing with the whole text. Quadratic, so for the rare tokenizer only.
 */
export function prefixPieces(
  decode: (tokens: readonly string[]) => string,
  tokenOf: (id: number) => string | undefined,
): Detokenizer {
  const known = (ids: readonly number[]) => ids.flatMap((id) => tokenOf(id) ?? []);
  /** The tokens that `ids` go on from, from no byte of an unfinished run on. */
  const contextOf = (before: readonly number[]): string[] => {
    let from = Math.max(0, before.length - CONTEXT);
    while (from > 0 && fallbackByte(tokenOf(before[from]!) ?? '') !== null) from--;
    return known(before.slice(from));
  };
  const decoded = (tokens: readonly string[]) => (tokens.length === 0 ? '' : decode(tokens));
  /** How much of `whole` was there before, in UTF-16 units. */
  const seam = (context: readonly string[], whole: string): number => {
    const before = decoded(context);
    let same = 0;
    while (same < before.length && before[same] === whole[same]) same++;
    return same;
  };
  return {
    text: (ids, before) => {
      const context = contextOf(before);
      const whole = decoded([...context, ...known(ids)]);
      return whole.slice(seam(context, whole));
    },
    pieces: (ids, before) => {
      const context = contextOf(before);
      const all = decoded([...context, ...known(ids)]);
      const start = seam(context, all);
      const whole = utf8.encode(all.slice(start));
      const tokens = [...context];
      let end = 0;
      const ends = Uint32Array.from(ids, (id) => {
        const token = tokenOf(id);
        if (token !== undefined) tokens.push(token);
        const prefix = utf8.encode(decoded(tokens).slice(start));
        let same = 0;
        while (same < prefix.length && prefix[same] === whole[same]) same++;
        // Back to a boundary: 10xxxxxx continues a character.
        while (same < whole.length && ((whole[same] ?? 0) & 0xc0) === 0x80) same--;
        return (end = Math.max(end, same));
      });
      return { text: all.slice(start), ends };
    },
  };
}

/**
 * Length in bytes of the character at `start`, or of the ill-formed run that one U+FFFD replaces
 * (the "maximal subpart" of the Unicode standard, which TextDecoder follows); 0 at the end.
 */
function nextCharacter(bytes: Uint8Array, start: number): { length: number; valid: boolean } {
  const lead = bytes[start];
  if (lead === undefined) return { length: 0, valid: true };
  if (lead < 0x80) return { length: 1, valid: true };
  const length =
    lead >= 0xc2 && lead < 0xe0
      ? 2
      : lead >= 0xe0 && lead < 0xf0
        ? 3
        : lead >= 0xf0 && lead < 0xf5
          ? 4
          : 0;
  if (length === 0) return { length: 1, valid: false };
  // Overlong forms, surrogates and values beyond U+10FFFF show in the second byte.
  let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = bytes[start + i];
    if (byte === undefined || byte < low || byte > high) return { length: i, valid: false };
    low = 0x80;
    high = 0xbf;
  }
  return { length, valid: true };
}
