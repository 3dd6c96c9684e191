import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { logReference } from './testing/log-reference.ts';

/** Text without what a formatter may change: widths of tables, escapes, line ends. */
const plain = (text: string) =>
  text
    .replace(/-{3,}/g, '---')
    .replace(/\\([_|*])/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();

it('the events in docs/log-format.md are those of the schema', () => {
  const page = readFileSync('docs/log-format.md', 'utf8');
  const section = page.slice(page.indexOf('### run.started'), page.indexOf('## tokens.bin'));
  // Where they differ: put what this prints into the section and run `npm run format`.
  expect(plain(section) === plain(logReference()), logReference()).toBe(true);
});
