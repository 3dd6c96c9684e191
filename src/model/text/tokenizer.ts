import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import * as v from 'valibot';
import { formatCount } from '../../lib/format.ts';
import type { ModelConfig } from '../weights/config.ts';
import type { FileSource } from '../weights/source.ts';

export interface Pieces {
  readonly text: string;
  /**
   * End of each token in `text`, as a UTF-8 byte offset; never falls. Always a character's
   * boundary: of the tokens that share a character the one that completes it gets it, the others
   * are empty.
   */
  readonly ends: Uint32Array;
}

export interface Tokenizer {
  /** Largest id + 1; the model's vocabulary may be larger (padding), not smaller. */
  readonly vocabSize: number;
  /** Ids that end a text: the model's and the tokenizer's own. */
  readonly eosIds: readonly number[];
  /**
   * Special tokens written in the text become their ids; `addSpecialTokens` (off) adds those the
   * tokenizer puts around a text.
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[];
  /** Ids outside the tokenizer's vocabulary give no text. */
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /** The decoded text, special tokens included, and where each token ends in it. */
  pieces(ids: readonly number[]): Pieces;
}

const TokenizerJson = v.looseObject({
  model: v.looseObject({ type: v.optional(v.string()) }),
  decoder: v.nullish(v.looseObject({ type: v.string() })),
  added_tokens: v.nullish(
    v.array(
      v.looseObject({
        id: v.number(),
        content: v.string(),
        special: v.optional(v.boolean(), false),
      }),
    ),
    [],
  ),
});

/** A special token is written as a string or as an object with its content. */
const SpecialToken = v.nullish(v.union([v.string(), v.looseObject({ content: v.string() })]));

export const TokenizerConfigJson = v.looseObject({
  bos_token: SpecialToken,
  eos_token: SpecialToken,
  chat_template: v.nullish(
    v.union([v.string(), v.array(v.object({ name: v.string(), template: v.string() }))]),
  ),
  clean_up_tokenization_spaces: v.nullish(v.boolean(), false),
});
export type TokenizerConfig = v.InferOutput<typeof TokenizerConfigJson>;

export function specialTokenText(token: v.InferOutput<typeof SpecialToken>): string | null {
  return typeof token === 'string' ? token : (token?.content ?? null);
}

/**
 * Reads tokenizer.json and, where there is one, tokenizer_config.json. With `model`, a tokenizer
 * with more ids than the model has is refused and the model's end-of-text ids are added.
 */
export async function loadTokenizer(source: FileSource, model?: ModelConfig): Promise<Tokenizer> {
  const json = await readJson(source, 'tokenizer.json');
  if (json === null)
    throw new Error(`${source.label} has no tokenizer.json. Choose a model that comes with one.`);
  const config = await loadTokenizerConfig(source);
  const parsed = v.safeParse(TokenizerJson, json);
  if (!parsed.success)
    throw new Error(
      `tokenizer.json of ${source.label} is not a tokenizer: ${parsed.issues[0].message}.`,
    );

  let library: LibraryTokenizer;
  try {
    library = new LibraryTokenizer(parsed.output, config);
  } catch (error) {
    throw new Error(
      `tokenizer.json of ${source.label} is not supported: ${error instanceof Error ? error.message : String(error)}.`,
      { cause: error },
    );
  }

  const vocabSize =
    [...library.get_vocab(true).values()].reduce((largest, id) => Math.max(largest, id), -1) + 1;
  if (model && vocabSize > model.vocabSize) {
    throw new Error(
      `${source.label} has the wrong tokenizer: it knows ${formatCount(vocabSize)} tokens, the ` +
        `model ${formatCount(model.vocabSize)}. ` +
        'Take tokenizer.json from the same place as the weights.',
    );
  }
  const eosText = specialTokenText(config.eos_token);
  const ownEos = eosText === null ? undefined : library.token_to_id(eosText);
  const eosIds = [
    ...new Set([...(model?.eosIds ?? []), ...(ownEos === undefined ? [] : [ownEos])]),
  ];

  const known = (id: number) => library.id_to_token(id) !== undefined;
  const added = new Map(parsed.output.added_tokens?.map((token) => [token.id, token]));
  const special = (id: number) => added.get(id)?.special ?? false;
  const pieces = isByteLevel(parsed.output.decoder)
    ? byteLevelPieces(
        (id) => library.id_to_token(id),
        (id) => added.has(id),
      )
    : prefixPieces(
        (ids) =>
          ids.length === 0
            ? ''
            : library.decode([...ids], {
                clean_up_tokenization_spaces: config.clean_up_tokenization_spaces,
              }),
        known,
      );

  return {
    vocabSize,
    eosIds,
    encode: (text, options) =>
      text === '' && !options?.addSpecialTokens
        ? []
        : library.encode(text, { add_special_tokens: options?.addSpecialTokens ?? false }).ids,
    decode: (ids, options) =>
      pieces.text(options?.skipSpecialTokens ? ids.filter((id) => !special(id)) : ids),
    pieces: (ids) => pieces.pieces(ids),
  };
}

