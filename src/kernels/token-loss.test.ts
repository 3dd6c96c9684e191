import type { LossToken } from './token-loss-terms.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedDevice } from '../gpu/device.ts';
import { openTestDevice } from '../gpu/testing/node-gpu.ts';
import '../lib/testing/closeness.ts';
import { runOnDevice } from './run-case.ts';
import {
  CLIP_ALONE,
  NO_FLOOR,
  packTokens,
  PLAIN_TOKEN,
  RESULT,
  resultAt,
  tokenLoss,
} from './token-loss.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await openTestDevice();
});
afterEach(() => expect(opened.failure.error).toBeNull());
afterAll(() => opened?.device.destroy());

/**
 * Results of tokens over a vocabulary of one: their log-prob is exactly 0, so differences of
 * log-probs are exact.
 */
async function certain(
  tokens: readonly Partial<LossToken>[],
  eps: readonly [low: number, high: number] = [0.2, 0.2],
  cap = 2,
) {
  const packed = packTokens(tokens.map((token) => ({ ...PLAIN_TOKEN, advantage: 1, ...token })));
  const { results } = await runOnDevice(opened, tokenLoss, {
    title: 'certain',
    params: {
      count: tokens.length,
      vocab: 1,
      first: 0,
      nll: 0,
      gradient: 0,
      eps_low: eps[0],
      eps_high: eps[1],
      cap,
      floor: NO_FLOOR,
      ...CLIP_ALONE,
    },
    constants: { LANES: 4 },
    io: {
      logits: new Float32Array(tokens.length),
      tokens: packed,
      results: new Float32Array(tokens.length * RESULT.words),
    },
  });
  if (!(results instanceof Float64Array)) throw new Error('There are no results.');
  const all = tokens.map((_, entry) => resultAt(results, entry));
  return {
    loss: all.map((result) => result.loss),
    ratio: all.map((result) => result.ratio),
    k3: all.map((result) => result.divergence),
    clipped: all.map((result) => result.clipped),
  };
}

describe('the divergence k3', () => {
  it('is never negative and keeps its relative precision near 0, where the plain form loses it', async () => {
    const deltas = [
      1e-5, -1e-5, 1e-4, -1e-4, 3e-3, -3e-3, 0.05, -0.05, 0.0999, -0.0999, 0.1001, -0.1001, 0.5,
      -0.5,
    ];
    const { k3 } = await certain(deltas.map((delta) => ({ reference: delta })));
    deltas.forEach((delta, i) => {
      const d = Math.fround(delta);
      // By its series to order 8: exact here, where e^Δ − Δ − 1 cancels even in doubles.
      let [term, expected] = [1, 0];
      for (let n = 1; n <= 12; n++) {
        term *= d / n;
        if (n > 1) expected += term;
      }
      expect(k3[i]).toBeGreaterThanOrEqual(0);
      expect(Math.abs((k3[i] ?? NaN) / expected - 1)).toBeLessThan(1e-4);
    });
  });

  it('is 0 at equality and 10 at most, also far beyond the clamp of 20', async () => {
    const { k3 } = await certain(
      [0, 3, 19, 21, 500, -9, -19, -21, -500].map((reference) => ({ reference })),
    );
    expect(k3[0]).toBe(0);
    expect(k3.slice(1, 5)).toEqual([10, 10, 10, 10]);
    expect(k3[5]).toBeCloseTo(Math.exp(-9) + 8, 4);
    expect(k3.slice(6)).toEqual([10, 10, 10]);
  });
});

describe('the clipped objective', () => {
  it('takes the smaller of the two, on both sides and for both signs of the advantage', async () => {
    const above = -Math.log(1.5);
    const below = -Math.log(0.5);
    const { loss, ratio, clipped } = await certain(
      [
        { advantage: 2, old: above },
        { advantage: -2, old: above },
        { advantage: 2, old: below },
        { advantage: -2, old: below },
      ],
      [0.1, 0.3],
    );
    expect(ratio).toBeCloseToArray([1.5, 1.5, 0.5, 0.5], 1e-6);
    expect(loss).toBeCloseToArray([-1.3 * 2, 1.5 * 2, -0.5 * 2, 0.9 * 2], 1e-6);
    expect(clipped).toEqual([1, 0, 0, 1]);
  });

  it('is corrected by min(exp(old − sampler), cap), with the present log-prob where old is absent', async () => {
    const { loss } = await certain(
      [{ sampler: -Math.log(1.25) }, { sampler: -Math.log(9) }, { old: -0.1, sampler: 0.3 }],
      [0.2, 0.2],
      3,
    );
    expect(loss).toBeCloseToArray([-1.25, -3, -Math.exp(-0.4) * Math.exp(0.1)], 1e-5);
  });
});
