import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderSource } from '../storage/node/folder-source.ts';
import { OutOfGpuMemoryError } from '../gpu/errors.ts';
import { nodeGpu } from '../gpu/node-gpu.ts';
import { keptBytes } from '../model/weights/convert.ts';
import type { Engine } from '../model/engine.ts';
import { readModelConfig } from '../model/gpu-engine.ts';
import { memoryPlan, type PlanInput } from '../model/plan/memory-plan.ts';
import { METHOD_NAMES } from '../schema/config.ts';
import { measureStep } from './measure.ts';
import {
  explained,
  memoryBudget,
  openPlanned,
  planAhead,
  planRun,
  storagePlan,
  withFittingWeights,
} from './planning.ts';
import { presetOf } from './presets.ts';
import { stepWork } from './step-work.ts';
import { BigramEngine } from './testing/bigram-engine.ts';
import { letterProblem } from './testing/letter-lab.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const info = (vendor: string) => ({ vendor, architecture: '', description: '' });
const nano = (machine: { given: number | null }) => ({
  gpu: nodeGpu(),
  source: folderSource(join(import.meta.dirname, '../../public/models/nano')),
  config: presetOf('grpo', 'nano'),
  promptTokens: 120,
  machine: { system: 8 * GIB, ...machine },
});

describe('the memory budget', () => {
  it('is what the user gives; else half of shared memory, else four GiB, and says which', () => {
    const machine = { system: 16 * GIB, given: null };
    expect(
      memoryBudget({ info: info('nvidia'), software: false }, { ...machine, given: 3 * GIB }),
    ).toEqual({ bytes: 3 * GIB, source: 'as given', given: true });
    expect(memoryBudget({ info: info('apple'), software: false }, machine)).toMatchObject({
      bytes: 8 * GIB,
      given: false,
    });
    expect(memoryBudget({ info: info('mesa'), software: true }, machine).source).toMatch(
      /half of the machine’s memory, which a software adapter/,
    );
    expect(memoryBudget({ info: info('nvidia'), software: false }, machine)).toMatchObject({
      bytes: 4 * GIB,
      source: expect.stringMatching(/assumed/) as string,
    });
    expect(
      memoryBudget({ info: info('intel'), software: false }, { system: null, given: null }).bytes,
    ).toBe(4 * GIB);
  });
});

describe('a model that is opened by its plan', () => {
  it('has the sizes of the plan, and says what was made smaller', async () => {
    const { engine, plan, warnings } = await openPlanned(nano({ given: 24 * MIB }));
    try {
      expect(plan.fits).toBe(true);
      expect({ microBatchRows: engine.microBatchRows, slots: engine.slots }).toEqual(plan.sizes);
      expect(engine.slots).toBeLessThan(64);
      expect(warnings).toEqual([expect.stringMatching(/^So that it fits/)]);
      expect(engine.opened.memory.limit).toBe(24 * MIB);
    } finally {
      engine.destroy();
    }
  });

  it('is not loaded into less than it needs', async () => {
    await expect(openPlanned(nano({ given: 4 * MIB }))).rejects.toThrow(
      /was not loaded. It takes .* more than 4\.0 MiB \(as given\).*(fits|smaller model)/,
    );
  });

  it('has the largest precision that fits where nobody chose one, and is left alone where somebody did', async () => {
    const asked = nano({ given: 14 * MIB });
    const options = { ...asked, config: { ...asked.config, weights: 'f32' as const } };
    const plan = await planRun(options);
    expect(plan).toMatchObject({ fits: false, proposes: 'q8' });
    expect(withFittingWeights(options.config, plan)).toEqual({
      config: options.config,
      said: null,
    });
    const open = withFittingWeights({ ...options.config, weights: null }, plan);
    expect(open.config.weights).toBe('q8');
    expect(open.said).toMatch(
      /more than 14\.0 MiB.*With q8 weights it takes .* and fits\. So q8 weights are taken/,
    );
  });

  it('explains memory that ran out with the plan, and proposes what fits into what there was', () => {
    const input: PlanInput = {
      config: {
        architecture: 'qwen2',
        vocabSize: 32_000,
        hiddenSize: 1024,
        layers: 16,
        heads: 16,
        kvHeads: 4,
        headDim: 64,
        intermediateSize: 4096,
        stored: { hiddenSize: 1024, headDim: 64, intermediateSize: 4096 },
        maxPositions: 2048,
        rmsNormEps: 1e-6,
        ropeTheta: 1e4,
        ropeScaling: { type: 'default' },
        tiedEmbeddings: true,
        attentionBias: true,
        outputBias: false,
        mlpBias: false,
        eosIds: [],
        bosId: null,
        notices: [],
        queryKeyNorm: false,
      },
      precision: 'f32',
      lora: presetOf('grpo', 'nano').lora,
      adapters: 1,
      generations: [{ prompts: 1, promptTokens: 100, sequences: 10, maxTokens: 256 }],
      training: { longest: 355, parts: 1, teacherTokens: 0 },
      limits: { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 27 },
    };
    const error = explained(
      new OutOfGpuMemoryError('weights down', 16 * MIB, 800 * MIB),
      input,
      memoryPlan(input, { bytes: 4 * GIB, source: 'assumed', given: false }),
    );
    expect(error.message).toMatch(
      /no room for weights down \(16 MiB; 800 MiB are in use already\)\. It takes [\d.]+ \w+ of GPU memory .*With (f16|q8|q4) weights it takes \d+ MiB and fits\.$/,
    );
  });
});

