import { describe, expect, it } from 'vitest';
import { pythonEquals, pythonIs } from './compare.ts';
import { render } from './render.ts';
import { parseValue, truth, type Value } from './value.ts';

const int = (n: number | bigint): Value => ({ type: 'int', value: BigInt(n) });
const float = (value: number): Value => ({ type: 'float', value });
const bool = (value: boolean): Value => ({ type: 'bool', value });
const str = (value: string): Value => ({ type: 'str', value });
const none: Value = { type: 'none' };
const many = (type: 'list' | 'tuple' | 'set' | 'frozenset', ...items: Value[]): Value => ({
  type,
  items,
});
const dict = (...entries: [Value, Value][]): Value => ({ type: 'dict', entries });
const complex = (real: number, imag: number): Value => ({ type: 'complex', real, imag });
const range = (start: number, stop: number, step = 1): Value => ({
  type: 'range',
  start: BigInt(start),
  stop: BigInt(stop),
  step: BigInt(step),
});

describe('comparison', () => {
  const equal: [string, Value, Value][] = [
    ['1 == 1.0', int(1), float(1)],
    ['1 == True', int(1), bool(true)],
    ['0.0 == False', float(0), bool(false)],
    ['0.0 == -0.0', float(0), float(-0)],
    ['2 == 2+0j', int(2), complex(2, 0)],
    ['2 == 2-0j', int(2), complex(2, -0)],
    ['2**80 as int and float', int(2n ** 80n), float(2 ** 80)],
    ['inf == inf', float(Infinity), float(Infinity)],
    [
      '(1, [2]) == (1.0, [True + 1])',
      many('tuple', int(1), many('list', int(2))),
      many('tuple', float(1), many('list', float(2))),
    ],
    ['{1, 2} == {2.0, True}', many('set', int(1), int(2)), many('set', float(2), bool(true))],
    ['{1} == frozenset({1})', many('set', int(1)), many('frozenset', int(1))],
    [
      'sets of tuples',
      many('set', many('tuple', int(1), str('a'))),
      many('set', many('tuple', float(1), str('a'))),
    ],
    [
      'sets of frozensets',
      many('set', many('frozenset', int(1), int(2))),
      many('set', many('frozenset', int(2), int(1))),
    ],
    [
      '{1: "a", 2: "b"} in another order',
      dict([int(1), str('a')], [int(2), str('b')]),
      dict([float(2), str('b')], [bool(true), str('a')]),
    ],
    ['b"a" == bytearray(b"a")', { type: 'bytes', hex: '61' }, { type: 'bytearray', hex: '61' }],
    ['range(0) == range(5, 5)', range(0, 0), range(5, 5)],
    ['range(0, 3, 2) == range(0, 4, 2)', range(0, 3, 2), range(0, 4, 2)],
    ['range(4, 5) == range(4, 9, 7)', range(4, 5), range(4, 9, 7)],
  ];
  it.each(equal)('finds %s equal, both ways', (_name, a, b) => {
    expect(pythonEquals(a, b)).toBe(true);
    expect(pythonEquals(b, a)).toBe(true);
  });

  const unequal: [string, Value, Value][] = [
    ['(1,) and [1]', many('tuple', int(1)), many('list', int(1))],
    ['nan and nan', float(NaN), float(NaN)],
    ['{nan} and {nan}', many('set', float(NaN)), many('set', float(NaN))],
    ['1 and "1"', int(1), str('1')],
    ['None and False', none, bool(false)],
    ['"" and None', str(''), none],
    ['[1] and [1, 1]', many('list', int(1)), many('list', int(1), int(1))],
    ['{1} and {1, 2}', many('set', int(1)), many('set', int(1), int(2))],
    ['{1: 2} and {1: 3}', dict([int(1), int(2)]), dict([int(1), int(3)])],
    ['{1: None} and {2: None}', dict([int(1), none]), dict([int(2), none])],
    ['2**53 + 1 and its float', int(2n ** 53n + 1n), float(2 ** 53)],
    ['0.1 + 0.2 and 0.3', float(0.1 + 0.2), float(0.3)],
    ['1j and 1', complex(0, 1), int(1)],
    ['[1] and {1}', many('list', int(1)), many('set', int(1))],
    ['range(3) and [0, 1, 2]', range(0, 3), many('list', int(0), int(1), int(2))],
    ['"a" and b"a"', str('a'), { type: 'bytes', hex: '61' }],
    ['an iterator and its list', { type: 'iterator', items: [int(1)] }, many('list', int(1))],
    [
      'tuples with commas in their texts',
      many('set', many('tuple', str('a,s1:b'))),
      many('set', many('tuple', str('a'), str('b'))),
    ],
    [
      'unsupported with itself',
      { type: 'unsupported', name: 'X', why: '' },
      { type: 'unsupported', name: 'X', why: '' },
    ],
  ];
  it.each(unequal)('finds %s different, both ways', (_name, a, b) => {
    expect(pythonEquals(a, b)).toBe(false);
    expect(pythonEquals(b, a)).toBe(false);
  });

  it('tells True from 1 under `is`', () => {
    expect(pythonIs(bool(true), bool(true))).toBe(true);
    expect(pythonIs(int(1), bool(true))).toBe(false);
    expect(pythonIs(none, none)).toBe(true);
    expect(pythonIs(bool(false), none)).toBe(false);
  });

  it('knows what Python calls true', () => {
    const truths = [
      int(2),
      float(NaN),
      str('0'),
      many('list', none),
      dict([none, none]),
      range(0, 1),
      complex(0, 1),
      bool(true),
    ];
    const falsehoods = [
      int(0),
      float(-0),
      str(''),
      many('set'),
      dict(),
      range(3, 3),
      range(0, 3, -1),
      none,
      complex(0, 0),
    ];
    expect(truths.map(truth)).toEqual(truths.map(() => true));
    expect(falsehoods.map(truth)).toEqual(falsehoods.map(() => false));
  });
});

