import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { METHOD_NAMES, RunConfig } from '../schema/config.ts';
import { presetOf } from '../session/presets.ts';
import { settingsOf } from './presets.ts';
import { at, valueOf, withAt, wordOf } from './setting.ts';
import { defaultsTable } from './testing/defaults-table.ts';

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

it('are the table of defaults in docs/methods.md', () => {
  const cells = (text: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith('|') && !/^\|[ :|-]+\|$/.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim()));
  const page = readFileSync('docs/methods.md', 'utf8');
  const section = page.slice(page.indexOf('## Defaults'), page.indexOf('## Evaluation'));
  // Where they differ: put what this prints into the section and run `npm run format`.
  expect(cells(section), `docs/methods.md, Defaults:\n${defaultsTable()}`).toEqual(
    cells(defaultsTable()),
  );
});
