import { describe, expect, it } from 'vitest';
import type { ModelShelf, ModelTransfer, StoredModel } from '../schema/models.ts';
import { formatBytes } from '../lib/format.ts';
import {
  canPlan,
  defaultPrecision,
  hubRepo,
  keptBytes,
  modelParts,
  placeOf,
  preferredId,
  roomSentence,
  shelfRepos,
  unstoredTransfers,
} from './model-places.ts';

const OFFER = {
  repo: 'a/coder',
  title: 'Coder 1.5B',
  parameters: 1_543_714_304,
  embedding: 233_373_696,
  download: 3_087_428_608,
  note: '',
};
const stored = (id: string, part: Partial<StoredModel> = {}): StoredModel => ({
  ...{
    id,
    repo: modelParts(id)!.repo.replace(/@.*/, ''),
    revision: 'main',
    commit: 'c',
    precision: modelParts(id)!.precision,
  },
  ...{ licence: null, bytes: 900, complete: true, done: 3000, total: 3000, problem: null },
  ...part,
});
const shelf = (...models: StoredModel[]): ModelShelf => ({
  offers: [OFFER],
  stored: models,
  room: { used: 1, free: 2, persisted: false },
  hub: 'https://hub.example',
});
const transfer = (id: string, state: ModelTransfer['state']): ModelTransfer => ({
  ...{ id, repo: 'a/coder', precision: 'q4', state, file: null, done: 5, total: 10, note: null },
});
const NOTHING = { transfers: {}, lookUps: {} };

