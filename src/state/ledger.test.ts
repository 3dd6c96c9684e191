import { describe, expect, it } from 'vitest';
import type { NewEvent } from '../schema/events.ts';
import { findGroup, findRollout, foldRun } from './fold.ts';
import { ledgerOf } from './ledger.ts';
import { CONFIG, numbered, startOf, stepOf } from './testing/log.ts';

function ledger(id: string, change: (event: NewEvent) => NewEvent = (event) => event) {
  const view = foldRun('r', numbered([startOf('r'), ...stepOf(1).map(change)]));
  const rollout = findRollout(view, id);
  if (!rollout) throw new Error(`no rollout ${id}`);
  return ledgerOf(rollout, findGroup(view, rollout), CONFIG);
}

describe('the ledger', () => {
  it('spells the advantage out with the numbers it came from', () => {
    expect(ledger('1/0/0')).toMatchObject({ passed: 2, reward: 1, counted: 3, earned: 1, formula: '(1 − 0.333) / (0.577 + 0.0001)', inLoss: true });
  });

  it('says that a group of equals teaches nothing', () => {
    const equal = ledger('1/0/1', (e) => (e.type === 'rollout.rewarded' ? { ...e, reward: 0, advantage: 0, inLoss: false } : e));
    expect(equal).toMatchObject({ formula: null, inLoss: false });
    expect(equal?.reason).toContain('earned the same');
  });

  it('says that a truncated completion is masked but counts in the mean', () => {
    const cut = ledger('1/0/1', (e) => {
      if (e.type === 'rollout.completed' && e.id === '1/0/1') return { ...e, finish: 'length' };
      return e.type === 'rollout.rewarded' && e.rollout === '1/0/1' ? { ...e, inLoss: false } : e;
    });
    expect(cut?.reason).toContain('limit of 32 tokens');
    expect(cut?.formula).not.toBeNull();
  });

  it('has no reward where the sandbox failed', () => {
    const infra = ledger('1/0/1', (e) => (e.type === 'rollout.rewarded' && e.rollout === '1/0/1' ? { ...e, reward: null, inLoss: false } : e));
    expect(infra).toMatchObject({ reward: null, counted: 2 });
    expect(infra?.reason).toContain('sandbox failed');
  });
});
