import { describe, expect, it } from 'vitest';
import type { RunConfig } from '../schema/config.ts';
import type { NewEvent } from '../schema/events.ts';
import { findGroup, findRollout, foldRun } from './fold.ts';
import { ledgerOf } from './ledger.ts';
import {
  CONFIG,
  numbered,
  REFLKD_CONFIG,
  reflKdStep,
  SRRL_CONFIG,
  srrlStep,
  startOf,
  stepOf,
} from './testing/log.ts';

function ledgerIn(config: RunConfig, events: readonly NewEvent[], id: string) {
  const view = foldRun('r', numbered([startOf('r', config), ...events]));
  const rollout = findRollout(view, id);
  if (!rollout) throw new Error(`no rollout ${id}`);
  return ledgerOf(rollout, findGroup(view, rollout), config);
}

function ledger(id: string, change: (event: NewEvent) => NewEvent = (event) => event) {
  return ledgerIn(CONFIG, stepOf(1).map(change), id);
}

describe('the ledger', () => {
  it('spells the advantage out with the numbers it came from', () => {
    expect(ledger('1/0/0')).toMatchObject({
      passed: 2,
      reward: 1,
      formula: '(1 − 0.333) / (0.577 + 0.0001)',
      inLoss: true,
      baseline: { counted: 3, earned: 1 },
    });
  });

  it('says that a group of equals teaches nothing', () => {
    const equal = ledger('1/0/1', (e) =>
      e.type === 'rollout.rewarded' ? { ...e, reward: 0, advantage: 0, inLoss: false } : e,
    );
    expect(equal).toMatchObject({ formula: null, inLoss: false });
    expect(equal?.reason).toContain('earned the same');
  });

  it('says that a truncated completion is masked but counts in the mean', () => {
    const cut = ledger('1/0/1', (e) => {
      if (e.type === 'rollout.completed' && e.id === '1/0/1')
        return { ...e, finish: 'length', tokens: 32 };
      return e.type === 'rollout.rewarded' && e.rollout === '1/0/1' ? { ...e, inLoss: false } : e;
    });
    expect(cut?.reason).toContain('limit of 32 tokens');
    expect(cut?.formula).not.toBeNull();
  });

  it('has no reward where the sandbox failed', () => {
    const infra = ledger('1/0/1', (e) =>
      e.type === 'rollout.rewarded' && e.rollout === '1/0/1'
        ? { ...e, reward: null, inLoss: false }
        : e,
    );
    expect(infra).toMatchObject({ reward: null, baseline: { counted: 2 } });
    expect(infra?.reason).toContain('sandbox failed');
  });
});

describe('the ledger of SRRL', () => {
  it('holds a refinement against all completions of the problem where advantages are pooled', () => {
    const pooled = ledgerIn(SRRL_CONFIG, srrlStep(1), '1/0/0.1');
    expect(pooled).toMatchObject({
      formula: '(1 − 0.500) / (0.548 + 0.0001)',
      weight: null,
      baseline: { counted: 6, earned: 3 },
    });
    expect(pooled?.baseline?.whose).toContain('all 6 completions');
  });

  it('holds it against its siblings, and an attempt against attempts, where they are made by phase', () => {
    const config: RunConfig = {
      ...SRRL_CONFIG,
      srrl: { ...SRRL_CONFIG.srrl!, advantage: 'phase' },
    };
    const refinement = ledgerIn(config, srrlStep(1), '1/0/0.1')?.baseline;
    expect(refinement).toMatchObject({ counted: 4, earned: 2 });
    expect(refinement?.whose).toContain('4 refinements of attempt 1 alone');
    expect(ledgerIn(config, srrlStep(1), '1/0/0')?.baseline).toMatchObject({
      counted: 2,
      earned: 1,
    });
  });

  it('shows the weight of the refinements’ phase where it is not 1', () => {
    const halved = srrlStep(1).map((e): NewEvent =>
      e.type === 'rollout.rewarded' && e.rollout === '1/0/0.1' ? { ...e, weight: 0.5 } : e,
    );
    expect(ledgerIn(SRRL_CONFIG, halved, '1/0/0.1')?.weight).toEqual({
      value: 0.5,
      formula: 'λ of second answers: each token counts 0.5 × 0.913',
    });
  });
});

describe('the ledger of Refl-KD', () => {
  it('tells what a reflection was worth and how the gate weighed it, both ways', () => {
    const good = ledgerIn(REFLKD_CONFIG, reflKdStep(1), '1/0/0.0');
    expect(good).toMatchObject({
      passed: 2,
      of: 2,
      formula: '1.000 − 0.250',
      baseline: { counted: 4, earned: 1, std: null },
    });
    expect(good?.weight).toEqual({ value: 0.75, formula: 'w = A, as A > δ = 0' });
    const bad = ledgerIn(REFLKD_CONFIG, reflKdStep(1), '1/0/0.1');
    expect(bad?.weight).toEqual({ value: -0.125, formula: 'w = −λ⁻|A| = −0.5 × 0.250, as A < −δ' });
    expect(bad?.reason).toContain('less likely');
  });

  it('says that a reflection without weight feels the pull to the base model alone', () => {
    const gated = reflKdStep(1).map((e): NewEvent =>
      e.type === 'rollout.rewarded' && e.rollout === '1/0/0.0'
        ? { ...e, advantage: 0, weight: 0 }
        : e,
    );
    const idle = ledgerIn(REFLKD_CONFIG, gated, '1/0/0.0');
    expect(idle?.weight).toEqual({ value: 0, formula: 'w = 0, as A is within ±δ = 0' });
    expect(idle?.reason).toContain('β alone');
  });

  it('says why attempts and retries are not trained on, and which retry was distilled', () => {
    const reason = (id: string) => ledgerIn(REFLKD_CONFIG, reflKdStep(1), id)?.reason;
    expect(reason('1/0/2')).toContain('baseline for reflections');
    expect(reason('1/0/0.1.0')).toContain('pass rate of reflection 1.2');
    expect(reason('1/0/0.0.0')).toContain('0.321 nats');
  });
});

describe('the ledger of a control', () => {
  const of = (
    method: RunConfig['method'],
    id: string,
    change: Partial<Extract<NewEvent, { type: 'rollout.rewarded' }>>,
  ) =>
    ledgerIn(
      { ...CONFIG, method },
      stepOf(1).map((e): NewEvent =>
        e.type === 'rollout.rewarded' && e.rollout === id ? { ...e, ...change } : e,
      ),
      id,
    );

  it('says that a coin decided where rewards are random', () => {
    expect(of('random-reward', '1/0/1', { reward: 1 })?.rewardNote).toContain('coin');
  });

  it('knows no advantage where what passes is imitated', () => {
    expect(of('rft', '1/0/0', {})).toMatchObject({
      baseline: null,
      formula: 'compared with nothing',
      inLoss: true,
    });
    expect(of('rft', '1/0/1', { inLoss: false })?.reason).toContain('only what passes');
  });
});
