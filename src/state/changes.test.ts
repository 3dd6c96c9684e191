import { describe, expect, it } from 'vitest';
import { analysisOf, assertChanges, lineDiff } from './changes.ts';
import { verdictOf } from './testing/log.ts';

describe('what a second answer changed', () => {
  it('is told line by line, with the numbers of both programs', () => {
    const lines = lineDiff('def f(x):\n    y = 9\n    return y\n', 'def f(x):\n    return x');
    expect(lines.map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ['same', 1, 1],
      ['removed', 2, null],
      ['removed', 3, null],
      ['added', null, 2],
    ]);
  });

  it('is nothing where only the end’s white space differs', () => {
    expect(lineDiff('a\nb\n\n', 'a\nb').every(({ kind }) => kind === 'same')).toBe(true);
  });

  it('is told assert by assert, also where a program did not get that far', () => {
    const none = { ...verdictOf('error'), asserts: [] };
    expect(
      assertChanges(verdictOf('fail', 1), verdictOf('pass')).map(({ change }) => change),
    ).toEqual(['passes', 'fixed']);
    expect(
      assertChanges(verdictOf('fail', 1), verdictOf('fail', 0)).map(({ change }) => change),
    ).toEqual(['broken', 'fails']);
    expect(
      assertChanges(none, verdictOf('fail', 1)).map(({ change, before }) => [change, before]),
    ).toEqual([
      ['fixed', null],
      ['fails', null],
    ]);
  });
});

describe('the analysis before a program', () => {
  it('is what stands in <analysis>, also where that was never closed', () => {
    expect(analysisOf('<analysis>Off by one.</analysis><code>x</code>')).toBe('Off by one.');
    expect(analysisOf('<analysis>Off by one.\n<code>x = 1</code>')).toBe('Off by one.');
  });

  it('is the comment at the head of nano’s program, and nothing further down', () => {
    expect(
      analysisOf(
        '# It keeps the first.\n# It should keep the last.\ndef f(x):\n    # here\n    return x\n',
      ),
    ).toBe('It keeps the first.\nIt should keep the last.');
    expect(analysisOf('def f(x):\n    # here\n    return x\n')).toBeNull();
  });
});
