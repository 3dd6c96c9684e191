import { bpe, type TokenModel } from './bpe.ts';
import { type Fields, isObject, shown } from './fields.ts';
import { byteToken } from './unicode.ts';

/** A model and its tokens; `vocab` lacks the added ones. */
export interface Model extends TokenModel {
  readonly type: string;
  readonly vocab: ReadonlyMap<string, number>;
}

/** The model that tokenizer.json describes. */
export function modelOf(fields: Fields): Model {
  const type = typeOf(fields);
  const vocab = type === 'Unigram' ? pieces(fields).ids : vocabulary(fields);
  const made = make(type, fields, vocab);
  fields.end();
  return { type, vocab, encode: (word) => made.encode(word) };
}

function make(type: string, fields: Fields, vocab: ReadonlyMap<string, number>): TokenModel {
  switch (type) {
    case 'BPE':
      return bpe(fields, vocab);
    case 'WordPiece':
      return wordPiece(fields, vocab);
    case 'WordLevel': {
      const unknown = unknownOf(fields.text('unk_token', '<unk>'), vocab);
      return { encode: (word) => [vocab.get(word) ?? unknown()] };
    }
    case 'Unigram':
      return unigram(fields);
    default:
      throw fields.unknownType('a model');
  }
}

/** Files from before models had a type are told apart by their fields. */
function typeOf(fields: Fields): string {
  if (fields.has('type')) return fields.type;
  if (fields.has('merges')) return 'BPE';
  if (Array.isArray(fields.raw('vocab'))) return 'Unigram';
  return fields.has('max_input_chars_per_word') ? 'WordPiece' : 'WordLevel';
}

function vocabulary(fields: Fields): Map<string, number> {
  const vocab = fields.raw('vocab');
  if (!isObject(vocab)) throw fields.wrong('vocab', 'an object from tokens to ids');
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!isId(id))
      throw new Error(`${fields.path}.vocab gives ${shown(token)} the id ${shown(id)}`);
    ids.set(token, id);
  }
  return ids;
}

/** Ids run from 0 to 2²⁶ − 1; the largest vocabularies have 2¹⁸. */
export function isId(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 26;
}

function unknownOf(token: string, vocab: ReadonlyMap<string, number>): () => number {
  return () => {
    const id = vocab.get(token);
    if (id === undefined)
      throw new Error(
        `The text has a word that the tokenizer does not know, and its unk_token ${shown(token)} is ` +
          'not among its tokens.',
      );
    return id;
  };
}

function wordPiece(fields: Fields, vocab: ReadonlyMap<string, number>): TokenModel {
  const unknown = unknownOf(fields.text('unk_token', '[UNK]'), vocab);
  const prefix = fields.text('continuing_subword_prefix', '##');
  const longest = fields.count('max_input_chars_per_word', 100);
  return {
    encode: (word) => {
      const chars = [...word];
      if (chars.length > longest) return [unknown()];
      const ids: number[] = [];
      for (let start = 0; start < chars.length;) {
        let end = chars.length;
        let id: number | undefined;
        for (; end > start; end--) {
          id = vocab.get((start > 0 ? prefix : '') + chars.slice(start, end).join(''));
          if (id !== undefined) break;
        }
        if (id === undefined) return [unknown()];
        ids.push(id);
        start = end;
      }
      return ids;
    },
  };
}

function pieces(fields: Fields): { ids: Map<string, number>; scores: number[] } {
  const vocab = fields.raw('vocab');
  if (!Array.isArray(vocab)) throw fields.wrong('vocab', 'a list of tokens with their scores');
  const ids = new Map<string, number>();
  const scores = vocab.map((entry: unknown, id) => {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number')
      throw new Error(`${fields.path}.vocab[${id}] is ${shown(entry)}, not a token with its score`);
    ids.set(entry[0], id);
    return asRead(entry[1]);
  });
  return { ids, scores };
}

