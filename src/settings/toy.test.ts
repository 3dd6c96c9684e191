import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { MethodDescriptor } from './method.ts';

/* What adding a method takes: a descriptor and a step, and nothing else. */

vi.mock('./methods.ts', async (original) => {
  const real: typeof import('./methods.ts') = await original();
  const { GROUPS, POLICY_GRADIENT } = await import('./method.ts');
  const { integer } = await import('./setting.ts');
  const settings = {
    spare: integer(
      { min: 0, max: 9 },
      {
        label: 'Spare attempts',
        help: 'attempts that are thrown away',
        standard: 3,
        source: 'this test',
        flag: 'spare',
        section: 'method',
      },
    ),
  };
  const toy: MethodDescriptor<typeof settings, 'toy'> = {
    ...GROUPS,
    title: 'Toy',
    about: 'GRPO with spare attempts.',
    control: false,
    part: 'toy',
    settings,
    shared: ['group', ...POLICY_GRADIENT],
    programs: ({ spare }, group) => [group + spare, group + spare],
    first: ({ spare }, group) => group + spare,
  };
  const METHODS = { ...real.METHODS, toy };
  return { METHODS, METHOD_NAMES: Object.keys(METHODS) };
});
vi.mock('../methods/index.ts', async (original) => {
  const real: typeof import('../methods/index.ts') = await original();
  const { firstAttempts } = await import('../methods/grpo.ts');
  const { byProblem, learn } = await import('../methods/learn.ts');
  const { Step } = await import('../methods/step.ts');
  const toy: (typeof real.METHOD_STEPS)['grpo'] = async (context, config, input) => {
    const { spare } = (config as unknown as { toy: { spare: number } }).toy;
    const step = new Step(context, config, input, config.group + spare);
    const rollouts = await firstAttempts(step, config.group + spare);
    return learn(step, { groups: byProblem(step, rollouts), first: rollouts });
  };
  return { METHOD_STEPS: { ...real.METHOD_STEPS, toy } };
});

const { presetOf } = await import('../session/presets.ts');
const { parseConfig } = await import('../session/checks.ts');
const { stepWork } = await import('../session/step-work.ts');
const { Run } = await import('../session/run.ts');
const { letterConfig, letterLab } = await import('../session/testing/letter-lab.ts');
const { FolderStore } = await import('../storage/node/folder-store.ts');
const { parseRunFlags, refuseForeignFlags } = await import('../cli/run/flags.ts');
const { draftOf } = await import('../ui/start/settings.ts');
const toy = 'toy' as never;

it('a method is its descriptor and its step: schema, presets, flags, form, plan and a run follow', async () => {
  const preset = presetOf(toy, 'nano');
  expect(preset).toMatchObject({ method: 'toy', toy: { spare: 3 }, srrl: null });
  expect(() => parseConfig({ ...preset, toy: { spare: 10 } }, 'c')).toThrow(/toy\.spare/);

  const flags = parseRunFlags(['--method', 'toy', '--spare', '2', '--out', 'x']);
  expect(flags.set.get('spare')).toBe(2);
  expect(() => parseRunFlags(['--spare', '10', '--out', 'x'])).toThrow(/--spare/);
  expect(() => refuseForeignFlags(flags, ['grpo'])).toThrow(
    '--spare is a setting of toy; grpo has none of that name.',
  );

  const draft = draftOf(preset, { 'toy.spare': '1' });
  expect(draft.settings.find(({ key }) => key === 'toy.spare')?.label).toBe('Spare attempts');
  expect(draft.config).toEqual({ ...preset, toy: { spare: 1 } });
  expect(stepWork(preset, 50, 1024).generations).toHaveLength(1);

  const root = mkdtempSync(join(tmpdir(), 'toy-'));
  const config = { ...letterConfig, method: toy, toy: { spare: 2 }, steps: 3, test: 0 };
  const run = await Run.create(letterLab(new FolderStore(root)).ports, 'r', config);
  expect((await run.go()).state).toBe('finished');
  const log = readFileSync(join(root, 'r', 'events.jsonl'), 'utf8');
  const asked = letterConfig.problemsPerStep * (letterConfig.group + 2) * 3;
  expect(log.match(/"rollout.completed"/g)).toHaveLength(asked);
});