describe('where a model is', () => {
  it('nano is part of the page, whatever is known of others', () => {
    expect(placeOf('nano', null, NOTHING)).toMatchObject({
      state: 'embedded',
      title: 'nano',
      precision: null,
    });
  });

  it('follows from what is stored and what is on its way', () => {
    const id = 'a/coder:q4';
    const at = (held: ModelShelf, transfers = {}) =>
      placeOf(id, held, { transfers, lookUps: {} })?.state;
    expect(at(shelf())).toBe('absent');
    expect(at(shelf(stored('a/coder:q8')))).toBe('absent');
    expect(at(shelf(stored(id)))).toBe('here');
    expect(at(shelf(stored(id, { complete: false })))).toBe('begun');
    expect(at(shelf(), { [id]: transfer(id, 'running') })).toBe('coming');
    expect(at(shelf(stored(id, { complete: false })), { [id]: transfer(id, 'failed') })).toBe(
      'begun',
    );
  });

  it('an offer gives title and sizes, of another revision too; a typed repository what the hub said of it', () => {
    expect(placeOf('a/coder@v2:q4', shelf(), NOTHING)).toMatchObject({
      title: 'Coder 1.5B',
      repo: 'a/coder@v2',
      download: 3_087_428_608,
    });
    const looked = {
      transfers: {},
      lookUps: {
        'b/other': {
          state: 'ready' as const,
          data: { ...OFFER, repo: 'b/other', title: 'b/other' },
        },
      },
    };
    expect(placeOf('b/other:f16', shelf(), looked)?.kept).toBe(2 * OFFER.parameters);
    expect(placeOf('b/other:f16', shelf(), NOTHING)).toMatchObject({
      title: 'b/other',
      kept: null,
      download: null,
    });
    expect(placeOf('local/mine:q8', shelf(), NOTHING)?.title).toBe('mine');
  });

  it('a run is planned by its files or by what the hub said, and by nothing for a folder that is gone', () => {
    const plannable = (
      id: string,
      held = shelf(),
      known: Parameters<typeof placeOf>[2] = NOTHING,
    ) => canPlan(placeOf(id, held, known)!);
    expect([plannable('nano'), plannable('a/coder:q4'), plannable('b/other:q4')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(plannable('b/other:q4', shelf(stored('b/other:q4', { complete: false })))).toBe(true);
    expect(plannable('local/mine:q8')).toBe(false);
    expect(plannable('local/mine:q8', shelf(stored('local/mine:q8')))).toBe(true);
  });

  it('a transfer of which nothing is stored is listed while it goes on and when it failed', () => {
    const listed = (state: 'running' | 'failed' | 'cancelled', held = shelf()) =>
      unstoredTransfers(held, { x: transfer('b/other:q4', state) }).length;
    expect([listed('running'), listed('failed'), listed('cancelled')]).toEqual([1, 1, 0]);
    expect(listed('failed', shelf(stored('b/other:q4', { complete: false })))).toBe(0);
  });

  it('an id without a known precision names nothing', () => {
    expect(placeOf('a/coder', shelf(), NOTHING)).toBeNull();
    expect(placeOf('a/coder:q3', shelf(), NOTHING)).toBeNull();
  });
});

describe('choosing a model', () => {
  it('takes what is here of a repository before its default precision', () => {
    expect(preferredId('a/coder', shelf())).toBe('a/coder:q4');
    expect(preferredId('a/coder', shelf(stored('a/coder:f16')))).toBe('a/coder:f16');
    expect(
      preferredId(
        'a/coder',
        shelf(stored('a/coder:f16', { complete: false }), stored('a/coder:q8')),
      ),
    ).toBe('a/coder:q8');
  });

  it('offers 4 bits from a billion weights on, and where nobody has counted', () => {
    expect([defaultPrecision(1.5e9), defaultPrecision(5e8), defaultPrecision(null)]).toEqual([
      'q4',
      'q8',
      'q4',
    ]);
  });

  it('lists each repository once, the embedded model first', () => {
    expect(shelfRepos(shelf(), 'nano')).toEqual(['nano', 'a/coder']);
    expect(shelfRepos(shelf(stored('a/coder:q8'), stored('local/mine:q4')), 'b/typed:q4')).toEqual([
      'nano',
      'a/coder',
      'local/mine',
      'b/typed',
    ]);
  });

  it('knows a repository of the hub by name or address', () => {
    expect(hubRepo(' Qwen/Qwen3-0.6B ')).toBe('Qwen/Qwen3-0.6B');
    expect(hubRepo('https://hub.example/Qwen/Qwen3-0.6B/')).toBe('Qwen/Qwen3-0.6B');
    expect(hubRepo('Qwen/Qwen3-0.6B@main')).toBe('Qwen/Qwen3-0.6B');
    expect(hubRepo('Qwen/Qwen3-0.6B@abc123')).toBe('Qwen/Qwen3-0.6B@abc123');
    for (const text of ['', 'Qwen', 'a/b/c', 'a b/c', '../c'])
      expect(hubRepo(text), text).toBeNull();
  });
});

describe('the room a model takes', () => {
  it('of 1.5 billion weights is 0.9 GiB at 4 bits, with the embedding at 8', () => {
    expect(formatBytes(keptBytes(OFFER, 'q4'))).toBe('939 MiB');
    expect(formatBytes(keptBytes(OFFER, 'q8'))).toBe('1.5 GiB');
    expect(formatBytes(keptBytes(OFFER, 'f16'))).toBe('2.9 GiB');
  });

  it('is held against what is left, less what has come', () => {
    const place = placeOf('a/coder:q4', shelf(), NOTHING)!;
    expect(roomSentence(place, 2e9, formatBytes)).toBeNull();
    expect(roomSentence(place, null, formatBytes)).toBeNull();
    expect(roomSentence(place, 5e8, formatBytes)).toMatch(
      /^It needs 939 MiB more and the browser has 477 MiB left/,
    );
    const begun = placeOf(
      'a/coder:q4',
      shelf(stored('a/coder:q4', { complete: false, bytes: 6e8 })),
      NOTHING,
    )!;
    expect(roomSentence(begun, 5e8, formatBytes)).toBeNull();
  });
});
