import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from './tokenizer.ts';
import { textSource } from './testing/source.ts';

type Parts = Record<string, unknown>;
interface Fixture {
  readonly texts: string[];
  readonly models: Record<string, Parts>;
  readonly layouts: {
    readonly name: string;
    readonly model: string;
    readonly parts: Parts;
    /** Ids, ids with special tokens around them (0: the same), text; null: the library refuses. */
    readonly rows: ([ids: number[], full: number[] | 0, text: string] | null)[];
  }[];
}

// Made by tools/fixtures/layouts.py.
const { texts, models, layouts } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/tokenizers.json'), 'utf8'),
) as Fixture;

describe('ids and texts are those of the tokenizers library for Rust', () => {
  test.each(layouts)('$name', async ({ model, parts, rows }) => {
    const json = {
      version: '1.0',
      ...parts,
      model: { ...models[model], ...(parts.model as Parts | undefined) },
    };
    const tokenizer = await loadTokenizer(textSource({ 'tokenizer.json': json }));
    rows.forEach((row, i) => {
      const text = texts[i]!;
      if (row === null) {
        expect(() => tokenizer.encode(text), text).toThrow(/does not know|not among its tokens/);
        return;
      }
      const [ids, full, decoded] = row;
      expect([text, tokenizer.encode(text)]).toEqual([text, ids]);
      expect(tokenizer.encode(text, { addSpecialTokens: true })).toEqual(full === 0 ? ids : full);
      expect(tokenizer.decode(ids)).toBe(decoded);
      expect(tokenizer.pieces(ids).text).toBe(decoded);
    });
  });
});