describe('a plan for a model that is still at the hub', () => {
  it('is the one that its files will give at that prompt, and leaves room for what has to come', async () => {
    const { source, ...asked } = nano({ given: null });
    const model = await readModelConfig(source);
    const long = { ...letterProblem('train', 0), text: 'a'.repeat(300) };
    const room = { free: GIB, persisted: true };
    const ahead = {
      ...asked,
      model,
      kept: 'q4' as const,
      sets: { train: [long], val: [], test: [] },
      room,
    };
    const plan = await planAhead({ ...ahead, present: 0 });
    const promptTokens = Number(/taken for (\d+) tokens/.exec(plan.ahead ?? '')?.[1]);
    expect(promptTokens).toBeGreaterThan(100);
    expect(promptTokens).toBeLessThan(300);
    expect(plan.memory).toEqual(
      await planRun({ ...asked, source, config: { ...asked.config, weights: 'q4' }, promptTokens }),
    );
    expect(plan.storage.free).toBe(GIB - keptBytes(model, 'q4'));
    expect(plan.storage.summary).toMatch(/will be free when the model is here\.$/);
    expect((await planAhead({ ...ahead, present: 1000 })).storage.free).toBe(
      GIB - keptBytes(model, 'q4') + 1000,
    );
    expect(
      await planAhead({ ...ahead, present: 0, room: { free: 1000, persisted: true } }),
    ).toMatchObject({ storage: { fits: false, free: 0 } });
  });
});

describe('the work of a step', () => {
  it('is known for every method, and fits the context', () => {
    for (const method of METHOD_NAMES) {
      const { generations, trainings, training } = stepWork(presetOf(method, 'nano'), 150, 1024);
      for (const need of generations)
        expect(need.promptTokens + need.maxTokens, method).toBeLessThanOrEqual(1024);
      expect(Math.min(...trainings.map((t) => t.sequences)), method).toBeGreaterThan(0);
      expect(training.longest, method).toBeLessThan(1024);
    }
    const { generations, adapters } = stepWork(presetOf('reflkd', 'nano'), 150, 1024);
    // Four problems: 4 attempts each, 2 reflections each, 2 retries of each reflection.
    expect(generations.map((need) => need.sequences)).toEqual([16, 8, 16]);
    expect(adapters).toBe(2);
  });
});

describe('the need for storage', () => {
  it('is held against the room there is, and says when the browser may delete it', () => {
    const config = presetOf('grpo', 'nano');
    const memory = { checkpoint: 222e6 };
    expect(storagePlan(config, memory, { free: 10 * GIB, persisted: true })).toMatchObject({
      fits: true,
      summary: expect.stringMatching(/10\.0 GiB are free\.$/) as string,
    });
    const full = storagePlan(config, memory, { free: 500e6, persisted: false });
    expect(full).toMatchObject({ fits: false });
    expect(full.bytes).toBeGreaterThan(3 * 222e6);
    expect(full.summary).toMatch(/which is too little: delete stored runs.*may delete it/);
  });
});

describe('the time of a step', () => {
  it('is what was measured, times the work of the step', async () => {
    const engine = new BigramEngine(64, 64);
    Object.assign(engine, { slots: 8, microBatchRows: 512 });
    let time = 0;
    const generate = engine.generate.bind(engine);
    engine.generate = (requests, options) => {
      for (const r of requests)
        time += Math.ceil(r.samples / engine.slots) * r.maxTokens * 0.5 + r.prompt.length * 0.01;
      return generate(requests, options);
    };
    const trainStep: Engine['trainStep'] = engine.trainStep.bind(engine);
    engine.trainStep = (options) => {
      const rows =
        (options.sequences[0]?.prompt.length ?? 0) +
        options.sequences.reduce((n, s) => n + s.completion.length - 1, 0);
      time += rows * 0.002;
      return trainStep(options);
    };
    const config = {
      ...presetOf('grpo', 'nano'),
      group: 10,
      problemsPerStep: 2,
      maxTokens: 20,
      evalSamples: 0,
    };
    const estimate = await measureStep(engine, config, 30, () => time);
    // 20 answers, 8 at a time: three rounds of 20 tokens; two prompts of 30 tokens.
    expect(estimate.sample.full).toBeCloseTo(3 * 20 * 0.5 + 2 * 30 * 0.01, 6);
    expect(estimate.sample.half).toBeCloseTo(3 * 10 * 0.5 + 2 * 30 * 0.01, 6);
    expect(estimate.update.full).toBeCloseTo((2 * 30 + 20 * 19) * 0.002, 6);
    expect(estimate.step.full).toBeCloseTo(estimate.sample.full + estimate.update.full, 6);
    expect(estimate.noise).toBeCloseTo(0, 6);
  });
});
