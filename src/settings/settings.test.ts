import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { METHOD_NAMES, RunConfig } from '../schema/config.ts';
import { presetOf } from '../session/presets.ts';
import {
  OBJECTIVE_NAMES,
  objectiveOf,
  objectiveRefusal,
  objectiveRow,
  withObjective,
} from './objectives.ts';
import { settingsOf } from './presets.ts';
import { at, valueOf, withAt, wordOf } from './setting.ts';
import { defaultsTable } from './testing/defaults-table.ts';
import { objectivesTable } from './testing/objectives-table.ts';

const pairs = METHOD_NAMES.flatMap((method) =>
  ['nano', 'Qwen/Qwen3-0.6B'].map((model) => [method, model] as const),
);
const accepts = (config: unknown) => v.safeParse(RunConfig, config).success;

describe.each(pairs)('the settings of %s for %s', (method, model) => {
  const preset = presetOf(method, model);

  it('have flags, labels and paths of their own', () => {
    const settings = settingsOf(method);
    for (const name of ['flag', 'label'] as const) {
      const names = settings.map(({ setting }) => setting[name]);
      expect(names).toEqual([...new Set(names)]);
    }
    expect(settings.filter(({ path }) => at(preset, path) === undefined)).toEqual([]);
  });

  it('go through words and back, and have the same bounds in config.json as in forms and flags', () => {
    for (const { path, setting } of settingsOf(method)) {
      const value = at(preset, path);
      if (value !== null || setting.off !== null)
        expect(valueOf(setting, wordOf(setting, value)), path).toEqual(value);
      if (setting.accepts.kind === 'choice') {
        expect(accepts(withAt(preset, path, 'nonsense')), path).toBe(false);
        continue;
      }
      const { min, max, integer } = setting.accepts;
      for (const inside of [min, max]) {
        expect(valueOf(setting, String(inside)), path).toBe(inside);
        expect(accepts(withAt(preset, path, inside)), `${path} ${inside}`).toBe(true);
      }
      const outside = [min - 1, max * 2 + 1, NaN, Infinity, ...(integer ? [min + 0.5] : [])];
      for (const wrong of outside) {
        expect(valueOf(setting, String(wrong)), `${path} ${wrong}`).toBeUndefined();
        expect(accepts(withAt(preset, path, wrong)), `${path} ${wrong}`).toBe(false);
      }
    }
  });
});

const cells = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[ :|-]+\|$/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('\\', '')));
const page = readFileSync('docs/methods.md', 'utf8');
const section = (from: string, to: string) => page.slice(page.indexOf(from), page.indexOf(to));

// Where they differ: put what this prints into the section and run `npm run format`.
it('are the table of defaults in docs/methods.md', () => {
  expect(
    cells(section('\n## Defaults', '\n## Evaluation')),
    `docs/methods.md, Defaults:\n${defaultsTable()}`,
  ).toEqual(cells(defaultsTable()));
});

it('are the rows of the objectives in docs/methods.md, each cell with its source', () => {
  expect(
    cells(section('\nEvery switch of each objective', '\n## Defaults')),
    `docs/methods.md, Objectives:\n${objectivesTable()}`,
  ).toEqual(cells(objectivesTable()));
  const named = readFileSync('docs/papers.md', 'utf8');
  for (const name of OBJECTIVE_NAMES)
    for (const { source } of objectiveRow(name)) {
      const short = source.split(/[,:;’]/)[0]!;
      if (/this lab|unused|not in the paper/.test(short)) continue;
      expect(named, `${name}: ${short}`).toMatch(
        new RegExp(`\\| ${short.replace(/[.+]/g, '\\$&')} `),
      );
    }
});

it('know an objective by its switches, and keep what is no switch', () => {
  const config = presetOf('grpo', 'nano');
  expect(objectiveOf(config)).toBe('default');
  for (const name of OBJECTIVE_NAMES) {
    const named = withObjective({ ...config, loss: { ...config.loss, updates: 3 } }, name);
    expect(objectiveOf(named)).toBe(name);
    expect(named.loss.updates).toBe(3);
    expect(accepts(named)).toBe(true);
    expect(objectiveRefusal(named, 2)).toBeNull();
  }
});

it('read a configuration from before the switches as it was meant', () => {
  const { objective, schedule, ...old } = presetOf('grpo', 'nano');
  expect(v.parse(RunConfig, old)).toEqual({ ...old, objective, schedule });
  const dr = { ...old, loss: { ...old.loss, aggregation: 'dr_grpo' as const } };
  expect(v.parse(RunConfig, dr).objective).toEqual({ ...objective, scale: 'none' });
});

it('are refused where a step has one problem and the batch is compared, with what to set', () => {
  const config = presetOf('grpo', 'nano');
  for (const name of ['reinforce++', 'reinforce++-baseline', 'lite-ppo'] as const)
    expect(objectiveRefusal(withObjective(config, name), 1)?.sentence).toMatch(
      /--problems-per-step\) to 2 or more/,
    );
  expect(objectiveRefusal(withObjective(config, 'dapo'), 1)).toBeNull();
});
