import { describe, expect, it } from 'vitest';
import { render } from '../sandbox/render.ts';
import { mbppArguments, toComplex } from './evalplus-inputs.ts';
import { parsePythonJson } from './python-json.ts';

const convert = (id: number, json: string): string => {
  const list = parsePythonJson(json);
  if (list.type !== 'list') throw new Error('no list');
  return render({ type: 'tuple', items: mbppArguments(id, list.items) });
};

describe('inputs of MBPP+', () => {
  it.each([
    [2, '[[1, 2], "ab"]', "((1, 2), ('a', 'b'))"],
    [63, '[[[1, 2], [3]]]', '([(1, 2), (3,)],)'],
    [75, '[[[1, 2]], 5]', '([(1, 2)], 5)'],
    [106, '[[1, [2]], [3, [4]]]', '([1, [2]], (3, [4]))'],
    [115, '[[[1, 1], [], {}]]', '([{1, 1}, {}, {}],)'],
    [124, '["-1", "0.5j"]', '(-1.0, 0.5j)'],
    [252, '["(-4-2j)"]', '((-4-2j),)'],
    [252, '[4]', '((4+0j),)'],
    [278, '[[5, [1, 2]]]', '((5, (1, 2)),)'],
    [259, '[[[1], [2]]]', '(((1,), (2,)),)'],
    [307, '[["a", []], 1, 2]', "(('a', []), 1, 2)"],
    [580, '[[1, [2, [3]]]]', '((1, (2, (3,))),)'],
    [720, '[[1], {"a": 2}]', "((1,), {'a': 2})"],
    [722, '[{"x": [6.2, 70]}, 6.0, 70]', "({'x': (6.2, 70)}, 6.0, 70)"],
    [3, '[[1, 2]]', '([1, 2],)'],
  ])('of task %i: %s becomes %s', (id, json, python) => {
    expect(convert(id, json)).toBe(python);
  });

  it.each([
    ['5j', 0, 5],
    ['-3j', 0, -3],
    ['j', 0, 1],
    ['-j', 0, -1],
    ['(1+2j)', 1, 2],
    ['12j', 0, 12],
    ['69.02761442257642', 69.02761442257642, 0],
    ['(-0-1e-16j)', -0, -1e-16],
    ['1e3-infj', 1000, -Infinity],
    ['1e-100j', 0, 1e-100],
  ])('%s is a complex number', (source, real, imag) => {
    expect(toComplex({ type: 'str', value: source })).toEqual({ type: 'complex', real, imag });
  });

  it('refuses what Python would', () => {
    expect(() => toComplex({ type: 'str', value: '1+2' })).toThrow(/`1\+2` is no complex number/);
    expect(() => convert(2, '[5]')).toThrow(/a tuple cannot be made of a int/);
  });
});

describe('JSON as Python reads it', () => {
  it.each([
    ['[1, 1.0, -0.0, 1e3]', '[1, 1.0, -0.0, 1000.0]'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['[NaN, Infinity, -Infinity]', '[nan, inf, -inf]'],
    ['{"a": {"b": [null, true, false]}, "": []}', "{'a': {'b': [None, True, False]}, '': []}"],
    ['"a\\u00e9\\n\\"\\ud83d\\ude00"', `'aé\\n"😀'`],
    [' [ ] ', '[]'],
  ])('%s', (json, python) => {
    expect(render(parsePythonJson(json))).toBe(python);
  });

  it.each(['[1,]', '{"a" 1}', '[1', '01', '"a', '1 2', '', '{1: 2}', '"\\x"'])(
    'refuses %s, naming the place',
    (json) => {
      expect(() => parsePythonJson(json)).toThrow(/^at character \d+ .* was expected$/);
    },
  );

  it('takes a text of a million characters and as many digits apart', () => {
    const text = 'x'.repeat(1_000_000);
    expect(parsePythonJson(`["${text}", 1]`)).toMatchObject({
      items: [{ value: text }, { value: 1n }],
    });
  });
});
