import { describe, expect, test } from 'vitest';
import { Rng } from '../../lib/rng.ts';
import { linearPattern } from './linear-regex.ts';
import type { Pattern } from './linear-regex.ts';
import { fromRegExp, regex } from './pattern.ts';
import { mayExplode, parseRegex } from './regex-tree.ts';

const all = (pattern: Pattern, text: string) =>
  [...pattern.matches(text)].map(({ start, end }) => text.slice(start, end));

interface Piece {
  readonly source: string;
  /** Whether it may match nothing; engines differ in what they make of `(?:a?)*`. */
  readonly empty: boolean;
}

/** A pattern of few letters, so that most of it has something to match. */
function randomPattern(random: Rng, depth: number): Piece {
  const pick = <T>(choices: readonly T[]): T => choices[random.int(choices.length)]!;
  const atom = (): Piece => {
    if (depth === 0 || random.int(3) > 0)
      return { source: pick('a b [ab] [^a] \\p{L} \\s . 👍 \\P{L}'.split(' ')), empty: false };
    const inner = randomPattern(random, depth - 1);
    const open = pick(['(?:', '(?:', '(?=', '(?!', '(?<=', '(?<!']);
    return { source: `${open}${inner.source})`, empty: open !== '(?:' || inner.empty };
  };
  const repeated = (): Piece => {
    const { source, empty } = atom();
    const count = empty
      ? ''
      : pick(['', '', '', '*', '+', '?', '{2}', '{1,2}', '*?', '+?', '{2,}']);
    return { source: source + count, empty: empty || /^[*?]/.test(count) };
  };
  const sequence = (): Piece => {
    const parts = Array.from({ length: 1 + random.int(3) }, repeated);
    return {
      source: parts.map(({ source }) => source).join(''),
      empty: parts.every(({ empty }) => empty),
    };
  };
  const options = Array.from({ length: 1 + random.int(2) }, sequence);
  return {
    source: options.map(({ source }) => source).join('|'),
    empty: options.some(({ empty }) => empty),
  };
}

describe('a pattern that is run in bounded steps', () => {
  test("finds what JavaScript's own finds, for random patterns and texts", () => {
    const random = new Rng(7);
    let found = 0;
    for (let round = 0; round < 1500; round++) {
      const { source } = randomPattern(random, 2);
      // Looking behind, V8 sees halves of characters beyond U+FFFF.
      const letters = [...(source.includes('(?<') ? 'aab \n' : 'aab \n👍')];
      const text = Array.from(
        { length: random.int(9) },
        () => letters[random.int(letters.length)],
      ).join('');
      const right = all(fromRegExp(new RegExp(source, 'gu')), text);
      expect(JSON.stringify([source, text, all(linearPattern(source), text)])).toBe(
        JSON.stringify([source, text, right]),
      );
      found += right.length;
    }
    expect(found).toBeGreaterThan(1000);
  });

  test('comes to an end where trying all ways would not', () => {
    const text = `${'a'.repeat(2000)}!`;
    expect(all(regex('(a+)+$', 'it'), text)).toEqual([]);
    expect(all(regex('(?:a|a)*b', 'it'), text)).toEqual([]);
    expect(all(regex('a*a*a*a*a*b', 'it'), text)).toEqual([]);
    expect(all(regex('(?:\\p{L}+\\p{M}*)+', 'it'), text)).toEqual(['a'.repeat(2000)]);
  });

  test('says so where the steps are too many', () => {
    expect(() => all(regex('(?:(?=(?:a|b)*c)a|b)+', 'it'), 'ab'.repeat(4000))).toThrow(
      'steps on a text of 8000 characters',
    );
  });

  test('patterns of known tokenizers are left to JavaScript', () => {
    for (const source of [
      "'s|'t| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
      '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{M}]*[\\p{Ll}\\p{M}]+(?:s|t)?|\\p{N}{1,3}|\\s*[\\r\\n]+',
    ])
      expect(mayExplode(parseRegex(source))).toBe(false);
  });

  test('one that cannot be bounded is refused with its reason', () => {
    expect(() => regex('(a)\\1(?:b+)+', 'normalizer.pattern')).toThrow(
      'normalizer.pattern is "(a)\\\\1(?:b+)+", which may never come to an end and cannot be bounded',
    );
    expect(() => regex('(', 'normalizer.pattern')).toThrow('which cannot be read');
    expect(() => regex('a'.repeat(30_000), 'it')).toThrow('longer than the 20000 characters');
  });
});
