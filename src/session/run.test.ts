import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { problemsOfStep } from '../data/order.ts';
import { DeviceLostError } from '../gpu/errors.ts';
import { StorageFullError } from '../lib/errors.ts';
import { Rng } from '../lib/rng.ts';
import type { RunConfig } from '../schema/config.ts';
import { FolderStore } from '../storage/node/folder-store.ts';
import type { RunStore, StoredRun } from '../storage/run-store.ts';
import { Run } from './run.ts';
import { letterConfig, letterLab } from './testing/letter-lab.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'run-'));
const adapterOf = (root: string) => readFileSync(join(root, 'r', 'adapter', 'adapter.bin'));
const tokensOf = (root: string) => readFileSync(join(root, 'r', 'tokens.bin'));
const without = (root: string, keys: RegExp) =>
  readFileSync(join(root, 'r', 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => /"type":"(update.applied|eval.completed|rollout.rewarded)"/.test(line))
    .map((line) => line.replace(keys, ''));
const timing = /"(seq|time|tokensPerSecond)":[\d.e+-]+,?|"seconds":\{[^}]*\},?/g;

let whole: string;
beforeAll(async () => {
  whole = folder();
  const lab = letterLab(new FolderStore(whole));
  expect((await (await Run.create(lab.ports, 'r', letterConfig)).go()).state).toBe('finished');
});

describe('a run', () => {
  it('learns: reward and held-out rate rise, and summary.json says so', () => {
    const summary = JSON.parse(readFileSync(join(whole, 'r', 'summary.json'), 'utf8')) as Record<
      string,
      never
    >;
    const { before, after, paired, steps } = summary as unknown as {
      before: { sampled: { rate: number } };
      after: { sampled: { rate: number; 'pass@8': number } };
      paired: { sampled: { difference: number } };
      steps: number;
    };
    expect(steps).toBe(12);
    expect(after.sampled.rate).toBeGreaterThan(before.sampled.rate + 0.3);
    expect(paired.sampled.difference).toBeCloseTo(after.sampled.rate - before.sampled.rate, 10);
    expect(after.sampled['pass@8']).toBeGreaterThan(0.9);
  });

  it('writes a log whose sequence numbers have no gap and whose columns can be found', async () => {
    const run = await new FolderStore(whole).open('r');
    const events = await run.readEvents();
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i));
    expect(events[0]!.type).toBe('run.started');
    expect(events.at(-1)!.type).toBe('run.finished');
    const rollouts = events.filter((event) => event.type === 'rollout.completed');
    expect(rollouts).toHaveLength(12 * 4 * 10);
    const { decodeTokenBlock, tokenBlockBytes } = await import('../schema/columns.ts');
    for (const event of events) {
      if (event.type !== 'rollout.rewarded') continue;
      const rollout = rollouts.find((r) => r.id === event.rollout)!;
      const block = decodeTokenBlock(
        await run.readTokens(event.columns, tokenBlockBytes(rollout.tokens)),
      );
      expect(block.ids).toHaveLength(rollout.tokens);
      expect(block.ends.at(-1)).toBe(rollout.text.length);
    }
    await run.close();
  });

  it('is the same when run again', async () => {
    const root = folder();
    await (await Run.create(letterLab(new FolderStore(root)).ports, 'r', letterConfig)).go();
    expect(adapterOf(root).equals(adapterOf(whole))).toBe(true);
    expect(tokensOf(root).equals(tokensOf(whole))).toBe(true);
  });

  it('goes on from a pause as if there had been none', async () => {
    const root = folder();
    const lab = letterLab(new FolderStore(root));
    const run = await Run.create(lab.ports, 'r', letterConfig);
    const emit = lab.ports.onEvents;
    lab.ports.onEvents = (id, events) => {
      emit(id, events);
      if (events.some((e) => e.type === 'step.started' && e.step === 5)) run.pause();
    };
    const outcome = await run.go();
    expect(outcome).toMatchObject({ state: 'paused' });
    expect(outcome.step).toBeGreaterThanOrEqual(5);
    expect(lab.events.filter((e) => e.type === 'run.paused')).toHaveLength(1);
    const again = await (await Run.resume(letterLab(new FolderStore(root)).ports, 'r')).go();
    expect(again.state).toBe('finished');
    expect(adapterOf(root).equals(adapterOf(whole))).toBe(true);
    expect(without(root, timing)).toEqual(without(whole, timing));
  });

  it('draws the same problems again where dynamic sampling was cut off at any step', async () => {
    const config: RunConfig = {
      ...letterConfig,
      train: 8,
      problemsPerStep: 2,
      group: 3,
      steps: 6,
      test: 0,
      objective: { ...letterConfig.objective, dynamicSampling: 3 },
    };
    const straight = folder();
    const lab = letterLab(new FolderStore(straight));
    await (await Run.create(lab.ports, 'r', config)).go();
    const drawn = lab.events.filter((e) => e.type === 'rollout.completed').length;
    expect(drawn, 'the run must draw more than its own').toBeGreaterThan(6 * 2 * 3);
    // Steps and draws go through the seeded order and leave no place out, but for problems they have.
    const { train } = await lab.ports.problems(config);
    const order = Array.from({ length: 200 }, (_, i) => {
      return problemsOfStep(train, config.seed, i + 1, 1).problems[0]!.id;
    });
    let place = 0;
    for (let step = 1; step <= 6; step++) {
      const asked = lab.events.flatMap((e) =>
        e.type === 'rollout.completed' && e.step === step ? [[e.id, e.problem] as const] : [],
      );
      const ids = new Map(asked.map(([id, problem]) => [Number(id.split('/')[1]), problem]));
      const has: string[] = [];
      for (let number = 0; number < ids.size; number++) {
        if (number >= 2) while (has.includes(order[place]!)) place++;
        expect(ids.get(number), `step ${step}, problem ${number}`).toBe(order[place++]);
        has.push(ids.get(number)!);
      }
    }
    const root = folder();
    for (let at = 1; ; at++) {
      const part = letterLab(new FolderStore(root));
      const run =
        at === 1 ? await Run.create(part.ports, 'r', config) : await Run.resume(part.ports, 'r');
      const emit = part.ports.onEvents;
      part.ports.onEvents = (id, events) => {
        emit(id, events);
        if (events.some((e) => e.type === 'step.started')) run.pause();
      };
      if ((await run.go()).state === 'finished') break;
    }
    expect(adapterOf(root).equals(adapterOf(straight))).toBe(true);
    expect(tokensOf(root).equals(tokensOf(straight))).toBe(true);
    expect(without(root, timing)).toEqual(without(straight, timing));
  });

  it('stops after the current step and keeps what it has', async () => {
    const root = folder();
    const lab = letterLab(new FolderStore(root));
    const run = await Run.create(lab.ports, 'r', letterConfig);
    const hear = lab.ports.onEvents;
    lab.ports.onEvents = (id, events) => {
      hear(id, events);
      if (events.some((e) => e.type === 'step.started')) run.stop();
    };
    expect((await run.go()).state).toBe('finished');
    expect(lab.events.at(-1)).toMatchObject({ type: 'run.finished', reason: 'stopped' });
    expect(adapterOf(root).length).toBeGreaterThan(0);
  });

  it('ends on a token budget', async () => {
    const root = folder();
    const lab = letterLab(new FolderStore(root));
    const config: RunConfig = { ...letterConfig, steps: null, budgetTokens: 400, test: 0 };
    await (await Run.create(lab.ports, 'r', config)).go();
    const last = lab.events.at(-1)!;
    expect(last).toMatchObject({ type: 'run.finished', reason: 'budget' });
    if (last.type === 'run.finished')
      expect(last.totals.prompt + last.totals.generated).toBeGreaterThanOrEqual(400);
    await expect(Run.create(lab.ports, 's', { ...config, budgetTokens: null })).rejects.toThrow(
      /would never end/,
    );
  });
});

