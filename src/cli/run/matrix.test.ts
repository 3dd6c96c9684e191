import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LoraTarget } from '../../model/engine.ts';
import { loraTensorName, writeAdapter } from '../../model/weights/peft.ts';
import { METHOD_NAMES } from '../../schema/config.ts';
import { presetOf } from '../../session/presets.ts';
import { parseRunFlags } from './flags.ts';
import { jobsOf, type Job } from './matrix.ts';

const scratch = mkdtempSync(join(tmpdir(), 'matrix-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const jobs = (out: string, ...words: string[]) =>
  jobsOf(parseRunFlags([...words, '--out', join(scratch, out)]));
/** The folders as runs leave them once they have begun. */
async function begin(out: string, ...words: string[]): Promise<void> {
  for (const { folder, config } of await jobs(out, ...words)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'events.jsonl'), '{}\n');
  }
}

describe('the runs of a command', () => {
  it('are one in --out itself, one a seed, or one a method and seed, seeds outermost', async () => {
    const folders = async (...words: string[]) =>
      (await jobs('plan', ...words)).map(({ folder, config }) => [
        basename(folder),
        config.method,
        config.seed,
      ]);
    expect(await folders()).toEqual([['plan', 'grpo', 1]]);
    expect(await folders('--method', 'srrl', '--seed', '7')).toEqual([['plan', 'srrl', 7]]);
    expect(await folders('--seeds', '2,3')).toEqual([
      ['seed-2', 'grpo', 2],
      ['seed-3', 'grpo', 3],
    ]);
    expect(await folders('--method', 'grpo,rft', '--seeds', '1,2')).toEqual([
      ['grpo-seed-1', 'grpo', 1],
      ['rft-seed-1', 'rft', 1],
      ['grpo-seed-2', 'grpo', 2],
      ['rft-seed-2', 'rft', 2],
    ]);
    expect(await folders('--method', 'grpo,rft')).toEqual([
      ['grpo-seed-1', 'grpo', 1],
      ['rft-seed-1', 'rft', 1],
    ]);
  });

  it('get the same tokens when methods are compared, and what the flags say when they say it', async () => {
    const lengths = async (...words: string[]) =>
      (await jobs('plan', ...words)).map(({ config }) => [config.steps, config.budgetTokens]);
    const all = METHOD_NAMES.join(',');
    expect(await lengths('--method', all)).toEqual(METHOD_NAMES.map(() => [null, 50_000]));
    expect(await lengths('--method', 'grpo,srrl', '--steps', '4')).toEqual([
      [4, null],
      [4, null],
    ]);
    expect(await lengths('--method', 'grpo,srrl', '--budget-tokens', '99')).toEqual([
      [null, 99],
      [null, 99],
    ]);
    expect(await lengths('--method', 'grpo')).toEqual([[30, null]]);
    expect(await lengths('--method', 'grpo,rft', '--preset', 'full')).toEqual([
      [null, 83_000],
      [null, 83_000],
    ]);
  });

  it('have the settings that the flags give, each method its own', async () => {
    const [grpo, srrl, reflkd] = await jobs(
      'plan',
      '--method',
      'grpo,srrl,reflkd',
      '--asserts',
      'all-but-one',
      '--group',
      '6',
      '--mu',
      '2',
      '--eps-low',
      '0.1',
      '--eps-high',
      '0.3',
      '--beta',
      '0.5',
      '--first',
      '3',
      '--refinements',
      '5',
      '--c2-temperature',
      '0.7',
      '--lambda',
      '0.25',
      '--advantage',
      'phase',
      '--baselines',
      '2',
      '--reflections',
      '3',
      '--retries',
      '4',
      '--kd-mode',
      'renorm',
      '--kd-top-k',
      '7',
      '--kd-target',
      'fresh',
      '--kd-teacher',
      'ema',
    );
    const loss = { updates: 2, epsLow: 0.1, epsHigh: 0.3, beta: 0.5 };
    const asserts = 'all-but-one';
    expect(grpo?.config).toMatchObject({ asserts, group: 6, srrl: null, reflkd: null, loss });
    expect(srrl?.config).toMatchObject({
      asserts,
      group: presetOf('srrl', 'nano').group,
      loss,
      srrl: { first: 3, refinements: 5, temperature: 0.7, lambda: 0.25, advantage: 'phase' },
    });
    expect(reflkd?.config).toMatchObject({
      asserts,
      loss: presetOf('reflkd', 'nano').loss,
      reflkd: {
        baselines: 2,
        reflections: 3,
        retries: 4,
        beta: 0.5,
        kd: { mode: 'renorm', topK: 7, target: 'fresh', teacher: 'ema' },
      },
    });
  });

  it('take a configuration of one method for all, with the own settings of the others', async () => {
    const file = join(scratch, 'base.json');
    writeFileSync(file, JSON.stringify({ ...presetOf('srrl', 'nano'), learningRate: 0.5 }));
    const both = await jobs('plan', '--config', file, '--method', 'srrl,reflkd', '--seeds', '1');
    expect(both.map(({ config }) => config.learningRate)).toEqual([0.5, 0.5]);
    expect(both.map(({ config }) => [config.srrl !== null, config.reflkd !== null])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(both[1]?.config.reflkd).toEqual(presetOf('reflkd', 'nano').reflkd);
  });
});

describe('a command that is refused', () => {
  it.each([
    [
      ['--method', 'grpo', '--lambda', '1'],
      '--lambda is a setting of srrl; grpo has none of that name.',
    ],
    [
      ['--method', 'srrl,reflkd', '--group', '4'],
      '--group is a setting of grpo, random-reward and rft; srrl and reflkd have none of that name.',
    ],
    [['--kd-mode', 'tail'], '--kd-mode is a setting of reflkd; grpo has none of that name.'],
    [['--method', 'grpo,grpo'], '--method names grpo twice.'],
    [['--seeds', '1,2,1'], '--seeds names 1 twice.'],
    [['--seeds', '1,x'], '--seeds takes whole numbers from 0 to 4294967295, `x` is none.'],
    [['--method', 'ssrl'], 'is none of them (did you mean srrl?)'],
    [['--seed', '1', '--seeds', '1'], '--seed and --seeds exclude each other.'],
    [['--config', 'x', '--preset', 'full'], '--config and --preset exclude each other'],
  ])('%j', async (words, sentence) => {
    await expect((async () => jobs('none', ...words))()).rejects.toThrow(sentence);
  });

  it('would start over what has begun', async () => {
    await begin('begun', '--seeds', '1');
    await expect(jobs('begun', '--seeds', '1,2')).rejects.toThrow(
      /seed-1 holds a run already; add --resume/,
    );
  });

  it('goes on with other settings than a run of the matrix began with, naming each', async () => {
    const command = ['--method', 'grpo,srrl', '--lr', '0.1'];
    await begin('changed', ...command);
    const again = await jobs('changed', ...command, '--resume');
    expect(again.map(({ begun }) => begun)).toEqual([true, true]);
    await expect(
      jobs('changed', '--method', 'grpo,srrl', '--lambda', '2', '--resume'),
    ).rejects.toThrow(
      /grpo-seed-1 began with other settings \(learningRate 0\.1, now 0\.002\); repeat the command/,
    );
    await expect(jobs('changed', ...command, '--lambda', '2', '--resume')).rejects.toThrow(
      /srrl-seed-1 began with other settings \(srrl\.lambda 1, now 2\)/,
    );
    // More seeds change no run that has begun.
    const more = await jobs('changed', ...command, '--seeds', '1,2', '--resume');
    expect(more.map(({ begun }) => begun)).toEqual([true, true, false, false]);
  });
});

it('takes an adapter with its rank, and the options of the loss, into the configuration', async () => {
  const adapter = join(scratch, 'adapter');
  mkdirSync(adapter);
  const lora = { rank: 4, alpha: 12, targets: ['q', 'v'] as LoraTarget[] };
  const tensor = (rows: number, columns: number) => ({
    shape: [rows, columns],
    data: new Float32Array(rows * columns),
  });
  const tensors = new Map(
    lora.targets.flatMap((target) => [
      [loraTensorName(0, target, 'A'), tensor(4, 8)] as const,
      [loraTensorName(0, target, 'B'), tensor(8, 4)] as const,
    ]),
  );
  for (const [name, content] of Object.entries(writeAdapter({ config: lora, tensors }, 'nano')))
    writeFileSync(join(adapter, name), content);
  const words = [
    '--adapter',
    adapter,
    '--truncated',
    'kept',
    '--correction-cap',
    '3',
    '--mu',
    '2',
    '--agg',
    'bnpo',
  ];
  const [adapted] = await jobs('adapted', ...words);
  expect(adapted!.config).toMatchObject({ adapter, lora });
  await expect((async () => jobs('adapted', ...words, '--rank', '8'))()).rejects.toThrow(
    '--adapter has a rank and an alpha of its own',
  );
  const [{ config }] = (await jobs('plain', ...words.slice(2))) as [Job];
  expect(config.loss).toMatchObject({
    maskTruncated: false,
    correctionCap: 3,
    updates: 2,
    aggregation: 'bnpo',
  });
  await expect(jobs('foreign', '--method', 'rft', '--agg', 'grpo')).rejects.toThrow(
    /--agg is a setting of grpo, srrl/,
  );
});

describe('--objective', () => {
  const switches = async (...words: string[]) => {
    const [{ config }] = (await jobs('objective', ...words)) as [Job];
    return { ...config.loss, ...config.objective };
  };

  it('sets every switch, and a switch given besides overrides it', async () => {
    expect(await switches('--objective', 'dapo')).toMatchObject({
      epsHigh: 0.28,
      maskTruncated: false,
      overlongBuffer: 0.2,
      dynamicSampling: 10,
    });
    expect(
      await switches('--scale', 'batch-std', '--objective', 'dapo', '--dynamic-sampling', 'off'),
    ).toMatchObject({ scale: 'batch-std', dynamicSampling: null, overlongBuffer: 0.2 });
    expect(await switches('--objective', 'default')).toEqual(await switches());
    expect(await switches('--mu', '3', '--objective', 'gspo')).toMatchObject({ updates: 3 });
  });

  it('and the aggregation leave the scale to its own switch, but for the older flag', async () => {
    expect(await switches('--aggregation', 'dr_grpo')).toMatchObject({ scale: 'group-std' });
    expect(await switches('--objective', 'dr_grpo')).toMatchObject({ scale: 'none' });
    expect(await switches('--agg', 'dr_grpo')).toMatchObject({ scale: 'none' });
    expect(await switches('--agg', 'dr_grpo', '--scale', 'batch-std')).toMatchObject({
      scale: 'batch-std',
    });
    await expect(switches('--agg', 'grpo', '--aggregation', 'grpo')).rejects.toThrow(/give one/);
  });

  it('is refused by name: unknown names and values, foreign methods, a batch of one', async () => {
    await expect(switches('--objective', 'gsop')).rejects.toThrow(/did you mean gspo/);
    await expect(switches('--surrogate', 'ppo')).rejects.toThrow(/clip, cispo, sapo, mask/);
    await expect(switches('--method', 'rft', '--objective', 'grpo')).rejects.toThrow(
      /methods with a policy gradient/,
    );
    await expect(switches('--objective', 'lite-ppo', '--problems-per-step', '1')).rejects.toThrow(
      /--problems-per-step\) to 2 or more/,
    );
  });
});

it('starts over what was refused before it wrote anything', async () => {
  const [{ folder, config }] = (await jobs('refused', '--max-tokens', '2000')) as [Job];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'events.jsonl'), '');
  expect(await jobs('refused', '--max-tokens', '96')).toMatchObject([
    { begun: false, config: { maxTokens: 96 } },
  ]);
  expect(await jobs('refused', '--resume')).toMatchObject([
    { begun: false, config: { maxTokens: 2000 } },
  ]);
});

it('goes on with a single run by its own configuration, unless a flag contradicts it', async () => {
  await begin('single', '--method', 'srrl', '--lambda', '0.5', '--seed', '4');
  const [job] = await jobs('single', '--resume');
  expect(job).toMatchObject({
    begun: true,
    config: { method: 'srrl', seed: 4, srrl: { lambda: 0.5 } },
  });
  await expect(jobs('single', '--resume', '--seed', '5')).rejects.toThrow(/\(seed 4, now 5\)/);
  await expect(jobs('nothing', '--resume')).rejects.toThrow(/--resume: there is no run in/);
});