/** tokenizer_config.json, or what its absence means. */
export async function loadTokenizerConfig(source: FileSource): Promise<TokenizerConfig> {
  const parsed = v.safeParse(
    TokenizerConfigJson,
    (await readJson(source, 'tokenizer_config.json')) ?? {},
  );
  if (parsed.success) return parsed.output;
  throw new Error(
    `tokenizer_config.json of ${source.label} cannot be used: ` +
      `${v.getDotPath(parsed.issues[0]) ?? 'it'} is not what it should be.`,
  );
}

async function readJson(source: FileSource, path: string): Promise<unknown> {
  const bytes = await source.read(path);
  if (!bytes) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    throw new Error(`${path} of ${source.label} is not JSON. Fetch the model again.`);
  }
}

function isByteLevel(decoder: { type: string; decoders?: unknown } | null | undefined): boolean {
  if (decoder?.type !== 'Sequence') return decoder?.type === 'ByteLevel';
  const inner = v.safeParse(v.array(v.looseObject({ type: v.string() })), decoder.decoders);
  return inner.success && inner.output.length === 1 && isByteLevel(inner.output[0]);
}

interface Decoder {
  text(ids: readonly number[]): string;
  pieces(ids: readonly number[]): Pieces;
}

/** Byte-level BPE (GPT-2, Qwen, Llama 3): every token is a string of bytes, so ends are exact. */
function byteLevelPieces(
  tokenOf: (id: number) => string | undefined,
  isAdded: (id: number) => boolean,
): Decoder {
  const utf8 = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const cache = new Map<number, Uint8Array>();

  function bytesOf(id: number): Uint8Array {
    let bytes = cache.get(id);
    if (!bytes) {
      const token = tokenOf(id) ?? '';
      const mapped = isAdded(id) ? null : [...token].map((char) => BYTE_OF_CHAR.get(char));
      bytes = mapped?.every((byte) => byte !== undefined)
        ? Uint8Array.from(mapped)
        : utf8.encode(token);
      cache.set(id, bytes);
    }
    return bytes;
  }

  function join(ids: readonly number[]): { bytes: Uint8Array; ends: Uint32Array } {
    const parts = ids.map(bytesOf);
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    const ends = new Uint32Array(parts.length);
    let end = 0;
    parts.forEach((part, i) => {
      bytes.set(part, end);
      ends[i] = end += part.length;
    });
    return { bytes, ends };
  }

  return {
    text: (ids) => decoder.decode(join(ids).bytes),
    pieces: (ids) => {
      const { bytes, ends } = join(ids);
      const text = decoder.decode(bytes);
      // Walk the characters; what is not UTF-8 comes out as U+FFFD, 3 bytes for the 1 to 3 it
      // replaces.
      let raw = 0;
      let out = 0;
      ends.forEach((end, i) => {
        for (;;) {
          const { length, valid } = nextCharacter(bytes, raw);
          if (length === 0 || raw + length > end) break;
          raw += length;
          out += valid ? length : 3;
        }
        ends[i] = out;
      });
      return { text, ends };
    },
  };
}

/**
 * Other decoders (sentencepiece with byte fallback): a token ends where the text of the ids up to
 * it stops agreeing with the whole text. Quadratic, so for the rare tokenizer only.
 */
function prefixPieces(
  decode: (ids: readonly number[]) => string,
  known: (id: number) => boolean,
): Decoder {
  const text = (ids: readonly number[]) => decode(ids.filter(known));
  return {
    text,
    pieces: (ids) => {
      const whole = new TextEncoder().encode(text(ids));
      let end = 0;
      const ends = Uint32Array.from(ids, (_, i) => {
        const prefix = new TextEncoder().encode(text(ids.slice(0, i + 1)));
        let same = 0;
        while (same < prefix.length && prefix[same] === whole[same]) same++;
        // Back to a boundary: 10xxxxxx continues a character.
        while (same < whole.length && ((whole[same] ?? 0) & 0xc0) === 0x80) same--;
        return (end = Math.max(end, same));
      });
      return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(whole), ends };
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

/**
 * GPT-2's printable stand-ins: printable Latin-1 stands for itself, the other 68 bytes for U+0100
 * onwards.
 */
const BYTE_OF_CHAR: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const itself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    map.set(String.fromCodePoint(itself ? byte : next++), byte);
  }
  return map;
})();
