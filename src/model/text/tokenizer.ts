import { formatCount } from '../../lib/format.ts';
import type { ModelConfig } from '../weights/config.ts';
import type { FileSource } from '../weights/source.ts';
import { finder, type AddedToken, type Found } from './added-tokens.ts';
import { decoderOf, cleanUpSpaces, type Decoder } from './decoders.ts';
import { Fields, isObject, shown } from './fields.ts';
import { loadTokenFiles, readJson, type TokenFiles } from './files.ts';
import { normalizerOf, type Normalizer, type Stretch } from './normalizers.ts';
import { byteLevelPieces, prefixPieces, type Pieces } from './pieces.ts';
import { postProcessorOf, type PostProcessor } from './post-processor.ts';
import { preTokenizerOf } from './pre-tokenizers.ts';
import { modelOf, type Model } from './token-models.ts';

export type { Pieces } from './pieces.ts';

export interface Tokenizer {
  /** Largest id + 1; the model's vocabulary may be larger (padding), not smaller. */
  readonly vocabSize: number;
  /** Ids that end a text: the model's and the tokenizer's own. */
  readonly eosIds: readonly number[];
  /** Sentences about what the files ask for and is not done, to be shown once. */
  readonly notes: readonly string[];
  /**
   * Special tokens written in the text become their ids; `addSpecialTokens` (off) adds those the
   * tokenizer puts around a text.
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[];
  /**
   * Ids outside the tokenizer's vocabulary give no text. `after`: ids that these go on from, whose
   * text is left out; without them the tokenizer takes the first for the beginning of a text, and
   * many then drop its space.
   */
  decode(
    ids: readonly number[],
    options?: { readonly skipSpecialTokens?: boolean; readonly after?: readonly number[] },
  ): string;
  /**
   * The decoded text, special tokens included, and where each token ends in it. `after` as for
   * `decode`.
   */
  pieces(ids: readonly number[], after?: readonly number[]): Pieces;
}

/**
 * Reads tokenizer.json and what the files beside it say of its tokens. Ids are those of the
 * tokenizers library for Rust; a field that is not known here is refused by its name. With `model`,
 * a tokenizer with more ids than the model has is refused and the model's end-of-text ids are
 * added.
 */
export async function loadTokenizer(source: FileSource, model?: ModelConfig): Promise<Tokenizer> {
  const json = await readJson(source, 'tokenizer.json');
  if (json === null)
    throw new Error(`${source.label} has no tokenizer.json. Choose a model that comes with one.`);
  if (!isObject(json) || !isObject(json.model))
    throw new Error(`tokenizer.json of ${source.label} is not a tokenizer: it has no model.`);
  const files = await loadTokenFiles(source);
  let parts: Parts;
  try {
    parts = read(new Fields(json, 'the file'), files);
  } catch (error) {
    throw new Error(
      `tokenizer.json of ${source.label} is not supported: ` +
        `${error instanceof Error ? error.message.replace(/\.$/, '') : String(error)}.`,
      { cause: error },
    );
  }
  return tokenizerOf(parts, files, source.label, model);
}

interface Parts {
  readonly model: Model;
  readonly normalizer: Normalizer | null;
  readonly split: (stretches: readonly Stretch[]) => Stretch[];
  readonly around: PostProcessor;
  readonly decoder: Decoder | null;
  readonly byteLevel: boolean;
  readonly added: readonly AddedToken[];
  readonly notes: string[];
}

