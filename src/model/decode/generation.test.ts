import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { DeviceLostError } from '../../gpu/errors.ts';
import { nodeGpu } from '../../gpu/node-gpu.ts';
import {
  LORA_TARGETS,
  type GenerateRequest,
  type LossOptions,
  type OptimizerOptions,
} from '../engine.ts';
import { openEngine, type GpuEngine } from '../gpu-engine.ts';
import { loadTokenizer } from '../text/tokenizer.ts';

const NANO = folderSource(join(import.meta.dirname, '../../../public/models/nano'));
const TINYSTORIES = join(
  import.meta.dirname,
  '../../../../shared/data/models/tinystories-656k-llama',
);
const lora = { rank: 8, alpha: 16, targets: LORA_TARGETS };
const pg: LossOptions = {
  kind: 'pg',
  aggregation: 'dapo',
  epsLow: 0.2,
  epsHigh: 0.28,
  beta: 0,
  correctionCap: 2,
  maxTokens: 32,
};
const optimizer: OptimizerOptions = {
  learningRate: 3e-3,
  clipNorm: 1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
};

function request(
  prompt: readonly number[],
  stream: number,
  rest: Partial<GenerateRequest> = {},
): GenerateRequest {
  return {
    prompt,
    samples: 3,
    adapter: 'none',
    temperature: 1,
    topK: 0,
    topP: 1,
    seed: 7,
    stream,
    maxTokens: 24,
    stopIds: [0],
    ...rest,
  };
}

