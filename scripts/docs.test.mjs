import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './set-up.mjs';

const read = (file) => readFileSync(join(root, file), 'utf8');
/**
 * What .gitignore names, and git's own folder. The tree is walked, because a machine that runs the
 * tests may have no git.
 */
const ignored = read('.gitignore')
  .split('\n')
  .filter((line) => line.endsWith('/'))
  .map((line) => line.slice(0, -1))
  .concat('.git', '.idea', '.vscode');
const walk = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return ignored.includes(entry.name) ? [] : walk(path);
  });
const files = walk('');
const documents = files.filter((file) => file.endsWith('.md'));

/** Folders of the tree in README.md: the first word of each line of the block below its heading. */
function listedFolders() {
  const block = /## The tree\n[^]*?```\w*\n([^]*?)```/.exec(read('README.md'))?.[1] ?? '';
  return block
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0])
    .filter((word) => word?.endsWith('/'));
}

/** What GitHub makes of a heading. */
const anchor = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const headings = (text) =>
  [...text.replace(/```[^]*?```/g, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    anchor(heading),
  );

describe('the tree in README.md', () => {
  it('names folders that exist', () => {
    expect(listedFolders().filter((folder) => !existsSync(join(root, folder)))).toEqual([]);
  });

  it('names every folder of the top level and of src, once', () => {
    const real = new Set();
    for (const file of files) {
      const parts = dirname(file).split('/');
      if (parts[0] !== '.') real.add(`${parts[0]}/`);
      if (parts[0] === 'src' && parts.length > 1) real.add(`src/${parts[1]}/`);
    }
    const listed = listedFolders();
    expect(listed).toEqual([...new Set(listed)]);
    expect(
      [...real].filter((folder) => folder !== 'src/' && !listed.includes(folder)).sort(),
    ).toEqual([]);
  });
});

describe('links', () => {
  it.each(documents)('of %s lead to files and headings that exist', (document) => {
    const text = read(document);
    const broken = [];
    for (const [, target] of text.replace(/```[^]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target)) continue;
      const [path, fragment] = target.split('#');
      const file = path === '' ? document : normalize(join(dirname(document), path));
      if (!existsSync(join(root, file))) broken.push(target);
      else if (fragment && !headings(read(file)).includes(fragment)) broken.push(target);
    }
    expect(broken).toEqual([]);
  });

  it('lead from README.md to every document of docs', () => {
    const readme = read('README.md');
    expect(
      documents.filter((file) => file.startsWith('docs/') && !readme.includes(`(${file})`)),
    ).toEqual([]);
  });
});
