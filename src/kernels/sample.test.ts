import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedDevice } from '../gpu/device.ts';
import { flatGrid, type Kernel } from '../gpu/kernel.ts';
import { openTestDevice } from '../gpu/testing/node-gpu.ts';
import { LIB } from './libraries.ts';
import '../lib/testing/closeness.ts';
import { gumbel, pcg4d } from './random.ts';
import { normals } from './reference-helpers.ts';
import { runOnDevice } from './run-case.ts';
import { packSlots, sample, SAMPLED, sampledAt, type SlotState } from './sample.ts';
import { ROW } from './rows.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await openTestDevice();
});
afterEach(() => expect(opened.failure.error).toBeNull());
afterAll(() => opened?.device.destroy());

/** Prints the hash and the noise of (seed, stream, position, token) quadruples. */
const noise: Kernel<'count'> = {
  name: 'noise',
  wgsl: `
    struct Params { count: u32 }
    @group(0) @binding(0) var<storage, read> keys: array<vec4u>;
    @group(0) @binding(1) var<storage, read_write> hashes: array<vec4u>;
    @group(0) @binding(2) var<storage, read_write> noise: array<f32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= p.count) { return; }
      hashes[id.x] = pcg4d(keys[id.x]);
      noise[id.x] = gumbel(keys[id.x].x, keys[id.x].y, keys[id.x].z, keys[id.x].w);
    }`,
  lib: [LIB.random],
  grid: (p) => flatGrid(Math.ceil(p.count / 64)),
  cost: (p) => p.count,
  reference: () => undefined,
  cases: () => [],
};

async function noiseOf(keys: readonly (readonly number[])[]) {
  const { hashes, noise: values } = await runOnDevice(opened, noise, {
    title: 'noise',
    params: { count: keys.length },
    io: {
      keys: Uint32Array.from(keys.flat()),
      hashes: new Uint32Array(4 * keys.length),
      noise: new Float32Array(keys.length),
    },
  });
  return { hashes: hashes as Uint32Array, values: values as Float64Array };
}

/**
 * Tokens of key (1, 2, 3, token) whose hash is within 256 of its ends, found by search: the ends of
 * the noise.
 */
const LARGEST_HASHES = [64623869, 72175960, 107233519, 180184457, 176751073];
const SMALLEST_HASHES = [52562635, 128911722, 34325245, 12382200];

describe('random numbers of the device', () => {
  it('are those of the reference, bit for bit', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) =>
      [i * 2654435761, i % 7, 0xffffffff - i, i * i].map((word) => word >>> 0),
    );
    const { hashes } = await noiseOf(keys);
    expect(Array.from(hashes)).toEqual(
      keys.flatMap(([a = 0, b = 0, c = 0, d = 0]) => pcg4d(a, b, c, d)),
    );
  });

  it('have the noise of the reference, finite and fine-grained at both ends', async () => {
    const tokens = [
      ...LARGEST_HASHES,
      ...SMALLEST_HASHES,
      ...Array.from({ length: 500 }, (_, i) => i),
    ];
    for (const token of LARGEST_HASHES)
      expect(pcg4d(1, 2, 3, token)[0]).toBeGreaterThanOrEqual(0xffffff00);
    for (const token of SMALLEST_HASHES) expect(pcg4d(1, 2, 3, token)[0]).toBeLessThan(0x100);
    const { values } = await noiseOf(tokens.map((token) => [1, 2, 3, token]));
    const expected = tokens.map((token) => gumbel(1, 2, 3, token));
    // One smallest step of f32 in the uniform is 1 / 32 of the noise at its lower end, where
    // nothing is ever drawn.
    expect(values.slice(LARGEST_HASHES.length)).toBeCloseToArray(
      expected.slice(LARGEST_HASHES.length),
      1e-5,
    );
    expect(values.slice(0, LARGEST_HASHES.length)).toBeCloseToArray(
      expected.slice(0, LARGEST_HASHES.length),
      0.1,
    );
    // The uniform rounded to 24 bits gave an infinity here, and with it a token drawn at random.
    expect(Math.max(...values)).toBeLessThan(23);
  });
});

const STATE: SlotState = {
  temperature: 1,
  topP: 1,
  topK: 0,
  seed: 11,
  stream: 0,
  limit: 1e6,
  count: 0,
  done: false,
  stopIds: [],
};

/** Draws one token in each slot, all slots with the same logits; ids, log-probs and entropies. */
async function draw(
  logits: ArrayLike<number>,
  states: readonly Partial<SlotState>[],
  filter = false,
) {
  const slots = packSlots(states.map((state) => ({ ...STATE, ...state })));
  const { sampled } = await runOnDevice(opened, sample, {
    title: 'draw',
    params: { slots: states.length, vocab: logits.length, step: 0 },
    constants: { LANES: 16, FILTER: filter },
    io: {
      logits: Float32Array.from(
        { length: states.length * logits.length },
        (_, i) => logits[i % logits.length] as number,
      ),
      slots,
      rows: new Uint32Array(states.length * ROW.words),
      sampled: new Uint32Array(states.length * SAMPLED.words),
    },
  });
  const words = sampled as Uint32Array;
  const drawn = states.map((_, slot) => sampledAt(words, states.length, 0, slot));
  return { ids: drawn.map(({ id }) => id), drawn };
}

