import { describe, expect, it } from 'vitest';
import { pageProblems } from './page-problems.ts';

/** The part of a browser's cache that is used. */
function memoryCache(): Cache {
  const held = new Map<string, Response>();
  return {
    match: async (url: string) => held.get(url)?.clone(),
    put: async (url: string, response: Response) => void held.set(url, response),
    keys: async () => [...held.keys()].map((url) => ({ url })),
  } as unknown as Cache;
}

/** A line of MBPP; ids from 601 to 974 train, ids from 11 to 510 test. */
const line = (id: number) =>
  JSON.stringify({
    task_id: id,
    text: 'Add one.',
    code: 'def f(x): return x + 1',
    test_list: ['assert f(1) == 2'],
  });
const file = (...ids: number[]) => new Blob([ids.map((id) => `${line(id)}\n`).join('')]);

describe('a file of problems that is given to the page', () => {
  it('is kept by its name, offered and read again, with MBPP’s own splits', async () => {
    const cache = memoryCache();
    const offer = await pageProblems('http://here/', async () => cache).add(
      'my mbpp.jsonl',
      file(11, 601),
    );
    expect(offer).toMatchObject({
      name: 'my mbpp.jsonl',
      problems: 2,
      trains: true,
      needs: null,
      given: true,
    });
    const later = pageProblems('http://here/', async () => cache);
    expect((await later.offers()).filter(({ given }) => given).map(({ name }) => name)).toEqual([
      'my mbpp.jsonl',
    ]);
    expect((await later.load('my mbpp.jsonl')).map(({ id, split }) => [id, split])).toEqual([
      ['mbpp/11', 'test'],
      ['mbpp/601', 'train'],
    ]);
  });

  it(
    'is refused in one sentence where it is none, has nothing to train on, or another of that ' +
      'name is here',
    async () => {
      const cache = memoryCache();
      const { add, load } = pageProblems('http://here/', async () => cache);
      await expect(add('x.jsonl', new Blob(['<html>']))).rejects.toThrow(
        /^x\.jsonl, line 1, is not JSON: .*\.$/,
      );
      await expect(add('x.jsonl', file(11))).rejects.toThrow(
        /^x\.jsonl has 1 problems and none in a training split; .*\.$/,
      );
      await expect(add('mbpp', file(601))).rejects.toThrow(
        'mbpp is the name of another data set; give the file another one.',
      );
      await expect(load('x.jsonl')).rejects.toThrow(
        'There is no data set x.jsonl here; choose one of the list, or give its file.',
      );
      await add('x.jsonl', file(601));
      await add('x.jsonl', file(601));
      await expect(add('x.jsonl', file(601, 621))).rejects.toThrow(
        'Another file named x.jsonl is here already; give this one another name.',
      );
      await expect(
        pageProblems('http://here/', async () => null).add('y.jsonl', file(601)),
      ).rejects.toThrow(/without HTTPS/);
    },
  );
});