/**
 * A store that a kill cuts off: after `operations` calls, nothing more reaches the disk; a write
 * may tear.
 */
function mortal(root: string, operations: number, tear: boolean): RunStore {
  const store = new FolderStore(root);
  let left = operations;
  const wrap = (run: StoredRun): StoredRun =>
    new Proxy(run, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function' || name === 'offset' || name === 'close')
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return (...args: unknown[]) => {
          if (--left === 0 && tear && name === 'appendEvents') {
            const events = args[0] as never[];
            return (
              target.appendEvents(events.slice(0, Math.ceil(events.length / 2))) as Promise<unknown>
            ).then(() => Promise.reject(new Error('killed')));
          }
          if (left <= 0) return Promise.reject(new Error('killed'));
          return (value as (...a: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  return {
    list: () => store.list(),
    delete: (id) => store.delete(id),
    open: async (id) => wrap(await store.open(id)),
  };
}

describe('exact resume', () => {
  it('gives the same adapter bytes after kills at 24 random moments, several in a row', async () => {
    const rng = new Rng(99);
    for (let trial = 0; trial < 12; trial++) {
      const root = folder();
      const config = { ...letterConfig, checkpointEvery: 1 + (trial % 3) };
      const kills = [1 + rng.int(45), 1 + rng.int(45)];
      let begun = false;
      for (const operations of kills) {
        const { ports } = letterLab(mortal(root, operations, trial % 2 === 0));
        try {
          const run = begun ? await Run.resume(ports, 'r') : await Run.create(ports, 'r', config);
          await run.go();
        } catch {
          // killed
        }
        begun = await new FolderStore(root).open('r').then(async (run) => {
          const there = (await run.readFile('config.json')) !== null;
          await run.close();
          return there;
        });
      }
      const { ports } = letterLab(new FolderStore(root));
      const run = begun ? await Run.resume(ports, 'r') : await Run.create(ports, 'r', config);
      expect((await run.go()).state).toBe('finished');
      expect(
        adapterOf(root).equals(adapterOf(whole)),
        `kills after ${kills.join(' and ')} operations, trial ${trial}`,
      ).toBe(true);
      expect(tokensOf(root).equals(tokensOf(whole))).toBe(true);
      expect(without(root, timing)).toEqual(without(whole, timing));
    }
  });

  it('reopens a lost device, restores the last checkpoint, warns, and ends in the same bytes', async () => {
    for (const [call, at] of [
      ['generate', 100],
      ['trainStep', 4],
      ['saveState', 6],
    ] as const) {
      const root = folder();
      let calls = 0;
      const lab = letterLab(new FolderStore(root), (engine) => {
        engine.onCall = (name) => {
          if (name === call && ++calls === at)
            throw new DeviceLostError('The GPU device was lost (destroyed).');
        };
      });
      expect((await (await Run.create(lab.ports, 'r', letterConfig)).go()).state).toBe('finished');
      expect(lab.engines).toHaveLength(2);
      expect(lab.events.filter((e) => e.type === 'warning.raised').map((e) => e.message)).toEqual([
        expect.stringMatching(/device was lost.*continued from step/),
      ]);
      expect(adapterOf(root).equals(adapterOf(whole))).toBe(true);
      expect(without(root, timing)).toEqual(without(whole, timing));
    }
  });

  it('forces the micro-batch of run.started, refuses changed problems and a run that is not there', async () => {
    const root = folder();
    const lab = letterLab(new FolderStore(root), (engine) => (engine.microBatchRows = 3));
    const run = await Run.create(lab.ports, 'r', letterConfig);
    run.pause();
    await run.go();
    const later = letterLab(new FolderStore(root));
    const resumed = await Run.resume(later.ports, 'r');
    expect(later.engines[0]!.microBatchRows).toBe(3);
    resumed.pause();
    await resumed.go();
    later.ports.problems = async () => ({ train: [], val: [], test: [] });
    await expect(Run.resume(later.ports, 'r')).rejects.toThrow(
      /train problems of this run are not those it began with/,
    );
    await expect(Run.resume(later.ports, 'none')).rejects.toThrow(/no config.json/);
  });
});

describe('trouble', () => {
  it('pauses after three gradients in a row that are not finite, at the checkpoint before them', async () => {
    const root = folder();
    const lab = letterLab(new FolderStore(root), (engine) => {
      let updates = 0;
      engine.onCall = (name) => {
        if (name === 'trainStep') engine.poison = ++updates > 3;
      };
    });
    const outcome = await (await Run.create(lab.ports, 'r', letterConfig)).go();
    expect(outcome).toMatchObject({ state: 'paused', step: 3 });
    expect(outcome.reason).toMatch(
      /not finite in 3 steps in a row \(4 to 6\).*smaller learning rate than 0.5/,
    );
  });

  it('pauses with the sentence when the store is full, and goes on when there is room', async () => {
    const root = folder();
    const store = new FolderStore(root);
    let full = false;
    const lab = letterLab({
      list: () => store.list(),
      delete: (id) => store.delete(id),
      open: async (id) => {
        const run = await store.open(id);
        const save = run.saveCheckpoint.bind(run);
        run.saveCheckpoint = async (checkpoint) => {
          if (full && checkpoint.step === 4)
            throw new StorageFullError('The disk is full: free some space.');
          return save(checkpoint);
        };
        return run;
      },
    });
    full = true;
    const outcome = await (await Run.create(lab.ports, 'r', letterConfig)).go();
    expect(outcome).toMatchObject({
      state: 'paused',
      reason: 'The disk is full: free some space.',
    });
    expect(lab.statuses.at(-1)).toMatchObject({ state: 'paused' });
    full = false;
    expect((await (await Run.resume(lab.ports, 'r')).go()).state).toBe('finished');
    expect(adapterOf(root).equals(adapterOf(whole))).toBe(true);
  });

  it('refuses prompts that leave no room for their completions', async () => {
    const lab = letterLab(new FolderStore(folder()));
    await expect(Run.create(lab.ports, 'r', { ...letterConfig, maxTokens: 64 })).rejects.toThrow(
      /prompt of letters\/train\/0 has 1 tokens; with 64 new ones it exceeds the model's context of 64/,
    );
  });

  it('refuses to start over a run that exists, and problems shared by two splits', async () => {
    const lab = letterLab(new FolderStore(whole));
    await expect(Run.create(lab.ports, 'r', letterConfig)).rejects.toThrow(/exists already/);
    const { problems } = lab.ports;
    lab.ports.problems = async (config) => {
      const sets = await problems(config);
      return { ...sets, test: sets.train.slice(0, 2) };
    };
    await expect(Run.create(lab.ports, 's', letterConfig)).rejects.toThrow(
      /train and test problems share 2 ids \(letters\/train\/0, letters\/train\/1\)/,
    );
  });
});
