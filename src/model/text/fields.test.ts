import { describe, expect, test } from 'vitest';
import { parseModelConfig } from '../weights/config.ts';
import { spaced, textSource } from './testing/source.ts';
import { loadTokenizer } from './tokenizer.ts';

const config = (vocabSize: number) => ({
  model_type: 'llama',
  vocab_size: vocabSize,
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  intermediate_size: 8,
  max_position_embeddings: 8,
  eos_token_id: 7,
});

describe('tokens that other files name', () => {
  const tool = { content: '<tool>', special: true };
  const named = async (contents: Record<string, unknown>, rows?: number) =>
    loadTokenizer(
      textSource({ 'tokenizer.json': spaced, ...contents }),
      rows === undefined ? undefined : parseModelConfig(config(rows)),
    );
  const next = Object.keys(spaced.model.vocab).length;

  test.each([
    ['added_tokens_decoder', { 'tokenizer_config.json': { added_tokens_decoder: { 900: tool } } }],
    ['added_tokens.json', { 'added_tokens.json': { '<tool>': 900 } }],
    ['special_tokens_map.json', { 'special_tokens_map.json': { pad_token: tool } }],
    ['pad_token', { 'tokenizer_config.json': { pad_token: '<tool>' } }],
    ['image_token', { 'tokenizer_config.json': { image_token: '<tool>' } }],
    [
      'additional_special_tokens',
      { 'tokenizer_config.json': { additional_special_tokens: ['<tool>'] } },
    ],
  ])('%s: they have the next id and are not split', async (_, contents) => {
    const tokenizer = await named(contents);
    expect(tokenizer.encode('a<tool>')).toEqual([2, 3, next]);
    expect(tokenizer.decode([3, next])).toBe('a<tool>');
    expect(tokenizer.vocabSize).toBe(next + 1);
  });

  test('a token that is in the vocabulary keeps its id, and is found in a text', async () => {
    const tokenizer = await named({ 'tokenizer_config.json': { bos_token: '<s>' } });
    expect(tokenizer.encode('<s>a')).toEqual([1, 3]);
    expect((await named({})).encode('<s>a')).not.toContain(1);
  });

  test('one that the model has no row for is read as text, and that is said', async () => {
    const tokenizer = await named({ 'tokenizer_config.json': { pad_token: '[PAD]' } }, next);
    expect(tokenizer.encode('[PAD]')).not.toContain(next);
    expect(tokenizer.notes.join()).toContain(
      `The model has ${next} tokens and none for "[PAD]", which the files beside tokenizer.json name`,
    );
  });

  test('the config may say that a text begins with its token, whatever tokenizer.json does', async () => {
    const config = { bos_token: '<s>', eos_token: 'f', add_bos_token: true, add_eos_token: true };
    const tokenizer = await named({ 'tokenizer_config.json': config });
    expect(tokenizer.encode('a', { addSpecialTokens: true })).toEqual([1, 2, 3, 8]);
    expect(tokenizer.encode('a')).toEqual([2, 3]);
  });
});

describe('a field that is not known', () => {
  const load = (change: (json: typeof spaced & Record<string, unknown>) => unknown) =>
    loadTokenizer(textSource({ 'tokenizer.json': change(structuredClone(spaced)) }));

  test.each([
    [{ pre_tokenizer: { type: 'Metaspace', replacement: '▁', glue: 2 } }, 'the field glue = 2'],
    [{ pre_tokenizer: { type: 'Wordy' } }, 'pre_tokenizer is a pre-tokenizer of type "Wordy"'],
    [{ normalizer: { type: 'Fold' } }, 'normalizer is a normalizer of type "Fold"'],
    [{ decoder: { type: 'Undo' } }, 'decoder is a decoder of type "Undo"'],
    [{ post_processor: { type: 'Wrap' } }, 'post_processor is a post-processor of type "Wrap"'],
    [{ model: { ...spaced.model, dropout: 0.1 } }, 'model.dropout is 0.1'],
    [{ model: { ...spaced.model, alpha: 0.2 } }, 'model has the field alpha = 0.2'],
    [{ model: { type: 'Grammar', vocab: {} } }, 'model is a model of type "Grammar"'],
    [{ model: { ...spaced.model, merges: [['a', 'z']] } }, 'model.merges[0] joins "a" and "z"'],
    [
      { added_tokens: [{ id: 9, content: 'x', fuzzy: true }] },
      'added_tokens[0] has the field fuzzy',
    ],
    [{ rewriter: {} }, 'the field rewriter'],
    [{ version: '2.0' }, 'its version is "2.0"'],
    [
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'Strip', strip_left: 'yes' }] } },
      'normalizer.normalizers[0].strip_left is "yes" where true or false belongs',
    ],
    [
      {
        pre_tokenizer: {
          type: 'Metaspace',
          replacement: '▁',
          add_prefix_space: false,
          prepend_scheme: 'always',
        },
      },
      'add_prefix_space is false, but prepend_scheme is always',
    ],
  ])('is refused by its name: %j', async (parts, said) => {
    await expect(load((json) => ({ ...json, ...parts }))).rejects.toThrow(said);
  });

  test('is let be where it is off', async () => {
    const tokenizer = await load((json) => ({
      ...json,
      future: null,
      model: { ...json.model, alpha: null, nbest: false },
    }));
    expect(tokenizer.encode('a')).toEqual([2, 3]);
  });

  test('truncation, padding and an idle clean-up are known and not done, which is said', async () => {
    const tokenizer = await loadTokenizer(
      textSource({
        'tokenizer.json': { ...spaced, truncation: { max_length: 1 }, padding: { length: 9 } },
        'tokenizer_config.json': { clean_up_tokenization_spaces: true },
      }),
    );
    expect(tokenizer.encode('abc')).toEqual([2, 3, 4, 5]);
    expect(tokenizer.notes).toHaveLength(3);
    expect((await load((json) => json)).notes).toEqual([]);
  });
});
