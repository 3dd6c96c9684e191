import { describe, expect, it } from 'vitest';
import { tokenSpans } from './token-spans.ts';

describe('tokenSpans', () => {
  it('cuts at UTF-8 offsets, not at UTF-16 units', () => {
    expect(tokenSpans('aé→😀z', [1, 3, 6, 10, 11])).toEqual(['a', 'é', '→', '😀', 'z']);
  });

  it('gives a character that several tokens share to the one that ends it', () => {
    expect(tokenSpans('😀!', [1, 2, 4, 5])).toEqual(['', '', '😀', '!']);
  });

  it('gives the end token an empty string', () => {
    expect(tokenSpans('ab', [1, 2, 2])).toEqual(['a', 'b', '']);
  });

  it('loses no text when offsets stop early', () => {
    expect(tokenSpans('abc', [1]).join('')).toBe('abc');
  });
});
