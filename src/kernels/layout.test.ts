import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Layout } from './layout.ts';
import { ROW, withAdapters } from './rows.ts';
import { MAX_STOP_IDS, packSlots, PLAIN_SLOT, SAMPLED, SLOT, slotAt } from './sample.ts';
import { packTokens, PLAIN_TOKEN, RESULT, TOKEN, tokenAt } from './token-loss.ts';

it.each([
  ['ROW', ROW, 'lib/rows.wgsl'],
  ['TOKEN', TOKEN, 'lib/tokens.wgsl'],
  ['RESULT', RESULT, 'lib/tokens.wgsl'],
  ['SLOT', SLOT, 'sample.wgsl'],
  ['SAMPLED', SAMPLED, 'sample.wgsl'],
] as const)('%s has the words that the WGSL names', (prefix, layout, file) => {
  const wgsl = readFileSync(`shaders/${file}`, 'utf8');
  const named = new Map(
    Array.from(wgsl.matchAll(/const (\w+) = (\d+)u;/g), ([, name, word]) => [name, Number(word)]),
  );
  expect(named.get(`${prefix}_WORDS`)).toBe(layout.words);
  layout.names.forEach((name, word) => {
    const constant = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    expect(named.get(`${prefix}_${constant}`), name).toBe(word);
  });
});

describe('a layout', () => {
  const layout = new Layout({ id: 'u32', value: 'f32' }, 3);

  it('writes and reads fields by name, each in its type', () => {
    const buffer = layout.pack([
      { id: 7, value: 0.5 },
      { id: 0xffffffff, value: -1.25 },
    ]);
    expect([...buffer]).toEqual([7, 0x3f000000, 0, 0xffffffff, 0xbfa00000, 0]);
    expect(layout.read(buffer, 1)).toEqual({ id: 0xffffffff, value: -1.25 });
    layout.entry(buffer, 1)[2] = 9;
    expect(buffer[5]).toBe(9);
  });

  it('refuses an entry that the buffer does not have', () => {
    const buffer = new Uint32Array(6);
    expect(() => layout.read(buffer, 2)).toThrow(
      'Entry 2 was asked of a buffer of 2 entries (id, value).',
    );
    expect(() => layout.write(buffer, -1, { id: 0, value: 0 })).toThrow('Entry -1 was asked');
  });
});

it('gives tokens back with the log-probs that are absent', () => {
  const token = { ...PLAIN_TOKEN, id: 3, old: -0.5, reference: 0, klWeight: 0.25 };
  expect(tokenAt(packTokens([PLAIN_TOKEN, token]), 1)).toEqual(token);
});

it('gives slots back with their stop ids, and holds no more than there is room for', () => {
  const slot = { ...PLAIN_SLOT, temperature: 0.5, stopIds: [4, 0, 9], done: true };
  expect(slotAt(packSlots([PLAIN_SLOT, slot]), 1)).toEqual(slot);
  const full = Array.from({ length: MAX_STOP_IDS + 1 }, (_, i) => i);
  expect(() => packSlots([{ ...slot, stopIds: full }])).toThrow('7 stop ids; 8 were given');
});

it('changes the adapters of a copy alone', () => {
  const row = {
    token: 1,
    position: 2,
    kv: 3,
    prefixStart: 4,
    prefixLen: 5,
    ownStart: 6,
    ownLen: 7,
    adapter: 8,
  };
  const rows = ROW.pack([row, row]);
  const other = withAdapters(rows, (i) => 10 + i);
  expect(ROW.read(other, 1)).toEqual({ ...row, adapter: 11 });
  expect(ROW.read(rows, 1)).toEqual(row);
});