describe('nano', () => {
  let engine: GpuEngine;
  const prompts = [
    [17, 40, 300, 12, 9, 500],
    [21],
    Array.from({ length: 300 }, (_, i) => ((i * 37) % 1000) + 1),
  ];
  beforeAll(async () => {
    engine = await openEngine({ gpu: nodeGpu(), source: NANO, weights: null });
    engine.createAdapter('student', lora, 1);
  });
  afterAll(() => engine.destroy());

  it('draws the same tokens alone, in company and in more requests than slots', async () => {
    const together = await engine.generate(prompts.map((p, i) => request(p, 100 * i)));
    expect(together.map((c) => [c.request, c.sample])).toEqual(
      [0, 1, 2].flatMap((r) => [0, 1, 2].map((s) => [r, s])),
    );
    const crowd = await engine.generate(
      Array.from({ length: 40 }, (_, i) => request(prompts[i % 3] ?? [], 100 * (i % 3))),
    );
    for (const [i, p] of prompts.entries()) {
      const alone = await engine.generate([request(p, 100 * i)]);
      expect(alone.map((c) => c.ids)).toEqual(
        together.filter((c) => c.request === i).map((c) => c.ids),
      );
      expect(crowd.filter((c) => c.request === 36 + i).map((c) => c.ids)).toEqual(
        alone.map((c) => c.ids),
      );
    }
    expect(new Set(together.map((c) => c.ids.join())).size).toBeGreaterThan(5);
  });

  it('draws the same tokens when blocks are in flight while the host looks at earlier ones', async () => {
    const ahead = await openEngine({ gpu: nodeGpu(), source: NANO, weights: null, lookahead: 1 });
    try {
      // More jobs than slots, of many lengths, some stopped by the host: key/value rows change
      // hands all the time.
      const crowd = Array.from({ length: 26 }, (_, i) =>
        request(prompts[i % 3] ?? [], 10 * i, {
          maxTokens: 5 + ((7 * i) % 40),
          ...(i % 4 === 0 ? { stopWhen: (ids: readonly number[]) => ids.length >= 9 } : {}),
        }),
      );
      const expected = await engine.generate(crowd);
      const seen: number[] = [];
      const got = await ahead.generate(crowd, { onTokens: (n) => seen.push(n) });
      expect(got).toEqual(expected);
      expect(seen.at(-1)).toBe(expected.reduce((n, c) => n + c.ids.length, 0));
      expect(new Set(expected.map((c) => c.finish))).toEqual(new Set(['stop', 'length', 'eos']));
    } finally {
      ahead.destroy();
    }
  });

  it('reports log-probs and entropies that the scorer agrees with, and greedy ones at temperature 1', async () => {
    for (const temperature of [1, 0]) {
      const completions = await engine.generate(
        prompts.map((p, i) => request(p, 10 * i, { temperature, adapter: 'student' })),
      );
      const scores = await engine.score(
        completions.map((c) => {
          const prompt = prompts[c.request] ?? [];
          return {
            ids: [...prompt, ...c.ids],
            promptLength: prompt.length,
            adapter: 'student' as const,
          };
        }),
      );
      completions.forEach((c, i) => {
        c.logprobs.forEach((l, t) =>
          expect(Math.abs(l - (scores[i]?.logprobs[t] ?? NaN))).toBeLessThan(1e-3),
        );
        c.entropy.forEach((h, t) =>
          expect(Math.abs(h - (scores[i]?.entropy[t] ?? NaN))).toBeLessThan(1e-3),
        );
      });
    }
  });

  it('ends at a stop id, which is kept, at the token limit, and where the caller says so', async () => {
    const [free] = await engine.generate([
      request(prompts[0] ?? [], 0, { samples: 1, stopIds: [], maxTokens: 21 }),
    ]);
    expect(free?.finish).toBe('length');
    expect(free?.ids.length).toBe(21);
    const stop = free?.ids[9] ?? 0;
    const [stopped] = await engine.generate([
      request(prompts[0] ?? [], 0, { samples: 1, stopIds: [stop], maxTokens: 21 }),
    ]);
    expect(stopped?.finish).toBe('eos');
    expect(stopped?.ids).toEqual(free?.ids.slice(0, (free.ids.indexOf(stop) ?? 0) + 1));
    const [cut] = await engine.generate([
      request(prompts[0] ?? [], 0, {
        samples: 1,
        stopIds: [],
        maxTokens: 21,
        stopWhen: (ids) => ids.length >= 8,
      }),
    ]);
    expect(cut?.finish).toBe('stop');
    expect(cut?.ids).toEqual(free?.ids.slice(0, 8));
  });

  it(
    'draws from the k likeliest tokens or the smallest set of mass p alone, and reports ' +
      'full-softmax log-probs',
    async () => {
      const greedy = await engine.generate([
        request(prompts[0] ?? [], 0, { temperature: 0, samples: 1 }),
      ]);
      const topOne = await engine.generate([request(prompts[0] ?? [], 0, { topK: 1, samples: 1 })]);
      const narrow = await engine.generate([
        request(prompts[0] ?? [], 0, { topP: 1e-6, samples: 1 }),
      ]);
      expect(topOne[0]?.ids).toEqual(greedy[0]?.ids);
      expect(narrow[0]?.ids).toEqual(greedy[0]?.ids);
      topOne[0]?.logprobs.forEach((l, t) =>
        expect(l).toBeCloseTo(greedy[0]?.logprobs[t] ?? NaN, 4),
      );
    },
  );

  it('starts at KL 0 to the base, with the sampler and the trainer in agreement', async () => {
    engine.createAdapter('student', lora, 1);
    const completions = await engine.generate(
      prompts.map((p, i) => request(p, 10 * i, { adapter: 'student' })),
    );
    const result = await engine.trainStep({
      adapter: 'student',
      sequences: completions.map((c) => ({
        group: c.request,
        prompt: prompts[c.request] ?? [],
        completion: c.ids,
        temperature: 1,
        advantage: c.sample - 1,
        samplerLogprobs: c.logprobs,
      })),
      loss: pg,
      optimizer,
      reference: true,
    });
    expect(result.kl).toBe(0);
    expect(result.samplerGap).toBeLessThan(1e-3);
    expect(result.skipped).toBe(false);
    expect(result.gradNorm).toBeGreaterThan(0);
  });

  it('goes on from a saved state to the same bytes', async () => {
    const sequences = [0, 1].map((i) => ({
      group: 0,
      prompt: [5, 6, 7],
      completion: [9 + i, 20, 0],
      temperature: 1,
      advantage: i ? 1 : -1,
    }));
    const step = () =>
      engine.trainStep({ adapter: 'student', sequences, loss: pg, optimizer, reference: false });
    engine.createAdapter('student', lora, 3);
    await step();
    const state = await engine.saveState('student');
    await step();
    const straight = await engine.saveState('student');
    engine.restoreState('student', lora, state);
    expect(Buffer.compare(await engine.saveState('student'), state)).toBe(0);
    await step();
    expect(Buffer.compare(await engine.saveState('student'), straight)).toBe(0);
    expect(Buffer.compare(state, straight)).not.toBe(0);
  });

  it('skips a step whose gradient is not finite and changes nothing', async () => {
    engine.createAdapter('student', lora, 3);
    const before = await engine.saveState('student');
    const sequences = [
      { group: 0, prompt: [5], completion: [9, 20, 0], temperature: 1, advantage: NaN },
    ];
    const result = await engine.trainStep({
      adapter: 'student',
      sequences,
      loss: pg,
      optimizer,
      reference: false,
    });
    expect(result.skipped).toBe(true);
    expect(Buffer.compare(await engine.saveState('student'), before)).toBe(0);
  });

  it('refuses what it cannot compute in one sentence', async () => {
    await expect(engine.generate([request([], 0)])).rejects.toThrow(/no token/);
    await expect(engine.generate([request([2000], 0)])).rejects.toThrow(
      /2000 is beyond the model's vocabulary of \d+: the tokenizer/,
    );
    await expect(engine.generate([request([1, 2], 0, { maxTokens: 4000 })])).rejects.toThrow(
      /2 tokens and 4000 new ones exceed the model's context of 1024/,
    );
    await expect(engine.score([{ ids: [1, 2], promptLength: 2, adapter: 'none' }])).rejects.toThrow(
      /nothing to score/,
    );
    await expect(
      engine.score([{ ids: [1, 2], promptLength: 1, adapter: 'reflector' }]),
    ).rejects.toThrow(/no reflector adapter/);
    expect(() => engine.restoreState('student', lora, new Uint8Array(32))).toThrow(/damaged/);
  });

  it('rejects with DeviceLostError, at once and from then on, when the device goes away in mid-work', async () => {
    const doomed = await openEngine({ gpu: nodeGpu(), source: NANO, weights: null });
    const work = doomed.generate([
      request(prompts[2] ?? [], 0, { samples: 10, maxTokens: 200, stopIds: [] }),
    ]);
    setTimeout(() => doomed.destroy(), 30);
    await expect(work).rejects.toBeInstanceOf(DeviceLostError);
    await expect(
      doomed.score([{ ids: [1, 2], promptLength: 1, adapter: 'none' }]),
    ).rejects.toBeInstanceOf(DeviceLostError);
  });
});