/**
 * A score as the reference's parser reads it: all its digits as one number, divided by a power of
 * ten. That is at times one unit in the last place off, which decides between equal paths.
 */
function asRead(score: number): number {
  const [digits = '', exponent = '0'] = String(score).split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  const places = fraction.length - Number(exponent);
  const number = Number(whole + fraction);
  return places > 0 ? number / Number(`1e${places}`) : number * Number(`1e${-places}`);
}

interface TrieNode {
  readonly next: Map<number, TrieNode>;
  id: number;
}

/** Below the worst token by this much: an unknown character. */
const UNKNOWN_PENALTY = 10;

/** The likeliest segmentation, as sentencepiece's optimised search finds it. */
function unigram(fields: Fields): TokenModel {
  const { ids, scores } = pieces(fields);
  const unk = fields.has('unk_id') ? fields.count('unk_id') : null;
  fields.raw('unk_id');
  if (unk !== null && unk >= scores.length)
    throw fields.wrong('unk_id', `an id below ${scores.length}`);
  const byteFallback = fields.flag('byte_fallback', false);
  const worst = scores.reduce((low, score) => Math.min(low, score), Infinity) - UNKNOWN_PENALTY;
  const byteIds = Array.from({ length: 256 }, (_, byte) => ids.get(byteToken(byte)));
  const utf8 = new TextEncoder();

  const root: TrieNode = { next: new Map(), id: -1 };
  for (const [piece, id] of ids) {
    let node = root;
    for (let i = 0; i < piece.length; i++) {
      const unit = piece.charCodeAt(i);
      let child = node.next.get(unit);
      if (!child) node.next.set(unit, (child = { next: new Map(), id: -1 }));
      node = child;
    }
    node.id = id;
  }
  const unknown = (): number => {
    if (unk === null)
      throw new Error(
        'The text has a character that the tokenizer does not know, and its unk_id is missing.',
      );
    return unk;
  };

  /** The ids on the best path, with where each begins. */
  function path(word: string): { start: number; end: number; id: number }[] {
    const score = new Float64Array(word.length + 1);
    const from = new Int32Array(word.length + 1).fill(-1);
    const best = new Int32Array(word.length + 1);
    const offer = (start: number, end: number, id: number, sum: number) => {
      if (from[end] !== -1 && sum <= score[end]!) return;
      score[end] = sum;
      from[end] = start;
      best[end] = id;
    };
    for (let start = 0; start < word.length;) {
      const single = word.codePointAt(start)! > 0xffff ? 2 : 1;
      let known = false;
      let node: TrieNode | undefined = root;
      for (let end = start; end < word.length;) {
        node = node.next.get(word.charCodeAt(end++));
        if (!node) break;
        if (node.id < 0) continue;
        offer(start, end, node.id, scores[node.id]! + score[start]!);
        known ||= end - start === single;
      }
      if (!known) offer(start, start + single, unknown(), worst + score[start]!);
      start += single;
    }
    const steps: { start: number; end: number; id: number }[] = [];
    for (let end = word.length; end > 0; end = from[end]!)
      steps.push({ start: from[end]!, end, id: best[end]! });
    return steps.reverse();
  }

  return {
    encode: (word) => {
      const out: number[] = [];
      const steps = path(word);
      for (let i = 0; i < steps.length;) {
        const { start } = steps[i]!;
        let { end } = steps[i]!;
        const isUnknown = steps[i]!.id === unk;
        i++;
        // Unknown characters in a row are one.
        while (isUnknown && steps[i]?.id === unk) end = steps[i++]!.end;
        const text = word.slice(start, end);
        const id = ids.get(text);
        const bytes =
          id === undefined && byteFallback
            ? [...utf8.encode(text)].map((byte) => byteIds[byte])
            : [];
        if (id !== undefined) out.push(id);
        else if (bytes.length > 0 && bytes.every((byte) => byte !== undefined)) out.push(...bytes);
        else out.push(unknown());
      }
      return out;
    },
  };
}
