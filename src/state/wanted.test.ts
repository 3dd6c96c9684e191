import { expect, it } from 'vitest';
import { wantedDownloads } from './wanted.ts';

function storage(): Pick<Storage, 'getItem' | 'setItem'> {
  const held = new Map<string, string>();
  return {
    getItem: (key) => held.get(key) ?? null,
    setItem: (key, value) => void held.set(key, value),
  };
}

it('downloads that have not ended are known after a reload, each once', () => {
  const kept = storage();
  const before = wantedDownloads(kept);
  before.add('a/b:q4');
  before.add('a/b:q4');
  before.add('a/c@v1:f16');
  before.remove('a/b:q4');
  expect(wantedDownloads(kept).list()).toEqual([{ repo: 'a/c@v1', precision: 'f16' }]);
});

it('what something else has written there, and a browser without storage, ask for nothing', () => {
  const kept = storage();
  kept.setItem('afterthought.downloads', '{"odd": true}');
  expect(wantedDownloads(kept).list()).toEqual([]);
  kept.setItem('afterthought.downloads', 'no JSON');
  expect(wantedDownloads(kept).list()).toEqual([]);
  const refusing = wantedDownloads(undefined);
  refusing.add('a/b:q4');
  expect(refusing.list()).toEqual([]);
});