const haveTinystories = existsSync(TINYSTORIES);
if (!haveTinystories)
  console.warn(
    'Skipped: ../shared/data/models/tinystories-656k-llama is missing, so no trained Llama model is tested.',
  );
describe.skipIf(!haveTinystories)('tinystories-656k, a trained Llama', () => {
  interface Reference {
    prompt_ids: number[];
    greedy_ids_60: number[];
    greedy_text: string;
    text_ids: number[];
    text_token_logprobs: number[];
  }

  it('writes the fluent English of the reference greedily and scores a text as it does', async () => {
    const source = folderSource(TINYSTORIES);
    const reference = JSON.parse(
      readFileSync(join(TINYSTORIES, 'derived_reference.json'), 'utf8'),
    ) as Reference;
    const engine = await openEngine({ gpu: nodeGpu(), source, weights: null });
    const [story] = await engine.generate([
      request(reference.prompt_ids, 0, { temperature: 0, samples: 1, maxTokens: 60, stopIds: [2] }),
    ]);
    expect([...reference.prompt_ids, ...(story?.ids ?? [])]).toEqual(reference.greedy_ids_60);
    const tokenizer = await loadTokenizer(source, engine.config);
    expect(tokenizer.decode(reference.greedy_ids_60)).toContain('a little girl named Lily');
    const [score] = await engine.score([
      { ids: reference.text_ids, promptLength: 1, adapter: 'none' },
    ]);
    score?.logprobs.forEach((l, i) =>
      expect(Math.abs(l - (reference.text_token_logprobs[i] ?? NaN))).toBeLessThan(1e-3),
    );
    engine.destroy();
  });
});
