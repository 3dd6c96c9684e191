import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DeviceLostError, OutOfGpuMemoryError } from '../gpu/errors.ts';
import type { RunConfig } from '../schema/config.ts';
import { FolderStore } from '../storage/node/folder-store.ts';
import { Run } from './run.ts';
import type { RunSummaryFile } from './summary.ts';
import { CheckpointPace, smallerSizes } from './survival.ts';
import type { BigramEngine } from './testing/bigram-engine.ts';
import { letterConfig, letterLab, type Lab } from './testing/letter-lab.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'survival-'));
const config: RunConfig = { ...letterConfig, steps: 6, test: 0 };
const sizesOf = ({ microBatchRows, slots }: BigramEngine) => ({ microBatchRows, slots });
const adapterOf = (root: string) => readFileSync(join(root, 'r', 'adapter', 'adapter.bin'));
const summaryOf = (root: string) =>
  JSON.parse(readFileSync(join(root, 'r', 'summary.json'), 'utf8')) as RunSummaryFile;
const warningsOf = (lab: Lab) => lab.events.filter((event) => event.type === 'warning.raised');

/**
 * A lab whose engines hold 512 rows and 16 slots; `onTrain` may throw in the n-th step of all
 * engines together.
 */
function labOf(root: string, onTrain: (call: number) => void): Lab {
  let calls = 0;
  return letterLab(new FolderStore(root), (engine) => {
    Object.assign(engine, { microBatchRows: 512, slots: 16 });
    engine.onCall = (name) => {
      if (name === 'trainStep') onTrain(++calls);
    };
  });
}
const noRoom = (label: string) => new OutOfGpuMemoryError(label, 5e8, 3e9);