/** The parts of tokenizer.json; throws the part of a sentence that says which is not known. */
function read(file: Fields, { config }: TokenFiles): Parts {
  const part = <T>(name: string, of: (fields: Fields) => T): T | null => {
    const value = file.raw(name) ?? null;
    return value === null ? null : of(new Fields(value, name));
  };
  const notes: string[] = [];
  // transformers asks for neither unless it is told to.
  for (const name of ['truncation', 'padding']) {
    if (file.has(name)) notes.push(`tokenizer.json asks for ${name}; prompts get none here.`);
    file.raw(name);
  }
  const version = file.text('version', '1.0');
  if (version !== '1.0') throw new Error(`its version is ${shown(version)}; 1.0 is known`);
  const added = file.has('added_tokens') ? file.list('added_tokens').map(addedToken) : [];
  const decoder = file.raw('decoder') ?? null;
  const parts = {
    model: modelOf(new Fields(file.raw('model'), 'model')),
    normalizer: part('normalizer', normalizerOf),
    split: part('pre_tokenizer', preTokenizerOf) ?? ((stretches) => [...stretches]),
    around: part('post_processor', postProcessorOf) ?? ((ids: readonly number[]) => ids),
    decoder: part('decoder', decoderOf),
    byteLevel: isByteLevel(decoder),
    added,
    notes,
  };
  file.end();
  if (config.clean_up_tokenization_spaces && parts.model.type === 'BPE')
    notes.push(
      'tokenizer_config.json sets clean_up_tokenization_spaces; it is for tokenizers of words and ' +
        'not done for BPE, whose text it would damage.',
    );
  return parts;
}

function addedToken(fields: Fields): AddedToken {
  const special = fields.flag('special', false);
  const token = {
    content: fields.text('content'),
    single_word: fields.flag('single_word', false),
    lstrip: fields.flag('lstrip', false),
    rstrip: fields.flag('rstrip', false),
    normalized: fields.flag('normalized', !special),
    special,
  };
  // The place in the list decides the id, as in the reference.
  fields.raw('id');
  fields.end();
  return token;
}

function isByteLevel(decoder: unknown): boolean {
  if (!isObject(decoder)) return false;
  const { decoders } = decoder;
  if (decoder.type !== 'Sequence') return decoder.type === 'ByteLevel';
  return Array.isArray(decoders) && decoders.length === 1 && isByteLevel(decoders[0]);
}

function tokenizerOf(
  parts: Parts,
  files: TokenFiles,
  label: string,
  model: ModelConfig | undefined,
): Tokenizer {
  const { config } = files;
  const notes = [...parts.notes];
  const rows = model?.vocabSize ?? Infinity;
  const tokens = vocabularyOf(parts, files, rows, notes);
  if (model && tokens.size > model.vocabSize) {
    throw new Error(
      `${label} has the wrong tokenizer: it knows ${formatCount(tokens.size)} tokens, the ` +
        `model ${formatCount(model.vocabSize)}. ` +
        'Take tokenizer.json from the same place as the weights.',
    );
  }
  const idOf = (name: string): number | undefined => {
    const text = files.special.get(name);
    return text === undefined ? undefined : tokens.idOf(text);
  };
  const ownEos = idOf('eos_token');
  const eosIds = [
    ...new Set([...(model?.eosIds ?? []), ...(ownEos === undefined ? [] : [ownEos])]),
  ];

  const sought = [...tokens.added.entries()].filter(
    ([, { special }]) => !(special && config.split_special_tokens),
  );
  const inText = (normalized: boolean) =>
    finder(
      sought
        .filter(([, token]) => token.normalized === normalized)
        .map(([id, token]) => ({
          text: normalized ? normalize(parts, token.content) : token.content,
          id,
          token,
        })),
    );
  const findRaw = inText(false);
  const findNormalized = inText(true);
  const ids = (found: Found): readonly number[] =>
    typeof found === 'number'
      ? [found]
      : parts.split([found]).flatMap(({ text }) => (text === '' ? [] : parts.model.encode(text)));
  const encode = (text: string): number[] => {
    const whole = text.replace(/\p{Cs}/gu, '\ufffd');
    const first = (whole.codePointAt(0) ?? 0) > 0xffff ? 2 : 1;
    return findRaw({ text: whole, first })
      .flatMap((found) =>
        typeof found === 'number'
          ? [found]
          : findNormalized(parts.normalizer ? parts.normalizer(found) : found),
      )
      .flatMap(ids);
  };

  const { decoder } = parts;
  const clean = config.clean_up_tokenization_spaces && parts.model.type !== 'BPE';
  const join = (words: readonly string[]) => {
    const text = decoder ? decoder(words).join('') : words.join(' ');
    return clean ? cleanUpSpaces(text) : text;
  };
  const pieces =
    parts.byteLevel && !clean ? byteLevelPieces(tokens.textOf) : prefixPieces(join, tokens.textOf);
  // By their text as decoders see it, as the reference does.
  const specials = new Set(
    [...tokens.added.values()].flatMap((token) => (token.special ? [token.content] : [])),
  );
  const special = (id: number) => specials.has(tokens.textOf(id) ?? '');
  const around = aroundOf(parts, files, idOf);

  return {
    vocabSize: tokens.size,
    eosIds,
    notes,
    encode: (text, options) => {
      const inner = encode(text);
      return options?.addSpecialTokens ? [...around(inner)] : inner;
    },
    decode: (ids, { skipSpecialTokens = false, after = [] } = {}) =>
      pieces.text(skipSpecialTokens ? ids.filter((id) => !special(id)) : ids, after),
    pieces: (ids, after = []) => pieces.pieces(ids, after),
  };
}

