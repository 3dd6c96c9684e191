import { describe, expect, it } from 'vitest';
import { groupGraph, importGraph, ringsOf } from './rings.mjs';
import { sourceFiles } from './source-files.mjs';

const graph = importGraph(sourceFiles());

describe('imports', () => {
  it('form no ring between files, types included', () => {
    expect(ringsOf(graph)).toEqual([]);
  });

  it('form no ring between the wings of src/model', () => {
    const wing = (file) => /^src\/model\/([^/]+)\//.exec(file)?.[1] ?? null;
    expect(ringsOf(groupGraph(graph, wing))).toEqual([]);
  });
});

describe('a ring', () => {
  it.each([
    [
      'of two',
      { 'a.ts': "import type { B } from './b.ts';", 'b.ts': "export * from './a.ts';" },
      1,
    ],
    [
      'of three, by a dynamic import',
      {
        'a.ts': "import './x/b.ts';",
        'x/b.ts': "const c = import('../c.ts');",
        'c.ts': "import { a } from './a.ts';",
      },
      1,
    ],
    ['that is none', { 'a.ts': "import './b.ts';", 'b.ts': "import './gone.ts';" }, 0],
  ])('%s is found', (_, texts, count) => {
    const rings = ringsOf(importGraph(Object.keys(texts), (file) => texts[file]));
    expect(rings).toHaveLength(count);
  });
});
