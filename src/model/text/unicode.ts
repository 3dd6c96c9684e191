/**
 * Character classes as the tokenizers library for Rust has them; those of JavaScript's regular
 * expressions differ: its \s has U+FEFF and lacks U+0085, its \w and \d are ASCII.
 */
export const WHITE = '\\p{White_Space}';
export const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';

/** Whether a character (one code point) is of a class, remembered for the ones seen. */
export function charTest(source: string): (char: string) => boolean {
  const pattern = new RegExp(`^${source}$`, 'u');
  const seen = new Map<string, boolean>();
  return (char) => {
    let is = seen.get(char);
    if (is === undefined) {
      is = pattern.test(char);
      if (seen.size < 50_000) seen.set(char, is);
    }
    return is;
  };
}

export const isWhite = charTest(WHITE);
export const isNumeric = charTest('\\p{N}');
export const isPunctuation = charTest('[\\p{P}!-/:-@\\[-`{-~]');

/**
 * GPT-2's printable stand-ins for bytes: printable Latin-1 stands for itself, the other 68 bytes
 * for U+0100 onwards.
 */
export const CHAR_OF_BYTE: readonly string[] = (() => {
  const chars: string[] = [];
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const itself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    chars.push(String.fromCodePoint(itself ? byte : next++));
  }
  return chars;
})();

export const BYTE_OF_CHAR: ReadonlyMap<string, number> = new Map(
  CHAR_OF_BYTE.map((char, byte) => [char, byte]),
);

const utf8 = new TextEncoder();

/** A text's UTF-8 bytes in their stand-ins. */
export function byteChars(text: string): string {
  let chars = '';
  for (const byte of utf8.encode(text)) chars += CHAR_OF_BYTE[byte]!;
  return chars;
}

/** The name of a byte among the tokens of sentencepiece. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
