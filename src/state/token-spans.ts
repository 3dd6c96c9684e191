/**
 * The completion cut at its tokens' UTF-8 end offsets: as many strings as tokens, their
 * concatenation exactly `text` (bytes after the last offset go to a trailing extra string). A
 * character that several tokens share goes to the token that ends it; tokens without text of their
 * own (the end token) are ''.
 */
export function tokenSpans(text: string, ends: ArrayLike<number>): string[] {
  const spans: string[] = [];
  let unit = 0; // UTF-16 index
  let bytes = 0; // UTF-8 offset of `unit`
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] ?? 0;
    const from = unit;
    while (unit < text.length) {
      const point = text.codePointAt(unit) ?? 0;
      const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
      if (bytes + size > end) break;
      bytes += size;
      unit += point < 0x10000 ? 1 : 2;
    }
    spans.push(text.slice(from, unit));
  }
  if (unit < text.length) spans.push(text.slice(unit));
  return spans;
}
