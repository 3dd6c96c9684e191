import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sourceFiles } from './source-files.mjs';

/** A method named as a value or a part of the configuration; prose in comments does not count. */
const NAMED =
  /'(srrl|reflkd|resample|random-reward|rft|grpo)'|\.(srrl|reflkd)\b|\b(srrl|reflkd)[,:]/;

it('few files outside src/settings and src/methods name a method, so that adding one touches few', () => {
  const named = sourceFiles().filter(
    (file) =>
      !/^src\/(settings|methods)\//.test(file) &&
      readFileSync(file, 'utf8')
        .split('\n')
        .some((line) => !/^\s*(\*|\/\/|\/\*)/.test(line) && NAMED.test(line)),
  );
  expect(named.length, named.join(', ')).toBeLessThanOrEqual(6);
});
