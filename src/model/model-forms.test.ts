import { describe, expect, it } from 'vitest';
import { nodeGpu } from '../gpu/node-gpu.ts';
import { Rng } from '../lib/rng.ts';
import type { TrainSequence } from './engine.ts';
import { LORA_TARGETS, type LoraConfig } from './weights/adapter.ts';
import { modelTensors, parseModelConfig } from './weights/config.ts';
import { openEngine, type GpuEngine } from './gpu-engine.ts';
import { dequantised, packed } from './testing/dequantised.ts';
import { largestDifference } from './testing/differences.ts';
import {
  referenceLogprobs,
  type ReferenceModel,
  type Rotations,
} from './testing/reference-model.ts';
import { forcedVariants } from './testing/variants.ts';
import { writeSafetensors } from './weights/safetensors.ts';
import type { FileSource } from './weights/source.ts';

const llama = {
  model_type: 'llama',
  vocab_size: 61,
  hidden_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 72,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-3,
  rope_theta: 1000,
};

/** 40 positions, so that every rotation has turned. */
const IDS = Array.from({ length: 40 }, (_, t) => (t * 17 + 5) % 61);

/** Seeded weights of a configuration. */
function randomModel(json: Record<string, unknown>): ReferenceModel {
  const tensors = modelTensors(parseModelConfig(json)).map(({ name, shape }, n) => {
    const rng = new Rng(7, n);
    const count = shape.reduce((product, size) => product * size, 1);
    const norm = name.endsWith('norm.weight');
    const spread = name.endsWith('.bias') ? 0.3 : norm ? 0.1 : 1.4 / Math.sqrt(shape[1] ?? 1);
    const data = Float32Array.from(
      { length: count },
      () => (norm ? 1 : 0) + spread * 1.7 * (2 * rng.uniform() - 1),
    );
    return [name, { shape, data }] as const;
  });
  return { json, tensors: new Map(tensors) };
}

function folderOf({ json, tensors }: ReferenceModel): FileSource {
  const files = new Map([
    ['config.json', new TextEncoder().encode(JSON.stringify(json))],
    ['model.safetensors', writeSafetensors(tensors)],
  ]);
  const get = (path: string) => files.get(path) ?? null;
  return {
    label: 'the model',
    read: (path) => Promise.resolve(get(path)),
    size: (path) => Promise.resolve(get(path)?.length ?? null),
    readRange: (path, start, end) =>
      Promise.resolve((get(path) ?? new Uint8Array()).slice(start, end)),
  };
}

/** The unscaled rotations of a configuration. */
function plainRotations(json: Readonly<Record<string, unknown>>): Rotations {
  const headDim =
    (json['head_dim'] as number | undefined) ??
    (json['hidden_size'] as number) / (json['num_attention_heads'] as number);
  const theta = json['rope_theta'] as number;
  return {
    frequencies: Array.from({ length: headDim / 2 }, (_, i) => 1 / theta ** ((2 * i) / headDim)),
    factor: 1,
  };
}

async function withEngine<T>(
  model: ReferenceModel,
  use: (engine: GpuEngine) => Promise<T>,
  maxShardBytes?: number,
): Promise<T> {
  const engine = await openEngine({
    gpu: nodeGpu(),
    source: folderOf(model),
    weights: null,
    ...(maxShardBytes && { maxShardBytes }),
  });
  try {
    return await use(engine);
  } finally {
    engine.destroy();
  }
}

