import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './set-up.mjs';
import { strayStyles } from './styles.mjs';

const files = Object.fromEntries(
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${file.replaceAll('\\', '/')}`)
    .filter((file) => /\.(css|tsx?)$/.test(file))
    .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
);

describe('styles', () => {
  it('belong to the component beside them, and every class has a use', () => {
    expect(Object.keys(files).filter((file) => file.endsWith('.module.css'))).not.toEqual([]);
    expect(strayStyles(files)).toEqual([]);
  });
});

describe('a stray style', () => {
  const sheet = '.a .b:hover { color: red } @media (max-width: 1px) { .a { top: 0.5px } }';
  const uses = "import styles from './x.module.css';\nstyles.a + styles.b";
  it.each([
    ['none where all is at home', { 'u/x.module.css': sheet, 'u/x.tsx': uses }, 0],
    ['a global class', { 'u/x.css': sheet, 'u/x.tsx': "import './x.css';" }, 2],
    [
      'a module of another folder',
      { 'u/x.module.css': sheet, 'v/x.tsx': uses.replace('./', '../u/') },
      1,
    ],
    ['a class that is not there', { 'u/x.module.css': sheet, 'u/x.tsx': `${uses} + styles.c` }, 1],
    ['a class without a use', { 'u/x.module.css': `${sheet} .d {}`, 'u/x.tsx': uses }, 1],
    [
      "a library's class in a module, which is none",
      { 'u/x.module.css': `${sheet} .a :global(.lib) {}`, 'u/x.tsx': uses },
      0,
    ],
  ])('is found: %s', (_, tree, count) => {
    expect(strayStyles(tree)).toHaveLength(count);
  });
});
