import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedDevice } from '../../gpu/device.ts';
import { openTestDevice } from '../../gpu/testing/node-gpu.ts';
import { kdLoss } from '../../kernels/kd-loss.ts';
import type { ReferenceIo } from '../../gpu/kernel.ts';
import { runOnDevice } from '../../kernels/run-case.ts';
import { RESULT, resultAt, tokenLoss } from '../../kernels/token-loss.ts';
import '../../lib/testing/closeness.ts';
import type { LossOptions, TrainSequence } from '../engine.ts';
import { lossParams } from '../forward/head.ts';
import { packBatches, type Packed } from '../forward/packing.ts';
import { inverseZ, tokenLossOptions, tokenWords } from './loss.ts';
import { teacherRows } from './teacher.ts';

/** Written by tools/fixtures/trl_losses.py; by sequence, padding cut off. */
interface TrlFixture {
  trl: string;
  vocab: number;
  /** (T · V) of every sequence. */
  logits: number[][];
  sequences: {
    ids: number[];
    prompt_len: number;
    group: number;
    temperature: number;
    advantage: number;
    masked: boolean;
  }[];
  old: number[][];
  reference: number[][];
  sampler: number[][];
  cases: {
    loss: Extract<LossOptions, { kind: 'pg' }>;
    old: boolean;
    batches: number[][];
    expected: number;
    gradient: number[][];
  }[];
}
const fixture = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/trl.json'), 'utf8'),
) as TrlFixture;
const { vocab } = fixture;

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await openTestDevice();
});
afterAll(() => opened?.device.destroy());

const NO_RESULT = { logprob: 0, entropy: 0, loss: 0, ratio: 0, divergence: 0, clipped: 0 };

function lossAt({ results }: ReferenceIo, entry: number): number {
  if (!(results instanceof Float64Array)) throw new Error('There are no results.');
  return resultAt(results, entry).loss;
}

/** Loss of one micro-batch, and dL/dz of its tokens put into `gradient` by sequence. */
async function runBatch(
  packed: Packed,
  sequences: readonly TrainSequence[],
  weights: readonly number[],
  loss: LossOptions,
  gradient: number[][],
) {
  const count = packed.sources.length;
  const logits = new Float32Array(count * vocab);
  const reference = new Float32Array(count * RESULT.words);
  packed.items.forEach((item, e) => {
    const position = packed.positions[e] ?? 0;
    logits.set(
      fixture.logits[item]?.slice(position * vocab, (position + 1) * vocab) ?? [],
      e * vocab,
    );
    const logprob = fixture.reference[item]?.[position] ?? NaN;
    RESULT.write(new Uint32Array(reference.buffer), e, { ...NO_RESULT, logprob });
  });
  const o = tokenLossOptions(loss);
  const out = await runOnDevice(opened, tokenLoss, {
    title: 'a micro-batch',
    params: {
      count,
      vocab,
      first: 0,
      gradient: 1,
      ...lossParams(o),
    },
    io: {
      logits,
      tokens: tokenWords(packed, sequences, weights, loss, reference),
      results: new Float32Array(count * RESULT.words),
    },
  });
  let total = 0;
  packed.items.forEach((item, e) => {
    total += lossAt(out, e);
    const slopes = out['logits']?.slice(e * vocab, (e + 1) * vocab) ?? [];
    slopes.forEach(
      (slope, j) => ((gradient[item] ??= [])[(packed.positions[e] ?? 0) * vocab + j] = slope),
    );
  });
  return total;
}

describe(`the policy-gradient loss is that of TRL ${fixture.trl} on fixed logits`, () => {
  it.each(
    fixture.cases.map(
      (c) =>
        [
          c.loss.aggregation,
          c.loss.beta > 0 ? 'clip-higher, old log-probs, KL, correction' : 'plain',
          c.batches.length,
          c,
        ] as const,
    ),
  )('%s, %s, micro-batches: %i', async (_aggregation, _options, _count, c) => {
    const sequences = fixture.sequences.map((s, i): TrainSequence => ({
      group: s.group,
      prompt: s.ids.slice(0, s.prompt_len),
      completion: s.ids.slice(s.prompt_len),
      temperature: s.temperature,
      advantage: s.advantage,
      masked: s.masked,
      ...(c.old && {
        oldLogprobs: fixture.old[i] ?? [],
        samplerLogprobs: fixture.sampler[i] ?? [],
      }),
    }));
    const batches = packBatches(sequences, c.batches.length === 1 ? 1024 : 10, 1);
    expect(batches.map((b) => [...new Set(b.items)])).toEqual(c.batches);
    const weights = inverseZ(c.loss, sequences, batches);
    const gradient: number[][] = [];
    let loss = 0;
    for (const packed of batches)
      loss += await runBatch(packed, sequences, weights, c.loss, gradient);
    expect(Math.abs(loss - c.expected)).toBeLessThan(1e-5);
    expect(gradient.flat()).toBeCloseToArray(c.gradient.flat(), 1e-5);
    expect(Math.max(...c.gradient.flat())).toBeGreaterThan(1e-2);
  });
});

/** Written by tools/fixtures/make.py: one token each. */
interface DistillationFixture {
  vocab: number;
  cases: {
    mode: 'tail' | 'renorm';
    k: number;
    temperature: number;
    weight: number;
    logits: number[];
    teacher: { ids: number[][]; logprobs: number[][] };
    loss: number;
    gradient: number[];
  }[];
}
const distillation = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/distillation.json'), 'utf8'),
) as DistillationFixture;

describe(`the distillation loss is that of PyTorch over a vocabulary of ${distillation.vocab}`, () => {
  it.each(distillation.cases.map((c) => [c.mode, c.k, c.temperature, c] as const))(
    '%s, %i tokens at τ = %f',
    async (mode, k, temperature, c) => {
      const sequence: TrainSequence = {
        group: 0,
        prompt: [0],
        completion: [1],
        temperature,
        weight: c.weight,
        teacher: { k, ids: c.teacher.ids.flat(), logprobs: c.teacher.logprobs.flat() },
      };
      const [packed] = packBatches([sequence], 8, 1);
      if (!packed) throw new Error('Nothing was packed.');
      const rows = teacherRows(packed, [sequence], distillation.vocab, mode === 'renorm');
      const out = await runOnDevice(opened, kdLoss, {
        title: 'a token',
        params: {
          count: 1,
          vocab: distillation.vocab,
          first: 0,
          k,
          renorm: mode === 'renorm' ? 1 : 0,
        },
        io: {
          logits: Float32Array.from(c.logits),
          tokens: tokenWords(packed, [sequence], [1], { kind: 'kd', mode }, null),
          teacher_ids: rows.ids,
          teacher_logprobs: rows.logprobs,
          support: new Float32Array(k),
          results: new Float32Array(RESULT.words),
        },
      });
      expect(Math.abs(lossAt(out, 0) - c.loss)).toBeLessThan(1e-5);
      expect(out['logits']).toBeCloseToArray(c.gradient, 1e-5);
      const outside = (out['logits'] ?? []).filter((_, id) => !c.teacher.ids.flat().includes(id));
      expect(outside.length).toBe(distillation.vocab - k);
      if (mode === 'renorm') expect([...outside]).toEqual([...outside].map(() => 0));
    },
  );
});
