import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Grader } from '../eval/grader.ts';
import type { GpuEngine } from '../model/gpu-engine.ts';
import type { Method, RunConfig } from '../schema/config.ts';
import type { RunEvent } from '../schema/events.ts';
import { presetOf } from '../session/presets.ts';
import { Run } from '../session/run.ts';
import { nodeRunPorts } from './commands/run.ts';
import { openGrader } from './grader.ts';

/*
 * Refl-KD and SRRL on nano, with the real engine and sandbox: what changes when, what prompts hold,
 * exact resume.
 */

const ROOT = join(import.meta.dirname, '../..');
const full = process.env['AFTERTHOUGHT_FULL'] === '1';
const ADAPTERS = ['student', 'reflector', 'teacher'] as const;
let folder: string;
let grader: Grader;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afterthought-methods-'));
  grader = openGrader();
});
afterAll(async () => {
  await grader.close();
  await rm(folder, { recursive: true, force: true });
});

function configOf(method: Method, change: Partial<RunConfig> = {}): RunConfig {
  const shape = { train: 12, test: 0, steps: 2, problemsPerStep: 3, timeoutSeconds: 20, seed: 4 };
  return { ...presetOf(method, 'nano'), ...shape, ...change };
}

interface Hooks {
  readonly onEngine?: (engine: GpuEngine) => void;
  /** Called on every report of progress; true destroys the device under the run. */
  readonly lose?: (phase: string, done: number) => boolean;
}

async function runOf(
  id: string,
  config: RunConfig,
  { onEngine, lose }: Hooks = {},
): Promise<RunEvent[]> {
  const ports = nodeRunPorts(folder, ROOT, grader);
  const events: RunEvent[] = [];
  let engine: GpuEngine | null = null;
  const run = await Run.create(
    {
      ...ports,
      openModel: async (c, sets) => {
        const opened = await ports.openModel(c, sets);
        engine = opened.engine as GpuEngine;
        onEngine?.(engine);
        return opened;
      },
      onEvents: (_, batch) => events.push(...batch),
      onStatus: (status) => {
        if (status.state === 'running' && lose?.(status.phase, status.done) === true)
          engine?.destroy();
      },
    },
    id,
    config,
  );
  expect((await run.go()).state).toBe('finished');
  return events;
}

const bytesOf = (id: string, adapter: 'adapter' | 'reflector') =>
  readFile(join(folder, id, adapter, 'adapter_model.safetensors'));

describe('refl-kd on nano', () => {
  const states: { phase: string; changed: string[] }[] = [];
  const base: Float32Array[] = [];
  let events: RunEvent[];
  const { reflkd } = presetOf('reflkd', 'nano');
  const averaged = { ...reflkd!, kd: { ...reflkd!.kd, teacher: 'ema' as const } };
  const config = configOf('reflkd', { asserts: 'all-but-one', reflkd: averaged });

  beforeAll(async () => {
    events = await runOf('straight', config, {
      onEngine: (engine) => {
        const { generate, trainStep } = engine;
        engine.generate = async (...args) => {
          if (base.length === 0) {
            const ids = [...args[0][0]!.prompt, 5, 6, 7, 8, 9];
            for (const adapter of ['none', ...ADAPTERS] as const)
              base.push((await engine.score([{ ids, promptLength: 5, adapter }]))[0]!.logprobs);
          }
          return generate.apply(engine, args);
        };
        engine.trainStep = async (options) => {
          const all = () =>
            Promise.all(ADAPTERS.map(async (name) => Buffer.from(await engine.saveState(name))));
          const before = await all();
          const result = await trainStep.call(engine, options);
          const after = await all();
          states.push({
            phase: options.adapter,
            changed: ADAPTERS.filter((_, i) => !before[i]!.equals(after[i]!)),
          });
          return result;
        };
      },
    });
  });

  it('begins with student, reflector and teacher equal to the base, bit for bit', () => {
    expect(base).toHaveLength(4);
    for (const logprobs of base) expect(logprobs).toEqual(base[0]);
  });

  it('changes the bytes of the adapter that a phase trains, and of no other', () => {
    expect(new Set(states.map(({ phase }) => phase))).toEqual(new Set(['student', 'reflector']));
    for (const { phase, changed } of states) expect(changed).toEqual([phase]);
  });

  it('never shows the assert that is held back, nor its value, in any prompt of the run', async () => {
    const sets = await nodeRunPorts(folder, ROOT, grader).problems(config);
    const problems = new Map(sets.train.map((problem) => [problem.id, problem]));
    const prompts = events.flatMap((event) =>
      event.type === 'rollout.completed' || event.type === 'target.distilled' ? [event] : [],
    );
    expect(
      new Set(prompts.map((event) => (event.type === 'target.distilled' ? 'teacher' : event.kind))),
    ).toEqual(new Set(['attempt', 'reflection', 'retry', 'teacher']));
    let searched = 0;
    for (const event of prompts) {
      const { shown, hidden, text } = problems.get(event.problem)!;
      for (const source of [shown.at(-1)!, ...hidden]) {
        expect(event.prompt).not.toContain(source);
        const value = source.split('==').at(-1)!.trim();
        // A value that the task itself or a shown assert has too proves nothing, nor does one so
        // short that programs hold it.
        if (
          value.length < 5 ||
          [text, ...shown.slice(0, -1)].some((other) => other.includes(value))
        )
          continue;
        const attempt =
          'parent' in event && event.parent !== null
            ? event.prompt.split('Result:')[1]!
            : event.prompt;
        expect(attempt).not.toContain(value);
        searched++;
      }
    }
    expect(searched).toBeGreaterThan(50);
  });

  // The reflector has learnt by the time of `distill`, and must be taken back with the step: the
  // hardest of the three.
  it.each(full ? ['reflect', 'update-reflector', 'distill'] : ['distill'])(
    'resumes exactly when the device is lost in `%s`',
    async (at) => {
      let seen = 0;
      const lost = await runOf(`lost-${at}`, config, {
        lose: (phase) => phase === at && ++seen === 2,
      });
      expect(lost.some((event) => event.type === 'run.resumed')).toBe(true);
      for (const adapter of ['adapter', 'reflector'] as const)
        expect(
          (await bytesOf(`lost-${at}`, adapter)).equals(await bytesOf('straight', adapter)),
          adapter,
        ).toBe(true);
    },
  );
});

describe('SRRL on nano', () => {
  it('resumes exactly when the device is lost in the middle of c2', async () => {
    const config = configOf('srrl');
    const events = await runOf('srrl', config);
    const updates = events.filter((event) => event.type === 'update.applied');
    expect(
      updates.some(({ noSignal }) => !noSignal),
      'it must train, or equal bytes would mean nothing',
    ).toBe(true);
    expect(updates.reduce((n, { rescue }) => n + rescue!.failed, 0)).toBeGreaterThan(0);
    let lost = 0;
    const again = await runOf('srrl-lost', config, {
      lose: (phase, done) => phase === 'refine' && done > 20 && ++lost === 1,
    });
    expect(again.some((event) => event.type === 'run.resumed')).toBe(true);
    expect((await bytesOf('srrl-lost', 'adapter')).equals(await bytesOf('srrl', 'adapter'))).toBe(
      true,
    );
  });
});
