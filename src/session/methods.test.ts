import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METHOD_NAMES, type RunConfig } from '../schema/config.ts';
import type { RunEventOf } from '../schema/events.ts';
import { FolderStore } from '../storage/node/folder-store.ts';
import { Run } from './run.ts';
import type { BigramEngine } from './testing/bigram-engine.ts';
import { configOf, letterLab, REFINE, REFLECT, RETRY } from './testing/letter-lab.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'methods-'));

async function finished(config: RunConfig, onEngine?: (engine: BigramEngine) => void) {
  const root = folder();
  const lab = letterLab(new FolderStore(root), onEngine);
  const outcome = await (await Run.create(lab.ports, 'r', config)).go();
  expect(outcome.state).toBe('finished');
  return { root, lab };
}

const stored = (root: string, config: RunConfig) =>
  [
    'adapter/adapter.bin',
    'tokens.bin',
    ...(config.method === 'reflkd' ? ['reflector/adapter.bin'] : []),
  ].map((file) => readFileSync(join(root, 'r', file)));
const gain = (lab: Awaited<ReturnType<typeof finished>>['lab']) => {
  const [before, after] = lab.events.filter((e) => e.type === 'eval.completed');
  return after!.sampled!.rate - before!.sampled!.rate;
};

describe('methods on a toy task', () => {
  it.each(METHOD_NAMES.filter((method) => method !== 'random-reward'))(
    '%s learns',
    async (method) => {
      const { lab } = await finished(configOf(method));
      expect(gain(lab)).toBeGreaterThan(0.2);
    },
  );

  it('random-reward does not, though it trains', async () => {
    const { lab } = await finished(configOf('random-reward'));
    expect(Math.abs(gain(lab))).toBeLessThan(0.2);
    const updates = lab.events.filter((e) => e.type === 'update.applied');
    expect(updates.filter(({ noSignal }) => !noSignal).length).toBeGreaterThan(6);
  });

  it(
    "reflkd's retries beat the baselines, more so as the reflector learns, and the student " +
      'without reflection follows',
    async () => {
      const config = configOf('reflkd');
      const { lab } = await finished({
        ...config,
        steps: 24,
        learningRate: 0.1,
        reflkd: { ...config.reflkd!, reflections: 8 },
      });
      const figures = lab.events.filter(
        (e): e is RunEventOf<'update.applied'> => e.type === 'update.applied',
      );
      const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
      // Later on all is solved and nothing is left to reflect on.
      const reflected = figures.map((e) => e.reflection!).filter(({ problems }) => problems > 0);
      const [early, late] = [reflected.slice(0, 4), reflected.slice(8, 16)];
      expect(mean(late.map((r) => r.retries))).toBeGreaterThan(mean(early.map((r) => r.retries)));
      const fair = late.flatMap(({ paired }) => paired ?? []);
      expect(mean(fair.map((p) => p.retries))).toBeGreaterThan(mean(fair.map((p) => p.baseline)));
      expect(figures.some((e) => e.distillation!.targets > 0)).toBe(true);
      expect(gain(lab)).toBeGreaterThan(0.2);
    },
  );

  it('changes no adapter but the one a phase trains, byte for byte', async () => {
    const changes: string[] = [];
    await finished(configOf('reflkd', { teacher: 'ema' }), (engine) => {
      const train = engine.trainStep.bind(engine);
      engine.trainStep = async (options) => {
        const names = ['student', 'reflector', 'teacher'] as const;
        const states = async () =>
          Promise.all(names.map(async (name) => Buffer.from(await engine.saveState(name))));
        const before = await states();
        const result = await train(options);
        const after = await states();
        const changed = names.filter((_, i) => !before[i]!.equals(after[i]!));
        changes.push(`${options.adapter}: ${changed.join()}`);
        return result;
      };
    });
    expect(new Set(changes)).toEqual(new Set(['student: student', 'reflector: reflector']));
  });

  it('starts student and teacher from a given adapter, the reflector from none, and resumes exactly', async () => {
    const trained = await finished({ ...configOf('grpo'), steps: 3, test: 0 });
    const table = new Float32Array(
      readFileSync(join(trained.root, 'r/adapter/adapter.bin')).buffer.slice(0),
    );
    const shape = [Math.sqrt(table.length), Math.sqrt(table.length)];
    const config = {
      ...configOf('reflkd', { teacher: 'ema' }),
      adapter: 'given',
      steps: 2,
      test: 0,
    };
    const labOf = (root: string, began: Float32Array[] = []) => {
      const lab = letterLab(new FolderStore(root), (engine) => {
        const generate = engine.generate.bind(engine);
        engine.generate = async (...args) => {
          for (const name of ['student', 'teacher', 'reflector'] as const)
            if (began.length < 3) began.push((await engine.exportAdapter(name)).get('table')!.data);
          return generate(...args);
        };
      });
      lab.ports.readAdapter = async (folder) => {
        expect(folder).toBe('given');
        return new Map([['table', { shape, data: table }]]);
      };
      return lab;
    };
    const [straight, cut] = [folder(), folder()];
    const began: Float32Array[] = [];
    await (await Run.create(labOf(straight, began).ports, 'r', config)).go();
    expect(began[0]).toEqual(table);
    expect(began[1]).toEqual(table);
    expect(table.some((value) => value !== 0) && began[2]!.every((value) => value === 0)).toBe(
      true,
    );

    const first = await Run.create(labOf(cut).ports, 'r', config);
    first.pause();
    expect((await first.go()).state).toBe('paused');
    const again = labOf(cut);
    delete again.ports.readAdapter; // the checkpoint has it all
    await (await Run.resume(again.ports, 'r')).go();
    expect(stored(cut, config)).toEqual(stored(straight, config));
    await expect(
      Run.create(letterLab(new FolderStore(folder())).ports, 'r', config),
    ).rejects.toThrow('Runs start from fresh adapters here; start from given on the command line.');
  });
});