/** The scaled rotations, as transformers' formulas read. */
const scalings: Readonly<Record<string, (plain: Rotations) => Rotations>> = {
  linear: ({ frequencies }) => ({ frequencies: frequencies.map((f) => f / 4), factor: 1 }),
  llama3: ({ frequencies }) => ({
    frequencies: frequencies.map((f) => {
      const [low, high, context, factor] = [1, 4, 64, 8];
      const wavelength = (2 * Math.PI) / f;
      if (wavelength < context / high) return f;
      if (wavelength > context / low) return f / factor;
      const smooth = (context / wavelength - low) / (high - low);
      return (1 - smooth) * (f / factor) + smooth * f;
    }),
    factor: 1,
  }),
  yarn: ({ frequencies }) => {
    const [dim, theta, context, factor] = [12, 1000, 64, 4];
    const correction = (turns: number) =>
      (dim * Math.log(context / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
    const low = Math.max(Math.floor(correction(32)), 0);
    const high = Math.min(Math.ceil(correction(1)), dim - 1);
    return {
      frequencies: frequencies.map((f, i) => {
        const extrapolated = 1 - Math.min(Math.max((i - low) / (high - low), 0), 1);
        return (f / factor) * (1 - extrapolated) + f * extrapolated;
      }),
      factor: 0.1 * Math.log(factor) + 1,
    };
  },
  'yarn with mscales': (plain) => ({
    frequencies: scalings['yarn']!(plain).frequencies,
    factor: (0.1 * 0.7 * Math.log(4) + 1) / (0.1 * 0.4 * Math.log(4) + 1),
  }),
};
const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 };
const ROPES: Readonly<Record<string, object>> = {
  linear: { type: 'linear', factor: 4 },
  llama3: {
    ...{ rope_type: 'llama3', factor: 8, original_max_position_embeddings: 64 },
    ...{ low_freq_factor: 1, high_freq_factor: 4 },
  },
  yarn,
  'yarn with mscales': { ...yarn, mscale: 0.7, mscale_all_dim: 0.4 },
};

const forms: readonly (readonly [string, Record<string, unknown>])[] = [
  ['plain', {}],
  ['biases of attention and MLP', { attention_bias: true, mlp_bias: true }],
  ['Qwen3 with biases', { model_type: 'qwen3', head_dim: 16, attention_bias: true }],
  ['a hidden size that is no multiple of 4', { hidden_size: 50, head_dim: 12 }],
  ['an intermediate size that is no multiple of 4', { intermediate_size: 71 }],
  ['heads that are no multiple of 4', { hidden_size: 40, mlp_bias: true, attention_bias: true }],
  [
    'Qwen3 with no size a multiple of 4',
    {
      ...{ model_type: 'qwen3', hidden_size: 46, head_dim: 14, intermediate_size: 73 },
      ...{ attention_bias: true, tie_word_embeddings: true },
    },
  ],
  ['swish by its other name', { hidden_act: 'swish', tie_word_embeddings: true }],
  ...Object.entries(ROPES).map(
    ([name, rope_scaling]) => [`rope scaling ${name}`, { rope_scaling }] as const,
  ),
];

describe.each(forms)('%s, against a reference in double precision', (name, change) => {
  const model = randomModel({ ...llama, ...change });
  const scaling = scalings[name.replace('rope scaling ', '')];
  const plain = plainRotations(model.json);
  const rotations = scaling ? scaling(plain) : plain;

  it('gives the same log-probs, whole and in shards, by every kind of kernel', async () => {
    const expected = referenceLogprobs(model, rotations, IDS);
    for (const shard of [undefined, 16_384]) {
      await withEngine(
        model,
        async (engine) => {
          for (const variants of [
            {},
            forcedVariants('block', 'tiled', 'split', 'wide'),
            forcedVariants('group 4', 'decode', 'rope'),
          ]) {
            engine.variants = variants;
            const [score] = await engine.score([{ ids: IDS, promptLength: 1, adapter: 'none' }]);
            expect(largestDifference(score?.logprobs ?? [], expected)).toBeLessThan(1e-4);
          }
        },
        shard,
      );
    }
    if (name === 'plain' || name.includes('multiple of 4')) return;
    // What the form changes shows.
    const without = new Map([...model.tensors].filter(([tensor]) => !tensor.endsWith('.bias')));
    const plainly = referenceLogprobs({ ...model, tensors: without }, plain, IDS);
    if (!name.startsWith('swish'))
      expect(largestDifference(plainly, expected)).toBeGreaterThan(1e-2);
  });

  it('gives the gradient of an adapter that finite differences give', async () => {
    const config: LoraConfig = { rank: 3, alpha: 6, targets: LORA_TARGETS };
    const sequence: TrainSequence = {
      group: 0,
      temperature: 1,
      prompt: IDS.slice(0, 3),
      completion: IDS.slice(3, 12),
      weight: 1,
    };
    const { tensors, gradient } = await withEngine(model, async (engine) => {
      engine.createAdapter('student', config, 3);
      const fresh = await engine.exportAdapter('student');
      const rng = new Rng(11);
      for (const [tensor, { data }] of fresh)
        if (tensor.includes('lora_B')) data.forEach((_, i) => (data[i] = rng.uniform() - 0.5));
      engine.loadAdapter('student', config, fresh);
      await engine.trainStep({
        adapter: 'student',
        sequences: [sequence],
        loss: { kind: 'nll', aggregation: 'sum', beta: 0, floor: null },
        optimizer: {
          ...{ learningRate: 0, clipNorm: 0, beta1: 0.9, beta2: 0.999 },
          ...{ epsilon: 1e-8, weightDecay: 0 },
        },
        reference: false,
      });
      return { tensors: fresh, gradient: await engine.exportGradient('student') };
    });
    const lossAt = () =>
      -referenceLogprobs(model, rotations, IDS.slice(0, 12), { config, tensors })
        .slice(2)
        .reduce((sum, l) => sum + l, 0);
    for (const [tensor, { data }] of tensors) {
      // The largest entry of each tensor: its sign, size and place must be right.
      const expected = gradient.get(tensor)!.data;
      const at = expected.reduce(
        (best, g, i) => (Math.abs(g) > Math.abs(expected[best]!) ? i : best),
        0,
      );
      const value = data[at]!;
      const step = 2 ** -8;
      const difference = [value + step, value - step].map((moved) => {
        data[at] = moved;
        return lossAt();
      });
      data[at] = value;
      const slope = (difference[0]! - difference[1]!) / (2 * step);
      expect(Math.abs(slope / expected[at]! - 1), tensor).toBeLessThan(2e-2);
    }
  });
});

describe('a tied model that stores another head', () => {
  const tied = { ...llama, tie_word_embeddings: true };
  const { json, tensors } = randomModel({ ...llama, tie_word_embeddings: false });
  const score = (model: ReferenceModel) =>
    withEngine(model, async (engine) => {
      const [found] = await engine.score([{ ids: IDS, promptLength: 1, adapter: 'none' }]);
      return { logprobs: found?.logprobs ?? [], notices: engine.notices };
    });

  it('is not tied, and says so', async () => {
    const { logprobs, notices } = await score({ json: tied, tensors });
    const expected = referenceLogprobs({ json, tensors }, plainRotations(json), IDS);
    expect(largestDifference(logprobs, expected)).toBeLessThan(1e-4);
    expect(notices).toEqual([expect.stringContaining('another lm_head.weight')]);
  });

  it('is tied where the two are equal, and silent', async () => {
    const embedding = tensors.get('model.embed_tokens.weight')!;
    const same = new Map(tensors).set('lm_head.weight', embedding);
    const { logprobs, notices } = await score({ json: tied, tensors: same });
    const expected = referenceLogprobs({ json, tensors: same }, plainRotations(json), IDS);
    expect(largestDifference(logprobs, expected)).toBeLessThan(1e-4);
    expect(notices).toEqual([]);
  });
});

it('a packed folder of sizes that are no multiple of 4 gives what its values give', async () => {
  const odd = { hidden_size: 46, head_dim: 14, intermediate_size: 73, tie_word_embeddings: true };
  const source = folderOf(randomModel({ ...llama, ...odd }));
  const scores = [];
  for (const [files, weights] of [
    [await packed(source, 'q8'), null],
    [await dequantised(source, 'q8'), 'q8'],
  ] as const) {
    const engine = await openEngine({ gpu: nodeGpu(), source: files, weights });
    const [score] = await engine.score([{ ids: IDS, promptLength: 1, adapter: 'none' }]);
    scores.push([...(score?.logprobs ?? [])]);
    engine.destroy();
  }
  expect(scores[0]).toHaveLength(39);
  expect(scores[0]).toEqual(scores[1]);
});

it('temperatures near the smallest float give log-probs and draw the most likely token', async () => {
  await withEngine(randomModel(llama), async (engine) => {
    const request = { prompt: IDS, adapter: 'none', topP: 1, topK: 0, seed: 1 } as const;
    const [greedy, cold] = await engine.generate(
      [0, 1e-38].map((temperature, stream) => ({
        ...request,
        temperature,
        stream,
        samples: 1,
        maxTokens: 5,
        stopIds: [],
      })),
    );
    expect(cold?.ids).toEqual(greedy?.ids);
    expect([...(cold?.logprobs ?? [])]).toEqual([0, 0, 0, 0, 0]);
    const [score] = await engine.score([
      {
        ids: [...IDS, ...(greedy?.ids ?? [])],
        promptLength: 40,
        adapter: 'none',
        temperature: 1e-38,
      },
    ]);
    expect([...(score?.logprobs ?? [])]).toEqual([0, 0, 0, 0, 0]);
  });
});