interface Tokens {
  /** Largest id + 1. */
  readonly size: number;
  readonly added: ReadonlyMap<number, AddedToken>;
  readonly idOf: (text: string) => number | undefined;
  /** The token of an id as decoders want it. */
  readonly textOf: (id: number) => string | undefined;
}

/**
 * All tokens. An added one has the id that the model gives its text, else the next free one; those
 * that tokenizer.json lacks are left out where the model has no row for them.
 */
function vocabularyOf(
  { model, normalizer, added: own }: Parts,
  { listed, named }: TokenFiles,
  rows: number,
  notes: string[],
): Tokens {
  const added = new Map<number, AddedToken>();
  const ids = new Map<string, number>();
  const texts = new Map<number, string>([...model.vocab].map(([text, id]) => [id, text]));
  let next = model.vocab.size;
  const add = (token: AddedToken, limit: number) => {
    if (token.content === '') return;
    const known = ids.get(token.content) ?? model.vocab.get(token.content);
    const id = known ?? next;
    if (id >= limit) {
      notes.push(
        `The model has ${formatCount(limit)} tokens and none for ${shown(token.content)}, which the ` +
          'files beside tokenizer.json name; it is read as text.',
      );
      return;
    }
    if (known === undefined) next++;
    ids.set(token.content, id);
    added.set(id, token);
    const text =
      token.normalized && normalizer
        ? normalizer({ text: token.content, first: 1 }).text
        : token.content;
    texts.set(id, text);
  };
  for (const token of own) add(token, Infinity);
  next = Math.max(model.vocab.size, ...[...added.keys()].map((id) => id + 1));
  for (const token of listed) add(token, rows);
  for (const token of named) if (!ids.has(token.content)) add(token, rows);
  const size = [...texts.keys()].reduce((largest, id) => Math.max(largest, id), -1) + 1;
  return {
    size,
    added,
    idOf: (text) => ids.get(text) ?? model.vocab.get(text),
    textOf: (id) => texts.get(id),
  };
}

function normalize({ normalizer }: Parts, text: string): string {
  return normalizer ? normalizer({ text, first: 1 }).text : text;
}

/**
 * What stands around a text: as tokenizer.json says, unless tokenizer_config.json says itself
 * whether a text begins and ends with its special tokens.
 */
function aroundOf(
  parts: Parts,
  { config }: TokenFiles,
  idOf: (name: string) => number | undefined,
): PostProcessor {
  if (!('add_bos_token' in config || 'add_eos_token' in config)) return parts.around;
  const of = (wanted: boolean | null | undefined, name: string): number[] => {
    const id = wanted ? idOf(name) : undefined;
    return id === undefined ? [] : [id];
  };
  const before = of(config.add_bos_token, 'bos_token');
  const after = of(config.add_eos_token, 'eos_token');
  return (ids) => [...before, ...ids, ...after];
}
