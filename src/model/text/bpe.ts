import { type Fields, shown } from './fields.ts';
import { byteToken } from './unicode.ts';

/** What turns a stretch of text into ids: BPE here, the others in token-models.ts. */
export interface TokenModel {
  /** Ids of one stretch of text, never empty. */
  encode(word: string): readonly number[];
}

const utf8 = new TextEncoder();
/** Words remembered with their ids, and the longest one that is. */
const CACHED = 20_000;
const CACHED_LENGTH = 256;

/** Byte pair encoding as the tokenizers library has it, ranks by the order of the merges. */
export function bpe(fields: Fields, vocab: ReadonlyMap<string, number>): TokenModel {
  const unk = fields.text('unk_token', '');
  const prefix = fields.text('continuing_subword_prefix', '');
  const suffix = fields.text('end_of_word_suffix', '');
  const fuseUnk = fields.flag('fuse_unk', false);
  const byteFallback = fields.flag('byte_fallback', false);
  const dropout = fields.raw('dropout') ?? 0;
  if (dropout !== 0 && dropout !== 1)
    throw new Error(
      `${fields.path}.dropout is ${shown(dropout)}: a text would have other tokens each time; set ` +
        'it to null, as for every use but pre-training',
    );
  const ignoreMerges = fields.flag('ignore_merges', false) && dropout === 0;
  const merges =
    dropout === 1 ? new Map<number, Merge>() : mergeTable(fields, vocab, prefix.length);
  fields.raw('merges');

  const unkId = () => {
    const id = vocab.get(unk);
    if (id === undefined)
      throw new Error(`The tokenizer's unk_token ${shown(unk)} is not among its tokens.`);
    return id;
  };
  const byteIds = Array.from({ length: 256 }, (_, byte) => vocab.get(byteToken(byte)));

  /** The ids of the single characters. */
  function letters(word: string): number[] {
    const ids: number[] = [];
    let unknown = false;
    const flush = () => {
      if (unknown) ids.push(unkId());
      unknown = false;
    };
    let at = 0;
    for (const char of word) {
      const start = at;
      at += char.length;
      const piece = (start > 0 ? prefix : '') + char + (at === word.length ? suffix : '');
      const id = vocab.get(piece);
      if (id !== undefined) {
        flush();
        ids.push(id);
        continue;
      }
      const bytes = byteFallback ? [...utf8.encode(piece)].map((byte) => byteIds[byte]) : [];
      // The reference puts bytes before an unknown character that still waits for its neighbours.
      if (byteFallback && bytes.every((byte) => byte !== undefined)) ids.push(...bytes);
      else if (unk !== '') {
        if (!fuseUnk) flush();
        unknown = true;
      }
    }
    flush();
    return ids;
  }

  const cache = new Map<string, readonly number[]>();
  return {
    encode: (word) => {
      const whole = ignoreMerges ? vocab.get(word) : undefined;
      if (whole !== undefined) return [whole];
      let ids = cache.get(word);
      if (!ids) {
        ids = mergeAll(letters(word), merges);
        if (word.length <= CACHED_LENGTH && cache.size < CACHED) cache.set(word, ids);
      }
      return ids;
    },
  };
}

interface Merge {
  readonly rank: number;
  readonly id: number;
}

/** Merges by the pair of their ids. */
function mergeTable(
  fields: Fields,
  vocab: ReadonlyMap<string, number>,
  prefixLength: number,
): Map<number, Merge> {
  const merges = fields.raw('merges');
  if (!Array.isArray(merges)) throw fields.wrong('merges', 'a list');
  const table = new Map<number, Merge>();
  merges.forEach((merge: unknown, rank) => {
    if (typeof merge === 'string' && merge.startsWith('#version')) return;
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!isPair(pair))
      throw new Error(`${fields.path}.merges[${rank}] is ${shown(merge)}, not a pair of tokens`);
    const [left, right] = pair;
    const a = vocab.get(left);
    const b = vocab.get(right);
    const id = vocab.get(left + right.slice(prefixLength));
    if (a === undefined || b === undefined || id === undefined)
      throw new Error(
        `${fields.path}.merges[${rank}] joins ${shown(left)} and ${shown(right)}, but the vocabulary ` +
          'lacks one of them or the result',
      );
    table.set(a * ID_RANGE + b, { rank, id });
  });
  return table;
}

/** Ids are below 2²⁶, so a pair is a safe integer. */
const ID_RANGE = 2 ** 26;

function isPair(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
  );
}

/** Joins the pair of the lowest rank, the leftmost of equals, until no pair can be joined. */
function mergeAll(ids: number[], merges: ReadonlyMap<number, Merge>): number[] {
  if (ids.length < 2 || merges.size === 0) return ids;
  const next = ids.map((_, i) => (i + 1 < ids.length ? i + 1 : -1));
  const before = ids.map((_, i) => i - 1);
  const gone = new Uint8Array(ids.length);
  const heap = new Heap();
  const offer = (at: number) => {
    const right = next[at]!;
    if (right < 0) return;
    const merge = merges.get(ids[at]! * ID_RANGE + ids[right]!);
    if (merge) heap.push({ rank: merge.rank, at, id: merge.id });
  };
  ids.forEach((_, at) => offer(at));
  for (let top = heap.pop(); top; top = heap.pop()) {
    const { at } = top;
    const right = next[at]!;
    if (gone[at] || right < 0) continue;
    // An offer whose neighbours have changed since is void.
    if (merges.get(ids[at]! * ID_RANGE + ids[right]!)?.id !== top.id) continue;
    ids[at] = top.id;
    gone[right] = 1;
    const after = next[right]!;
    next[at] = after;
    if (after >= 0) before[after] = at;
    if (before[at]! >= 0) offer(before[at]!);
    offer(at);
  }
  return ids.filter((_, at) => !gone[at]);
}

interface Offer {
  readonly rank: number;
  readonly at: number;
  readonly id: number;
}

/** A binary heap; the lowest rank is on top, of equals the leftmost. */
class Heap {
  private readonly items: Offer[] = [];

  push(item: Offer): void {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(item, items[above]!)) break;
      items[at] = items[above]!;
      at = above;
    }
    items[at] = item;
  }

  pop(): Offer | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (!last || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && isBefore(items[below + 1]!, items[below]!)) below++;
      if (!isBefore(items[below]!, last)) break;
      items[at] = items[below]!;
      at = below;
    }
    items[at] = last;
    return top;
  }
}

function isBefore(a: Offer, b: Offer): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.at < b.at);
}
