import { ESLint } from 'eslint';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAY_IMPORT, WINGS } from './boundaries.mjs';

const root = join(import.meta.dirname, '..');
const linter = new ESLint({ cwd: root });

/**
 * Rules that a line of source breaks when it stands in this file. The file must exist: the type
 * checker knows no other.
 */
async function broken(file, source) {
  const [result] = await linter.lintText(`${source}\n`, { filePath: join(root, file) });
  return result.messages.map(({ ruleId, message }) => ruleId ?? message);
}

describe('import boundaries', () => {
  it('let a folder import what lies below it', async () => {
    expect(
      await broken('src/schema/events.ts', `export { passCount } from './verdict.ts';`),
    ).toEqual([]);
    expect(
      await broken('src/sandbox/sandbox.ts', `export { passCount } from '../schema/verdict.ts';`),
    ).toEqual([]);
  });

  it('refuse an import upward', async () => {
    const rules = await broken(
      'src/schema/verdict.ts',
      `export { LORA_TARGETS } from '../model/engine.ts';`,
    );
    expect(rules).toEqual(['boundaries/downward']);
  });

  it('refuse types as well as values', async () => {
    const rules = await broken(
      'src/schema/verdict.ts',
      `export type { Engine } from '../model/engine.ts';`,
    );
    expect(rules).toEqual(['boundaries/downward']);
  });

  it('refuse an import at run time and a type spelled inline', async () => {
    const source =
      "export const later = (): Promise<unknown> => import('../model/engine.ts');\n" +
      "export type E = import('../model/engine.ts').Engine;";
    expect(await broken('src/schema/verdict.ts', source)).toEqual([
      'boundaries/downward',
      'boundaries/downward',
    ]);
  });

  it.each(['node:fs', 'fs', 'react', 'react-dom/client', 'zustand', 'zustand/vanilla'])(
    'refuse %s below the session',
    async (name) => {
      expect(await broken('src/model/engine.ts', `import '${name}';`)).toEqual([
        'no-restricted-imports',
      ]);
    },
  );

  it('refuse the DOM below the session', async () => {
    const rules = await broken(
      'src/model/engine.ts',
      `export const title: string = document.title;`,
    );
    expect(rules).toEqual(['no-restricted-globals']);
  });

  it('let a wing import the wings below it and no file above the wings', async () => {
    const scorer = 'src/model/forward/scorer.ts';
    expect(await broken(scorer, `export { ADAPTER_INDEX } from '../weights/adapter.ts';`)).toEqual(
      [],
    );
    expect(await broken(scorer, `export type { TrainResult } from '../train/step.ts';`)).toEqual([
      'boundaries/downward',
    ]);
    expect(await broken(scorer, `export type { Engine } from '../engine.ts';`)).toEqual([
      'boundaries/downward',
    ]);
    expect(
      await broken('src/model/engine.ts', `export type { Score } from './forward/scorer.ts';`),
    ).toEqual([]);
  });

  it('name every wing there is', () => {
    for (const [folder, wings] of Object.entries(WINGS)) {
      const folders = readdirSync(join(root, 'src', folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !['fixtures', 'testing'].includes(entry.name))
        .map((entry) => entry.name);
      expect(Object.keys(wings).sort()).toEqual(folders.sort());
    }
  });

  it.each([['folders', MAY_IMPORT], ...Object.entries(WINGS)])('form no cycle: %s', (_, table) => {
    const reaches = (from, seen = new Set()) => {
      for (const next of table[from] ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        reaches(next, seen);
      }
      return seen;
    };
    expect(Object.keys(table).filter((name) => reaches(name).has(name))).toEqual([]);
  });

  it('keep the screens away from the GPU, the kernels, the model and the methods', () => {
    for (const folder of ['ui', 'state']) {
      for (const below of ['gpu', 'kernels', 'model', 'methods'])
        expect(MAY_IMPORT[folder]).not.toContain(below);
    }
  });
});

describe('the linter', () => {
  it('refuses floating promises, any and default exports', async () => {
    const source = `export async function f(): Promise<void> {}\nf();\nexport const x: any = 1;\nexport default x;`;
    expect((await broken('src/model/engine.ts', source)).sort()).toEqual([
      '@typescript-eslint/no-explicit-any',
      '@typescript-eslint/no-floating-promises',
      'no-restricted-syntax',
    ]);
  });
});
