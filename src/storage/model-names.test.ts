import { describe, expect, it } from 'vitest';
import { parseModelName } from './models.ts';

describe('the name of a model', () => {
  it('is an owner and a name, with revision and precision where wanted; paths are none', () => {
    expect(parseModelName('Qwen/Qwen3-0.6B')).toEqual({
      repo: 'Qwen/Qwen3-0.6B',
      revision: 'main',
      precision: null,
    });
    expect(parseModelName('a/b@refs/pr/1:q4')).toEqual({
      repo: 'a/b',
      revision: 'refs/pr/1',
      precision: 'q4',
    });
    for (const text of ['nano', './a/b', '/a/b', 'a/b/c', 'a/b:q5', '../b'])
      expect(parseModelName(text)).toBeNull();
  });
});
