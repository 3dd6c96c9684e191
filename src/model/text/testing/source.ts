import type { FileSource } from '../../weights/source.ts';

/** Files of a model from their contents: text as it is, anything else as JSON. */
export function textSource(contents: Readonly<Record<string, unknown>>): FileSource {
  const get = (path: string) => {
    const content = contents[path];
    if (content === undefined) return null;
    return new TextEncoder().encode(
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  };
  return {
    label: 'the model',
    read: (path) => Promise.resolve(get(path)),
    size: (path) => Promise.resolve(get(path)?.length ?? null),
    readRange: () => Promise.reject(new Error('not asked for')),
  };
}

/** Sentencepiece's layout: a space is ▁, the one that begins a text is not shown. */
export const spaced = {
  version: '1.0',
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false },
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
    vocab: Object.fromEntries(
      [
        '<unk>',
        '<s>',
        '▁',
        ...'abcdef',
        ...[0xc3, 0xa9].map((n) => `<0x${n.toString(16).toUpperCase()}>`),
      ].map((token, id) => [token, id]),
    ),
    merges: [],
    unk_token: '<unk>',
    byte_fallback: true,
  },
};