describe('memory that runs out', () => {
  it(
    'goes on from the last checkpoint on a new device with half the micro-batch, and says so ' +
      'once, in log and summary',
    async () => {
      const root = folder();
      const lab = labOf(root, (call) => {
        if (call === 4) throw noRoom('train gate/up');
      });
      const outcome = await (await Run.create(lab.ports, 'r', config)).go();
      expect(outcome.state).toBe('finished');
      expect(lab.engines.map(sizesOf)).toEqual([
        { microBatchRows: 512, slots: 16 },
        { microBatchRows: 256, slots: 16 },
      ]);
      const [warning, ...more] = warningsOf(lab);
      expect(more).toEqual([]);
      expect(warning).toMatchObject({ nonIdentical: { microBatchRows: 256, slots: 16 } });
      expect(warning?.message).toMatch(
        /no room for train gate\/up \(477 MiB.*continued from step 3 with micro-batches of 256 tokens and 16 answers at a time instead of 512 and 16/,
      );
      expect(summaryOf(root).non_identical).toEqual([warning?.message]);
      expect(
        lab.events.filter((event) => event.type === 'update.applied').map((event) => event.step),
      ).toEqual([1, 2, 3, 4, 5, 6]);
    },
  );

  it('forces the smaller sizes when the run is resumed, and keeps the mark', async () => {
    const root = folder();
    const lab = labOf(root, (call) => {
      if (call === 2) throw noRoom('kv keys');
    });
    const run = await Run.create(lab.ports, 'r', config);
    const hear = lab.ports.onEvents;
    lab.ports.onEvents = (id, events) => {
      hear(id, events);
      if (events.some((event) => event.type === 'step.started' && event.step === 4)) run.pause();
    };
    expect((await run.go()).state).toBe('paused');
    const later = labOf(root, () => undefined);
    expect((await (await Run.resume(later.ports, 'r')).go()).state).toBe('finished');
    expect(later.engines.map(sizesOf)).toEqual([{ microBatchRows: 512, slots: 8 }]);
    expect(summaryOf(root).non_identical).toHaveLength(1);
  });

  it('pauses with the sentence when nothing is left to make smaller, and has lost no finished step', async () => {
    const root = folder();
    const lab = labOf(root, (call) => {
      if (call > 2) throw noRoom('head logits');
    });
    const outcome = await (await Run.create(lab.ports, 'r', config)).go();
    expect(outcome).toMatchObject({ state: 'paused', step: 2 });
    expect(outcome.reason).toMatch(/no room for head logits/);
    expect(sizesOf(lab.engines.at(-1)!)).toEqual({ microBatchRows: 64, slots: 1 });
    expect((await (await Run.resume(labOf(root, () => undefined).ports, 'r')).go()).state).toBe(
      'finished',
    );
  });

  it('is known as the cause where the driver gave the device up for it; any other loss leaves the sizes', async () => {
    for (const [reason, rows] of [
      ['VK_ERROR_OUT_OF_DEVICE_MEMORY', 256],
      ['destroyed', 512],
    ] as const) {
      const lab = labOf(folder(), (call) => {
        if (call === 3) throw new DeviceLostError(`The GPU device was lost (${reason}).`);
      });
      expect((await (await Run.create(lab.ports, 'r', config)).go()).state).toBe('finished');
      expect(lab.engines[1]!.microBatchRows, reason).toBe(rows);
      expect(warningsOf(lab).map((event) => event.nonIdentical !== undefined)).toEqual([
        rows === 256,
      ]);
    }
  });

  it('halves what ran out first, the other at its floor, and never the weights', () => {
    const sizes = { microBatchRows: 128, slots: 2 };
    expect(smallerSizes(noRoom('checkpoints layer input'), sizes)).toEqual({
      microBatchRows: 64,
      slots: 2,
    });
    expect(smallerSizes(noRoom('decode logits'), sizes)).toEqual({ microBatchRows: 128, slots: 1 });
    expect(smallerSizes(noRoom('decode logits'), { microBatchRows: 128, slots: 1 })).toEqual({
      microBatchRows: 64,
      slots: 1,
    });
    expect(smallerSizes(noRoom('train dx'), { microBatchRows: 64, slots: 1 })).toBeNull();
    expect(smallerSizes(noRoom('weights embedding'), sizes)).toBeNull();
  });
});

describe('checkpoints', () => {
  it('are due when the work since the last is worth twenty times what it cost', async () => {
    let time = 0;
    const pace = new CheckpointPace(() => time);
    expect(pace.due).toBe(true);
    await pace.timed(async () => {
      time += 1000;
    });
    time += 19_999;
    expect(pace.due).toBe(false);
    time += 1;
    expect(pace.due).toBe(true);
  });

  it('are kept on when the clock of the machine is set back a day', async () => {
    let date = Date.UTC(2026, 0, 2);
    let ticks = 0;
    const lab = labOf(folder(), () => undefined);
    const clock = () => {
      ticks++;
      if (lab.events.some((event) => event.type === 'update.applied' && event.step === 2))
        date -= 86_400_000;
      return (date += 1);
    };
    await (await Run.create({ ...lab.ports, clock, stopwatch: () => ticks }, 'r', config)).go();
    const saved = lab.events.filter((event) => event.type === 'checkpoint.saved');
    expect(saved.map((event) => event.step)).toEqual([0, 0, 1, 2, 3, 4, 5, 6]);
  });

  it('are rarer where they are dear, and the run ends in the same bytes', async () => {
    const [cheap, dear] = [folder(), folder()];
    const saved: number[] = [];
    for (const [root, cost] of [
      [cheap, 0],
      [dear, 1e5],
    ] as const) {
      let time = 0;
      const lab = labOf(root, () => undefined);
      const { openModel } = lab.ports;
      lab.ports.openModel = async (asked, sets) => {
        const opened = await openModel(asked, sets);
        const save = opened.engine.saveState.bind(opened.engine);
        opened.engine.saveState = (name) => {
          time += cost;
          return save(name);
        };
        return opened;
      };
      const run = await Run.create(
        { ...lab.ports, clock: () => (time += 1), stopwatch: () => (time += 1) },
        'r',
        config,
      );
      expect((await run.go()).state).toBe('finished');
      saved.push(lab.events.filter((event) => event.type === 'checkpoint.saved').length);
    }
    // At the start, before the first step, after each of six; or but for the start and the end.
    expect(saved).toEqual([8, 3]);
    expect(adapterOf(dear).equals(adapterOf(cheap))).toBe(true);
  });
});