function softmax(
  logits: ArrayLike<number>,
  temperature: number,
  allowed = (_token: number) => true,
): number[] {
  const weights = Array.from(logits, (logit, token) =>
    allowed(token) ? Math.exp(logit / temperature) : 0,
  );
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

/** Pearson's χ² of drawn ids against probabilities. */
function chiSquare(ids: readonly number[], probabilities: readonly number[]): number {
  const counts = probabilities.map(() => 0);
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  return probabilities.reduce((sum, q, token) => {
    const expected = q * ids.length;
    return (
      sum +
      (expected > 0
        ? ((counts[token] ?? 0) - expected) ** 2 / expected
        : (counts[token] ?? 0) * 1e6)
    );
  }, 0);
}

const DRAWS = 4096;
const LOGITS = normals(12)(12, 1.2);
/** χ² with 11 degrees of freedom passes this once in a million. */
const LIMIT = 48;
const many = (change: (i: number) => Partial<SlotState>) =>
  Array.from({ length: DRAWS }, (_, i) => change(i));

describe('the sampler', () => {
  it.each([
    ['streams', (i: number) => ({ stream: i })],
    ['positions of one stream', (i: number) => ({ count: i })],
    ['seeds', (i: number) => ({ seed: i })],
  ])('draws from the softmax at the temperature over %s', async (_name, key) => {
    for (const temperature of [0.6, 1, 1.6]) {
      const { ids } = await draw(
        LOGITS,
        many((i) => ({ temperature, ...key(i) })),
      );
      expect(chiSquare(ids, softmax(LOGITS, temperature))).toBeLessThan(LIMIT);
      // The test can fail: the same draws are not those of another temperature.
      expect(chiSquare(ids, softmax(LOGITS, temperature * 1.5))).toBeGreaterThan(LIMIT);
    }
  });

  it('draws the rare tokens of a large vocabulary as often as their mass says', async () => {
    const logits = new Float32Array(8192);
    logits[77] = Math.log(8191);
    const { ids } = await draw(logits, many((i) => ({ stream: i })).slice(0, 512));
    const share = ids.filter((id) => id === 77).length / ids.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / 512));
    expect(new Set(ids).size).toBeGreaterThan(200);
  });

  it.each([
    ['top-k', { topK: 4 }, 4],
    ['top-p', { topP: 0.6 }, null],
    ['top-p of what top-k left', { topK: 6, topP: 0.7 }, null],
  ])(
    'draws all tokens that %s leaves and no other, by their renormalised mass',
    async (_name, state, size) => {
      const order = [...LOGITS.keys()].sort((a, b) => (LOGITS[b] ?? 0) - (LOGITS[a] ?? 0));
      const topK = 'topK' in state ? state.topK : LOGITS.length;
      const topP = 'topP' in state ? state.topP : 1;
      const kept = softmax(LOGITS, 1, (token) => order.indexOf(token) < topK);
      let mass = 0;
      const support = order.slice(0, topK).filter((token) => {
        const before = mass;
        mass += kept[token] ?? 0;
        return before < topP;
      });
      expect(support.length).toBeLessThan(LOGITS.length);
      if (size !== null) expect(support.length).toBe(size);
      const { ids } = await draw(
        LOGITS,
        many((i) => ({ stream: i, ...state })),
        true,
      );
      expect([...new Set(ids)].sort((a, b) => a - b)).toEqual([...support].sort((a, b) => a - b));
      expect(
        chiSquare(
          ids,
          softmax(LOGITS, 1, (token) => support.includes(token)),
        ),
      ).toBeLessThan(LIMIT);
    },
  );

  it('draws the same for a stream in any slot, beside any other', async () => {
    const states = many((i) => ({ stream: i * 3, count: i % 5 })).slice(0, 64);
    const forward = await draw(LOGITS, states);
    const backward = await draw(LOGITS, states.toReversed());
    expect(backward.ids.toReversed()).toEqual(forward.ids);
    const alone = await draw(LOGITS, states.slice(20, 21));
    expect(alone.drawn).toEqual(forward.drawn.slice(20, 21));
    expect(new Set(forward.ids).size).toBeGreaterThan(5);
  });

  it('reports the log-prob and entropy of the full softmax, filtered or not', async () => {
    const states = [{ topK: 2, topP: 0.5, temperature: 0.7 }];
    const { ids, drawn } = await draw(LOGITS, states, true);
    const q = softmax(LOGITS, 0.7);
    expect(drawn[0]?.logprob).toBeCloseTo(Math.log(q[ids[0] ?? 0] ?? 0), 5);
    expect(drawn[0]?.entropy).toBeCloseTo(-q.reduce((sum, x) => sum + x * Math.log(x), 0), 5);
  });
});