describe('exact resume in the middle of a phase', () => {
  const cases: [
    string,
    RunConfig,
    (name: string, what: { adapter: string; prompt?: number }) => boolean,
  ][] = [
    [
      'c2',
      configOf('srrl'),
      (name, { prompt }) => name === 'generate' && prompt! >= REFINE && prompt! < REFLECT,
    ],
    [
      'reflections',
      configOf('reflkd'),
      (name, { adapter }) => name === 'generate' && adapter === 'reflector',
    ],
    ['retries', configOf('reflkd'), (name, { prompt }) => name === 'generate' && prompt! >= RETRY],
    [
      "the reflector's update",
      configOf('reflkd'),
      (name, { adapter }) => name === 'trainStep' && adapter === 'reflector',
    ],
    // The reflector has been updated by then, and must be taken back with the step.
    [
      'distillation',
      configOf('reflkd'),
      (name, { adapter }) => name === 'trainStep' && adapter === 'student',
    ],
    [
      'distillation from an average',
      configOf('reflkd', { teacher: 'ema' }),
      (name, { adapter }) => name === 'score' && adapter === 'teacher',
    ],
    [
      'the second of two checkpoints',
      configOf('reflkd'),
      (name, { adapter }) => name === 'saveState' && adapter === 'reflector',
    ],
  ];
  it.each(cases)('%s', async (_, config, hits) => {
    const whole = await finished(config);
    const root = folder();
    // Killed at the second such moment, resumed, killed at the third one after that, resumed.
    for (const at of [2, 3]) {
      let left = at;
      const lab = letterLab(new FolderStore(root), (engine) => {
        engine.onCall = (name, what) => {
          if (hits(name, what) && --left === 0) throw new Error('killed');
        };
      });
      const run =
        at === 2 ? await Run.create(lab.ports, 'r', config) : await Run.resume(lab.ports, 'r');
      await expect(run.go()).rejects.toThrow('killed');
    }
    const last = await (await Run.resume(letterLab(new FolderStore(root)).ports, 'r')).go();
    expect(last.state).toBe('finished');
    expect(stored(root, config)).toEqual(stored(whole.root, config));
  });
});
