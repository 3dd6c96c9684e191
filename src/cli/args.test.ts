import { describe, expect, it } from 'vitest';
import { helpOf, parseFlags, parseWords, UsageError, type OptionSpec } from './args.ts';

const SPECS = {
  model: { kind: 'text', required: true, value: 'FOLDER', help: 'the model' },
  temperature: { kind: 'number', min: 0, fallback: 1, help: 'of samples' },
  n: { kind: 'integer', min: 1, help: 'how many' },
  targets: { kind: 'list', choices: ['q', 'k', 'down'], help: 'linears' },
  json: { kind: 'flag', help: 'JSON' },
} as const satisfies Record<string, OptionSpec>;
const parse = (line: string) => parseFlags(SPECS, line.split(' '));

describe('flags', () => {
  it('reads values after a space or an equals sign, lists, flags and fallbacks', () => {
    expect(parse('--model nano --n=4 --targets q,down --json')).toEqual({
      model: 'nano',
      temperature: 1,
      n: 4,
      targets: ['q', 'down'],
      json: true,
    });
    expect(parse('--model=nano --temperature 1e-3')).toMatchObject({
      temperature: 1e-3,
      n: undefined,
      json: false,
    });
  });

  it.each([
    ['--model nano --temprature 1', /There is no flag --temprature; did you mean --temperature\?/],
    ['--model nano --zzzzzzzz 1', /There is no flag --zzzzzzzz; --help/],
    ['--model nano --toString', /There is no flag --toString/],
    ['--n 3', /--model is missing: --model FOLDER/],
    ['--model', /--model needs a value: --model FOLDER/],
    ['--model --json', /--model needs a value/],
    ['--model nano --n 2.5', /--n takes a whole number, 2\.5 is none/],
    ['--model nano --n 0', /--n must be at least 1, 0 was given/],
    ['--model nano --temperature warm', /--temperature takes a number, `warm` is none/],
    ['--model nano --temperature=', /--temperature takes a number/],
    ['--model nano --temperature -1', /--temperature must be at least 0/],
    [
      '--model nano --targets q,dwon',
      /--targets takes q, k, down; `dwon` is none of them \(did you mean down\?\)/,
    ],
    ['--model nano --json=1', /--json takes no value/],
    ['--model nano --model nano', /--model is given twice/],
    ['--model nano nano', /`nano` is not expected here/],
  ])('refuses `%s` with a sentence that names the flag', (line, sentence) => {
    expect(() => parse(line)).toThrow(UsageError);
    expect(() => parse(line)).toThrow(sentence);
  });

  it('lists every flag in the help', () => {
    const help = helpOf(SPECS);
    for (const name of Object.keys(SPECS)) expect(help).toContain(`--${name}`);
    expect(help).toContain('(required)');
  });
});

describe('words', () => {
  it('stand before, between and after flags, in their order', () => {
    expect(parseWords({ out: { kind: 'text', help: '' } }, ['a', '--out', 'b', 'c'])).toEqual({
      words: ['a', 'c'],
      flags: { out: 'b' },
    });
  });
});
