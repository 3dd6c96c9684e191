import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedDevice } from '../gpu/device.ts';
import { openTestDevice } from '../gpu/testing/node-gpu.ts';
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
import { SURROGATES, type LossToken } from './token-loss-terms.ts';

/*
 * The ratios and surrogates of docs/methods.md, Objectives, on one token of a vocabulary of two whose
 * probability is 3/4: logits (ln 3, 0).
 */

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await openTestDevice();
});
afterAll(() => opened?.device.destroy());

type Name = keyof typeof SURROGATES;
const BOUNDS = {
  clip: { eps_low: 0.2, eps_high: 0.2, limit: CLIP_ALONE.limit },
  cispo: { eps_low: 0, eps_high: 0, limit: 1.4 },
  sapo: { eps_low: 1.05, eps_high: 1, limit: 0 },
  mask: { eps_low: 0, eps_high: 0, limit: 0.2 },
} as const;

/** Loss and dL/dz of a token by the device and by the reference, which agree. */
async function lossOf(
  surrogate: Name,
  token: Partial<LossToken>,
  bounds: Partial<Record<'eps_low' | 'eps_high' | 'limit', number>> = {},
) {
  const io = {
    logits: Float32Array.of(Math.log(3), 0),
    tokens: packTokens([{ ...PLAIN_TOKEN, ...token }]),
    results: new Float32Array(RESULT.words),
  };
  const params = {
    count: 1,
    vocab: 2,
    first: 0,
    nll: 0,
    gradient: 1,
    cap: 2,
    floor: NO_FLOOR,
    ...CLIP_ALONE,
    ...BOUNDS[surrogate],
    ...bounds,
    surrogate: SURROGATES[surrogate],
  };
  const out = await runOnDevice(opened, tokenLoss, { title: surrogate, params, io });
  const { loss } = resultAt(out['results'] as Float64Array, 0);
  return { loss, gradient: [...(out['logits'] as Float64Array)] };
}

describe.each([1, -1])('advantage %i', (advantage) => {
  it.each(
    (['token', 'sequence'] as const).flatMap((ratio) =>
      (Object.keys(SURROGATES) as Name[]).map((surrogate) => [ratio, surrogate] as const),
    ),
  )(
    'at ρ = 1 the ratio of the %s under %s has the gradient of REINFORCE',
    async (ratio, surrogate) => {
      for (const given of [{}, { old: Math.log(0.75) }]) {
        const token = { advantage, ...given, ...(ratio === 'sequence' && { ratio: 1 }) };
        const { gradient } = await lossOf(surrogate, token);
        // −A (onehot − p)
        expect(gradient[0]).toBeCloseTo(-advantage * 0.25, 5);
        expect(gradient[1]).toBeCloseTo(advantage * 0.25, 5);
      }
    },
  );
});

/*
 * A later update: the token's ratio is 3/4 over 1/2 = 1.5, the sequence's 1.2 (outside a clip of 0.1).
 * Each row: surrogate, A, value and slope dPG/dℓ at 1.5, and the same at 1.2; σ(0.5) = 0.62245933,
 * σ(0.525) = 0.62831619, σ(0.2) = 0.54983400, σ(0.21) = 0.55230792; ln 3/4 = −0.28768207. The mask
 * goes by the token's own move, 1/4, under either ratio.
 */
const LATER: readonly (readonly [Name, 1 | -1, number, number, number, number])[] = [
  ['clip', 1, 1.2, 0, 1.1, 0],
  ['clip', -1, -1.5, -1.5, -1.2, -1.2],
  ['cispo', 1, 1.4 * -0.28768207, 1.4, 1.2 * -0.28768207, 1.2],
  ['cispo', -1, -1.4 * -0.28768207, -1.4, -1.2 * -0.28768207, -1.2],
  ['sapo', 1, 2.48983732, 1.41002227, 2.19933599, 1.18807955],
  ['sapo', -1, -2.39358548, -1.40120973, -2.10403013, -1.18686664],
  ['mask', 1, 0, 0, 0, 0],
  ['mask', -1, -1.5, -1.5, -1.2, -1.2],
];

describe('at a later update', () => {
  it.each(LATER)('%s with A = %i is as worked by hand', async (name, advantage, ...worked) => {
    const [value, slope, ofSequence, sequenceSlope] = worked;
    const token = { advantage, old: Math.log(0.5) };
    const check = (
      { loss, gradient }: { loss: number; gradient: number[] },
      [v, s]: readonly [number, number],
    ) => {
      expect(loss).toBeCloseTo(-v, 5);
      expect(gradient[0]).toBeCloseTo(-s * 0.25, 5);
      expect(gradient[1]).toBeCloseTo(s * 0.25, 5);
    };
    check(await lossOf(name, token), [value, slope]);
    // The clip of the sequence is narrower, as in GSPO.
    const bounds = name === 'clip' ? { eps_low: 0.1, eps_high: 0.1 } : {};
    check(await lossOf(name, { ...token, ratio: 1.2 }, bounds), [ofSequence, sequenceSlope]);
  });

  it('a cap of the ratio holds where the advantage is negative', async () => {
    const { loss, gradient } = await lossOf(
      'clip',
      { advantage: -1, old: Math.log(0.5) },
      { limit: 1.4 },
    );
    expect(loss).toBeCloseTo(1.4, 5);
    expect(gradient.map((g) => g + 0)).toEqual([0, 0]);
  });
});
