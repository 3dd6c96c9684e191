import { describe, expect, it } from 'vitest';
import { createKeyed } from './keyed.ts';

const soon = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('values by key', () => {
  it('are read once, again after a failure, and keep the sentence of one', async () => {
    const keyed = createKeyed<number>();
    let asked = 0;
    const read = () => (++asked === 1 ? Promise.reject(new Error('no')) : Promise.resolve(asked));
    keyed.open('a', read);
    keyed.open('a', read);
    expect(keyed.get('a')).toEqual({ state: 'loading' });
    await soon();
    expect(keyed.get('a')).toEqual({ state: 'error', message: 'no' });
    keyed.open('a', read);
    await soon();
    keyed.open('a', read);
    expect(keyed.get('a')).toEqual({ state: 'ready', data: 2 });
    expect(asked).toBe(2);
  });

  it('take the answer that was asked for last, whichever comes last, and none for what is forgotten', async () => {
    const keyed = createKeyed<string>();
    let answerFirst: (text: string) => void = () => undefined;
    void keyed.read('a', () => new Promise((resolve) => (answerFirst = resolve)));
    void keyed.read('a', () => Promise.resolve('second'));
    await soon();
    answerFirst('first');
    await soon();
    expect(keyed.get('a')).toEqual({ state: 'ready', data: 'second' });
    void keyed.read('b', () => Promise.resolve('late'));
    keyed.forget('b');
    await soon();
    expect(keyed.get('b')).toBeUndefined();
  });

  it('make room for new ones, and know no key that was not put', () => {
    const keyed = createKeyed<number>(2);
    for (const [i, key] of ['a', 'b', 'a', 'c'].entries())
      keyed.put(key, { state: 'ready', data: i });
    expect([...keyed.store.getState().keys()]).toEqual(['a', 'c']);
    for (const key of ['__proto__', 'constructor', 'toString'])
      expect(keyed.get(key)).toBeUndefined();
  });
});
