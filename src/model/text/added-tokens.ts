import type { Stretch } from './normalizers.ts';
import { charTest, isWhite, WORD } from './unicode.ts';

/** A token that is found in the text before the model sees it. */
export interface AddedToken {
  readonly content: string;
  /** Only where no letter, digit or underscore stands beside it. */
  readonly single_word: boolean;
  /** White space to its left belongs to it. */
  readonly lstrip: boolean;
  /** White space to its right belongs to it. */
  readonly rstrip: boolean;
  /** It is looked for in the normalised text, as normalised. */
  readonly normalized: boolean;
  /** Left out where special tokens are. */
  readonly special: boolean;
}

/** A stretch of text, or the id of an added token in its place. */
export type Found = Stretch | number;

interface TrieNode {
  readonly next: Map<number, TrieNode>;
  id: number;
}

const isWord = charTest(`[${WORD}]`);

/**
 * Finds added tokens, the leftmost first and of those the longest.
 * @param tokens what to look for, as it stands in the text, with its id
 */
export function finder(
  tokens: readonly { readonly text: string; readonly id: number; readonly token: AddedToken }[],
): (stretch: Stretch) => Found[] {
  if (tokens.length === 0) return (stretch) => (stretch.text === '' ? [] : [stretch]);
  const root: TrieNode = { next: new Map(), id: -1 };
  const byId = new Map<number, AddedToken>();
  for (const { text, id, token } of tokens) {
    byId.set(id, token);
    let node = root;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let child = node.next.get(unit);
      if (!child) node.next.set(unit, (child = { next: new Map(), id: -1 }));
      node = child;
    }
    if (node !== root) node.id = id;
  }

  function matchAt(text: string, start: number): { end: number; id: number } | null {
    let node: TrieNode | undefined = root;
    let found: { end: number; id: number } | null = null;
    for (let at = start; at < text.length;) {
      node = node.next.get(text.charCodeAt(at++));
      if (!node) break;
      if (node.id >= 0) found = { end: at, id: node.id };
    }
    return found;
  }

  return (stretch) => {
    const { text } = stretch;
    const out: Found[] = [];
    let from = 0;
    const textUpTo = (end: number) => {
      if (from < end)
        out.push({
          text: text.slice(from, end),
          first: Math.max(0, Math.min(stretch.first, end) - from),
        });
    };
    for (let at = 0; at < text.length;) {
      const match = matchAt(text, at);
      if (!match) {
        at++;
        continue;
      }
      const token = byId.get(match.id)!;
      let start = at;
      let { end } = match;
      at = end;
      if (token.single_word && (isWord(charBefore(text, start)) || isWord(charAfter(text, end))))
        continue;
      if (token.lstrip) {
        while (start > from && isWhite(text[start - 1]!)) start--;
        start = Math.max(start, from);
      }
      if (token.rstrip) while (end < text.length && isWhite(text[end]!)) end++;
      // The token before has taken this one's white space.
      if (start >= end) continue;
      textUpTo(start);
      out.push(match.id);
      from = end;
    }
    textUpTo(text.length);
    return out;
  };
}

function charBefore(text: string, at: number): string {
  const pair = text.slice(Math.max(0, at - 2), at);
  return (pair.codePointAt(0) ?? 0) > 0xffff ? pair : pair.slice(-1);
}

function charAfter(text: string, at: number): string {
  return at < text.length ? String.fromCodePoint(text.codePointAt(at)!) : '';
}
