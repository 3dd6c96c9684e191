import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';

import { Rng } from '../../lib/rng.ts';
import { parseModelConfig } from '../weights/config.ts';
import { spaced, textSource } from './testing/source.ts';
import { loadTokenizer } from './tokenizer.ts';

const model = (vocabSize: number) =>
  parseModelConfig({
    model_type: 'llama',
    vocab_size: vocabSize,
    hidden_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    intermediate_size: 8,
    max_position_embeddings: 8,
    eos_token_id: 7,
  });

/**
 * A byte-level tokenizer without merges: id = byte, 256 = <end>. The stand-in characters are those
 * of GPT-2.
 */
const bytes = (() => {
  const vocab: Record<string, number> = {};
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    vocab[String.fromCodePoint(itself ? byte : next++)] = byte;
  }
  const end = {
    id: 256,
    content: '<end>',
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
  return {
    'tokenizer.json': {
      version: '1.0',
      added_tokens: [end],
      normalizer: null,
      pre_tokenizer: {
        type: 'ByteLevel',
        add_prefix_space: false,
        trim_offsets: true,
        use_regex: true,
      },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab, merges: [], unk_token: null, byte_fallback: false },
    },
    'tokenizer_config.json': { eos_token: { content: '<end>' } },
  };
})();

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('a byte-level tokenizer', () => {
  test('any text comes back, special tokens are recognised and can be left out', async () => {
    const tokenizer = await loadTokenizer(textSource(bytes));
    const text = 'naïve\n\t日本 👩‍🌾 \u{feff}x';
    expect(tokenizer.encode(text)).toEqual([...utf8(text)]);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.encode('a<end>b')).toEqual([97, 256, 98]);
    expect(tokenizer.decode([97, 256, 98])).toBe('a<end>b');
    expect(tokenizer.decode([97, 256, 98], { skipSpecialTokens: true })).toBe('ab');
    expect([tokenizer.encode(''), tokenizer.decode([])]).toEqual([[], '']);
  });

  test('ends are byte offsets, and the token that completes a character gets it', async () => {
    const tokenizer = await loadTokenizer(textSource(bytes));
    expect(tokenizer.pieces([97, ...utf8('é'), 256, ...utf8('👍')])).toEqual({
      text: 'aé<end>👍',
      ends: Uint32Array.of(1, 1, 3, 8, 8, 8, 8, 12),
    });
    expect(tokenizer.pieces([])).toEqual({ text: '', ends: new Uint32Array(0) });
  });

  test('a completion cut inside a character ends with one replacement character', async () => {
    const tokenizer = await loadTokenizer(textSource(bytes));
    expect(tokenizer.pieces([97, ...utf8('👍').subarray(0, 3)])).toEqual({
      text: 'a\u{fffd}',
      ends: Uint32Array.of(1, 1, 1, 4),
    });
    expect(tokenizer.pieces([0xff, 97, 0xe2, 0x82, 98])).toEqual({
      text: '\u{fffd}a\u{fffd}b',
      ends: Uint32Array.of(3, 4, 4, 7, 8),
    });
  });

  test(
    'for random ids, ends never fall, stay on character boundaries and reach the end of the ' +
      'decoded text',
    async () => {
      const tokenizer = await loadTokenizer(textSource(bytes));
      const random = new Rng(1);
      // Mostly lead and continuation bytes, so that split and ill-formed characters of every kind
      // come up.
      const pool = [
        0x41, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xc3, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf1, 0xf4,
        0xf5, 0xbb, 256,
      ];
      for (let round = 0; round < 2000; round++) {
        const ids = Array.from(
          { length: 1 + random.int(12) },
          () => pool[random.int(pool.length)] ?? 0,
        );
        const { text, ends } = tokenizer.pieces(ids);
        const encoded = utf8(text);
        expect(text).toBe(tokenizer.decode(ids));
        expect(ends.at(-1)).toBe(encoded.length);
        ends.forEach((end, i) => {
          expect(end).toBeGreaterThanOrEqual(ends[i - 1] ?? 0);
          expect((encoded[end] ?? 0) & 0xc0).not.toBe(0x80);
          // A streaming decoder of the ids so far has put out at most this much.
          const raw = ids.slice(0, i + 1).flatMap((id) => (id === 256 ? [...utf8('<end>')] : [id]));
          const streamed = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
            Uint8Array.from(raw),
            { stream: true },
          );
          expect(end).toBeGreaterThanOrEqual(utf8(streamed).length);
        });
      }
    },
  );

  test('ids that the tokenizer does not know give no text', async () => {
    const tokenizer = await loadTokenizer(textSource(bytes));
    expect(tokenizer.pieces([97, 300, 98])).toEqual({ text: 'ab', ends: Uint32Array.of(1, 1, 2) });
  });
});

