import type { Fields } from './fields.ts';
import { patternOf, replaceAll } from './pattern.ts';
import { BYTE_OF_CHAR } from './unicode.ts';

/** From the tokens of a text to the parts of it. */
export type Decoder = (tokens: readonly string[]) => string[];

/** The decoder that tokenizer.json describes. */
export function decoderOf(fields: Fields): Decoder {
  const made = make(fields);
  // Of the fields that decoders share with their pre-tokenizers these mean nothing here.
  fields.end('trim_offsets', 'add_prefix_space', 'use_regex', 'str_rep', 'split');
  return made;
}

function make(fields: Fields): Decoder {
  switch (fields.type) {
    case 'Sequence': {
      const steps = fields.list('decoders').map(decoderOf);
      return (tokens) => steps.reduce<string[]>((done, step) => step(done), [...tokens]);
    }
    case 'ByteLevel':
      return (tokens) => [new TextDecoder('utf-8', KEEP_BOM).decode(concat(tokens.map(bytesOf)))];
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Metaspace':
      return metaspace(fields);
    case 'WordPiece':
      return wordPiece(fields.text('prefix', '##'), fields.flag('cleanup', true));
    case 'BPEDecoder': {
      const suffix = fields.text('suffix', '</w>');
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
    }
    case 'CTC':
      return ctc(fields);
    case 'Replace': {
      const pattern = patternOf(fields);
      const content = fields.text('content');
      return (tokens) => tokens.map((token) => replaceAll(pattern, token, content));
    }
    case 'Strip': {
      const content = fields.char('content', ' ');
      const start = fields.count('start', 0);
      const stop = fields.count('stop', 0);
      return (tokens) => tokens.map((token) => strip(token, content, start, stop));
    }
    default:
      throw fields.unknownType('a decoder');
  }
}

const KEEP_BOM = { ignoreBOM: true } as const;
const utf8 = new TextEncoder();

/** The bytes that a byte-level token stands for; one with other characters stands for itself. */
export function bytesOf(token: string): Uint8Array {
  const bytes = [...token].map((char) => BYTE_OF_CHAR.get(char));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : utf8.encode(token);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The byte of `<0x41>`. */
export function fallbackByte(token: string): number | null {
  const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  return hex === undefined ? null : Number.parseInt(hex, 16);
}

/** A run of bytes is text, or where it is not UTF-8, one U+FFFD a byte. */
function byteFallback(tokens: readonly string[]): string[] {
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length === 0) return;
    try {
      const strict = new TextDecoder('utf-8', { ...KEEP_BOM, fatal: true });
      out.push(strict.decode(Uint8Array.from(bytes)));
    } catch {
      out.push(...bytes.map(() => '\ufffd'));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = fallbackByte(token);
    if (byte !== null) bytes.push(byte);
    else {
      flush();
      out.push(token);
    }
  }
  flush();
  return out;
}

function metaspace(fields: Fields): Decoder {
  const replacement = fields.char('replacement', '▁');
  const old = fields.flag('add_prefix_space', true);
  const scheme = fields.oneOf(
    'prepend_scheme',
    ['always', 'first', 'never'],
    old ? 'always' : 'never',
  );
  return (tokens) =>
    tokens.map((token, i) =>
      token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' '),
    );
}

function wordPiece(prefix: string, clean: boolean): Decoder {
  return (tokens) =>
    tokens.map((token, i) => {
      const joined =
        i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return clean ? cleanUp(joined) : joined;
    });
}

function ctc(fields: Fields): Decoder {
  const pad = fields.text('pad_token', '<pad>');
  const delimiter = fields.text('word_delimiter_token', '|');
  const clean = fields.flag('cleanup', true);
  return (tokens) =>
    tokens
      .filter((token, i) => token !== tokens[i - 1])
      .map((token) => {
        const text = token.replaceAll(pad, '');
        return clean ? cleanUp(text).replaceAll(delimiter, ' ') : text;
      })
      .filter((text) => text !== '');
}

/** As decoders of words clean up; transformers leaves ` do not` alone. */
function cleanUp(text: string): string {
  return cleanUpSpaces(text).replaceAll(' do not', " don't");
}

/** Undoes spaces that a tokenizer of words puts before marks and endings. */
export function cleanUpSpaces(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}

function strip(token: string, content: string, start: number, stop: number): string {
  const chars = [...token];
  let from = 0;
  while (from < start && chars[from] === content) from++;
  let to = chars.length;
  while (chars.length - to < stop && to > from && chars[to - 1] === content) to--;
  return chars.slice(from, to).join('');
}
