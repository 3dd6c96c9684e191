/**
 * The character map of sentencepiece: a double-array trie (Darts) from the UTF-8 bytes of a piece
 * of text to an offset in a list of replacements that end in a zero byte.
 * @param base64 32-bit little-endian size of the trie in bytes, the trie, the replacements
 */
export function precompiled(base64: string): (text: string) => string {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  if (bytes.length < 4) return (text) => text;
  const view = new DataView(bytes.buffer);
  const size = view.getUint32(0, true);
  if (size % 4 !== 0 || 4 + size > bytes.length)
    throw new Error('normalizer.precompiled_charsmap is cut short');
  const trie = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const replacements = bytes.subarray(4 + size);
  const decoder = new TextDecoder();
  const utf8 = new TextEncoder();
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

  /** Of the prefixes that the trie has the shortest decides, as in the reference. */
  function replacement(piece: string): string | null {
    let node = offset(trie[0] ?? 0);
    for (const byte of utf8.encode(piece)) {
      if (byte === 0) return null;
      node ^= byte;
      const unit = trie[node] ?? 0;
      if ((unit & 0x8000_00ff) !== byte) return null;
      node ^= offset(unit);
      if ((unit >>> 8) & 1) {
        const start = (trie[node] ?? 0) & 0x7fff_ffff;
        const end = replacements.indexOf(0, start);
        return decoder.decode(replacements.subarray(start, end < 0 ? undefined : end));
      }
    }
    return null;
  }

  return (text) => {
    let out = '';
    for (const { segment } of graphemes.segment(text)) {
      const whole = utf8.encode(segment).length < 6 ? replacement(segment) : null;
      if (whole !== null) out += whole;
      else for (const char of segment) out += replacement(char) ?? char;
    }
    return out;
  };
}

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