test('with byte fallback too, the token that completes a character gets it', async () => {
  const tokenizer = await loadTokenizer(
    textSource({
      'tokenizer.json': {
        version: '1.0',
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: null,
        post_processor: null,
        decoder: {
          type: 'Sequence',
          decoders: [
            { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
            { type: 'ByteFallback' },
            { type: 'Fuse' },
            { type: 'Strip', content: ' ', start: 1, stop: 0 },
          ],
        },
        model: {
          type: 'BPE',
          vocab: { '<unk>': 0, '▁': 1, a: 2, '<0xC3>': 3, '<0xA9>': 4 },
          merges: [],
          unk_token: '<unk>',
          byte_fallback: true,
        },
      },
    }),
  );
  // The first space is the decoder's own and does not show.
  expect(tokenizer.pieces([1, 2, 3, 4, 1, 2])).toEqual({
    text: 'aé a',
    ends: Uint32Array.of(0, 1, 1, 3, 4, 5),
  });
});

describe('a completion goes on from its prompt', () => {
  test('so that it keeps the space it begins with, token by token as well', async () => {
    const tokenizer = await loadTokenizer(textSource({ 'tokenizer.json': spaced }));
    const prompt = tokenizer.encode('a');
    const ids = tokenizer.encode(' b');
    expect(tokenizer.decode(ids)).toBe('b');
    expect(tokenizer.decode(ids, { after: prompt })).toBe(' b');
    expect(tokenizer.pieces(ids, prompt)).toEqual({
      text: ' b',
      ends: Uint32Array.of(1, 2),
    });
  });

  test('and a character that the prompt began is the one that it ends', async () => {
    const withBytes = await loadTokenizer(textSource({ 'tokenizer.json': spaced }));
    const [lead, trail] = withBytes.encode('aé').slice(2);
    expect(withBytes.decode([trail!, 2, 3], { after: [2, 3, lead!] })).toBe('é a');
    const byteLevel = await loadTokenizer(textSource(bytes));
    expect(byteLevel.decode([0xa9, 98], { after: [97, 0xc3] })).toBe('éb');
    expect(byteLevel.pieces([0xa9, 98], [97, 0xc3])).toEqual({
      text: 'éb',
      ends: Uint32Array.of(2, 3),
    });
    expect(byteLevel.decode([98], { after: [...utf8('é')] })).toBe('b');
    expect(byteLevel.decode([98], { after: [0x80, 0x80] })).toBe('b');
  });

  test('however long a run of bytes stands before it', async () => {
    const tokenizer = await loadTokenizer(textSource({ 'tokenizer.json': spaced }));
    const long = tokenizer.encode('é'.repeat(40));
    expect(tokenizer.decode(long.slice(41), { after: long.slice(0, 41) })).toBe('é'.repeat(20));
  });
});

describe('loadTokenizer', () => {
  test('refuses a tokenizer that knows more tokens than the model, with both numbers', async () => {
    await expect(loadTokenizer(textSource(bytes), model(256))).rejects.toThrow(
      'wrong tokenizer: it knows 257 tokens, the model 256',
    );
    expect((await loadTokenizer(textSource(bytes), model(300))).vocabSize).toBe(257);
  });

  test("ends of text are the model's and the tokenizer's own", async () => {
    expect((await loadTokenizer(textSource(bytes), model(300))).eosIds).toEqual([7, 256]);
  });

  test('says what is missing or damaged', async () => {
    await expect(loadTokenizer(textSource({}))).rejects.toThrow('the model has no tokenizer.json');
    await expect(loadTokenizer(textSource({ 'tokenizer.json': [] }))).rejects.toThrow(
      'is not a tokenizer',
    );
    await expect(
      loadTokenizer(textSource({ ...bytes, 'tokenizer_config.json': { eos_token: 5 } })),
    ).rejects.toThrow('eos_token');
  });
});

const shared = join(import.meta.dirname, '../../../../shared/data');
const qwen = join(shared, 'qwen2.5');
if (!existsSync(shared))
  console.warn('Skipped: the published tokenizers are not in ../shared/data.');

describe.skipIf(!existsSync(qwen))('the Qwen2.5 tokenizer', () => {
  interface Case {
    name: string;
    text: string;
    ids: number[];
    decoded: string;
  }
  const cases = existsSync(qwen)
    ? (JSON.parse(readFileSync(join(qwen, 'tokenizer_cases.json'), 'utf8')) as Case[])
    : [];
  const loading = loadTokenizer(folderSource(qwen));
  loading.catch(() => undefined);

  test('there are 25 published cases', () => expect(cases.length).toBe(25));

  test.each(cases)(
    '$name: ids and text as published, ends cover the text',
    async ({ text, ids, decoded }) => {
      const tokenizer = await loading;
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
      const { text: joined, ends } = tokenizer.pieces(ids);
      expect(joined).toBe(decoded);
      ids.forEach((_, i) => {
        const raw = new TextDecoder().decode(utf8(decoded).subarray(0, ends[i]));
        expect(decoded.startsWith(raw)).toBe(true);
      });
      expect(ends.at(-1)).toBe(utf8(decoded).length);
    },
  );

  test('has 151,665 ids and ends with <|im_end|>', async () => {
    const tokenizer = await loading;
    expect(tokenizer.vocabSize).toBe(151_665);
    expect(tokenizer.eosIds).toEqual([151_645]);
    expect(tokenizer.encode('<|im_start|>user\n')).toEqual([151_644, 872, 198]);
    expect(tokenizer.decode([151_644, 872, 198], { skipSpecialTokens: true })).toBe('user\n');
  });
});

const tinystories = join(shared, 'models/tinystories-656k-llama');
describe.skipIf(!existsSync(tinystories))(
  'the tinystories tokenizer (sentencepiece with byte fallback)',
  () => {
    interface Reference {
      text: string;
      text_ids: number[];
    }
    const reference = () =>
      JSON.parse(readFileSync(join(tinystories, 'derived_reference.json'), 'utf8')) as Reference;

    test.each([
      'Once upon a time, there was a little girl named Lily.',
      'Tom said "hi!"\n  Then 12 dogs ran.',
      ' two  spaces ',
    ])('%j comes back, and its ends split it without a gap', async (text) => {
      const tokenizer = await loadTokenizer(folderSource(tinystories));
      const ids = tokenizer.encode(text);
      expect(tokenizer.decode(ids)).toBe(text);
      const { text: joined, ends } = tokenizer.pieces(ids);
      expect(joined).toBe(text);
      expect(ends.at(-1)).toBe(utf8(text).length);
      expect([...ends]).toEqual([...ends].sort((a, b) => a - b));
      expect(new Set(ends).size).toBeGreaterThan(4);
    });

    test('adds the start token when asked, and knows the end token', async () => {
      const config: unknown = JSON.parse(readFileSync(join(tinystories, 'config.json'), 'utf8'));
      const tokenizer = await loadTokenizer(folderSource(tinystories), parseModelConfig(config));
      const { text, text_ids } = reference();
      expect(tokenizer.encode(text)).not.toContain(1);
      expect(tokenizer.encode(text, { addSpecialTokens: true })).toEqual(text_ids);
      expect(tokenizer.eosIds).toEqual([2]);
    });
  },
);