describe('wire form', () => {
  it.each([
    ['an unknown tag', ['q']],
    ['no array', 5],
    ['a float that is code', ['f', '1;2']],
    ['an integer without digits', ['i', '0x']],
    ['odd hex', ['y', '123']],
    ['a range with step 0', ['r', '0x0', '0x1', '0x0']],
    ['a dict entry without value', ['d', [[['n']]]]],
    ['a list that is a text', ['l', 'abc']],
  ])('refuses %s', (_name, wire) => {
    expect(() => parseValue(wire)).toThrow(/not in its own encoding/);
  });

  it('refuses a tree deeper than the harness sends', () => {
    let wire: unknown = ['n'];
    for (let i = 0; i < 100_000; i++) wire = ['l', [wire]];
    expect(() => parseValue(wire)).toThrow(/encoding/);
  });
});

describe('rendering', () => {
  it.each<[Value, string]>([
    [float(1), '1.0'],
    [float(-0), '-0.0'],
    [float(1e16), '1e+16'],
    [float(123456789012345680), '1.2345678901234568e+17'],
    [float(1e15), '1000000000000000.0'],
    [float(0.0001), '0.0001'],
    [float(0.00001234), '1.234e-05'],
    [float(5e-324), '5e-324'],
    [complex(1, -2), '(1-2j)'],
    [complex(0, 1), '1j'],
    [complex(-0, 1), '(-0+1j)'],
    [str("it's"), `"it's"`],
    [str(`'"`), `'\\'"'`],
    [str('a\n\u0007é\u200b\ud800😀'), `'a\\n\\x07é\\u200b\\ud800😀'`],
    [{ type: 'bytes', hex: '6100ff27' }, `b"a\\x00\\xff'"`],
    [many('tuple', int(1)), '(1,)'],
    [many('tuple'), '()'],
    [many('set'), 'set()'],
    [many('frozenset', int(1)), 'frozenset({1})'],
    [dict([str('a'), many('list', none, bool(true))]), "{'a': [None, True]}"],
    [range(0, 3), 'range(0, 3)'],
    [range(0, 9, 2), 'range(0, 9, 2)'],
    [int(2n ** 70n), '1180591620717411303424'],
  ])('writes %o as Python does: %s', (value, text) => {
    expect(render(value)).toBe(text);
  });

  it('clips long values at 240 characters and does not linger over huge ones', () => {
    const long = render(many('list', ...Array.from({ length: 20_000 }, (_, i) => int(i))));
    expect(long).toHaveLength(240);
    expect(long.endsWith('…')).toBe(true);
    expect(render(str('x'.repeat(100_000)))).toHaveLength(240);
    expect(render(int(1n << 400_000n))).toMatch(/^<int of 40\d+ bits>$/);
    expect(render(str('😀'.repeat(500)))).not.toMatch(/[\ud800-\udbff]…/);
  });
});
