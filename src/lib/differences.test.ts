import { expect, it } from 'vitest';
import { differences } from './differences.ts';

it('names the leaves in which two configurations differ, and what only one of them has as a whole', () => {
  const first = { seed: 1, loss: { beta: 0, agg: 'dapo' }, targets: ['q', 'k'], srrl: null };
  const second = {
    seed: 1,
    loss: { beta: 0.1, agg: 'dapo' },
    targets: ['q'],
    srrl: { first: 2 },
    more: 3,
  };
  expect(differences(first, second)).toEqual([
    { path: 'loss.beta', first: 0, second: 0.1 },
    { path: 'targets', first: ['q', 'k'], second: ['q'] },
    { path: 'srrl', first: null, second: { first: 2 } },
    { path: 'more', first: undefined, second: 3 },
  ]);
  expect(differences(first, structuredClone(first))).toEqual([]);
});
