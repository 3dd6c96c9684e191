import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guestBooter } from './booter.ts';
import { pythonEquals } from './compare.ts';
import { SPLITTER } from './guest-python.ts';
import { nodeHost } from './node/node-sandbox.ts';
import { render } from './render.ts';
import { TrustedPython, type PlannedAssert } from './trusted.ts';
import { parseValue, type WireValue } from './value.ts';

let python: TrustedPython;
beforeAll(async () => {
  const boot = guestBooter(nodeHost(true));
  python = new TrustedPython(() => boot(SPLITTER));
  await python.ready();
}, 120_000);
afterAll(() => python.close());

const unroll = async (source: string, setup = '', helpers = '') =>
  (await python.plan(setup, [source], helpers))[0] as readonly PlannedAssert[];
const plan = async (source: string, setup = ''): Promise<PlannedAssert> => {
  const plans = await unroll(source, setup);
  expect(plans).toHaveLength(1);
  return plans[0] as PlannedAssert;
};

describe('splitting asserts', () => {
  it.each([
    ['assert f(1, [2]) == {"a": (3,)}', 'f(1, [2])', '==', "{'a': (3,)}"],
    ['assert 3 == f(2)', 'f(2)', '==', '3'],
    ['assert f(2) != None, "message"', 'f(2)', '!=', 'None'],
    ['assert f(1) is True', 'f(1)', 'is', 'True'],
    ['assert f(1) is not None', 'f(1)', 'is not', 'None'],
    ['assert f(1) == 2**100 + len("ab")', 'f(1)', '==', String(2n ** 100n + 2n)],
    ['assert f(1) == set((4, 4))', 'f(1)', '==', '{4}'],
    ['assert (f(root)) == 3', 'f(root)', '==', '3'],
    [
      'assert Solution().f([Pair(5, 24)], int) == -1.5',
      'Solution().f([Pair(5, 24)], int)',
      '==',
      '-1.5',
    ],
    ['assert sum(10, 15) == 6', "_solution['sum'](10, 15)", '==', '6'],
    ['assert f((1, 2)) == sys.getsizeof((1, 2))', 'f((1, 2))', '==', null],
    ['assert f(float("nan")) == float("inf")', "f(float('nan'))", '==', 'inf'],
  ])(
    '%s: the call goes in, the expected value stays out',
    async (source, call, operator, expected) => {
      const made = await plan(source);
      expect(made).toMatchObject({ kind: 'compare', call, operator });
      if (made.kind === 'compare' && expected !== null)
        expect(render(made.expected)).toBe(expected);
    },
  );

  it.each([
    ['assert f(1)', 'f(1)', false],
    ['assert not f([2])', 'f([2])', true],
  ])('%s asks for the truth of the call', async (source, call, negate) => {
    expect(await plan(source)).toMatchObject({ kind: 'truth', call, negate, source });
  });

  it.each([
    ['assert abs(f(1) - 3.5) < 1e-6', ['f(1)'], 'abs(… - 3.5) < 1e-06'],
    [
      'assert math.isclose(f(2), 3.14, rel_tol=0.01)',
      ['f(2)'],
      'math.isclose(…, 3.14, rel_tol=0.01)',
    ],
    ['assert set(f(1)) == set([4, 5])', ['f(1)'], 'set(…) == set([4, 5])'],
    ['assert sorted(f(1)) == [1]', ['f(1)'], 'sorted(…) == [1]'],
    ['assert round(f(1), 2) == 3.14', ['f(1)'], 'round(…, 2) == 3.14'],
    ['assert f(1) in [1, 2]', ['f(1)'], '… in [1, 2]'],
    ['assert f(g(1)) == f(2)', ['f(g(1))', 'f(2)'], '… == …'],
    ['assert 1 < f(1) < 3 and not f(2)', ['f(1)', 'f(2)'], '1 < … < 3 and (not …)'],
    ['assert all(x > 0 for x in f(1))', ['f(1)'], 'all((x > 0 for x in …))'],
    ['assert len(f("a")) == 1', ["f('a')"], 'len(…) == 1'],
  ])('%s: calls inside, the rest outside', async (source, calls, shown) => {
    const made = await plan(source);
    expect(made).toMatchObject({ kind: 'residual', shown });
    if (made.kind === 'residual') expect(made.holes.map(([call]) => call)).toEqual(calls);
  });

  it.each([
    ['assert f("a").strip() == "a"', [["f('a')", '_h.strip()']]],
    ['assert list(islice(f(), 5)) == [1]', [['f()', 'islice(_h, 5)', 'list(_h)']]],
    ['assert len(set(f(1))) == 2', [['f(1)', 'set(_h)', 'len(_h)']]],
    ['assert sum(1 for _ in f(3)) == 3', [['f(3)', '(1 for _ in _h)', 'sum(_h)']]],
    ["assert f'{f(1.5):.2f}' == '2.25'", [['f(1.5)', "f'{_h:.2f}'"]]],
    ['assert f(2).left.value == 1', [['f(2)', '_h.left', '_h.value']]],
    ['assert list(map(f, [1, 2])) == [3]', [['map(f, [1, 2])', 'list(_h)']]],
    // An expected value or a verdict is never handed in with the rest.
    ['assert abs(f(1) - 3.5) < 1', [['f(1)']]],
    ['assert math.isclose(f(2), 3.14)', [['f(2)']]],
    ['assert all(x > 0 for x in f(1))', [['f(1)']]],
    ['assert isinstance(f(1), dict)', [['f(1)']]],
  ])('%s: the expressions that the guest may have to evaluate too', async (source, holes) => {
    expect(await plan(source, 'from itertools import islice')).toMatchObject({
      kind: 'residual',
      holes,
    });
  });

  it.each([
    ['while f(1): assert f(2)', '', /control flow depends/],
    ['assert all(f(x) == x for x in f(3))', '', /variable of a comprehension/],
    ['assert f(1) is f(2)', '', /two objects are one/],
    ['assert x == 3', '', /does not call/],
    ['assert f(1) == expected', '', /variable that the program can change/],
    ['assert f(1) == 1 / 0', '', /raises ZeroDivisionError/],
    ['assert f(1 ==', '', /not Python/],
    ['print(f(1))', '', /makes no assert/],
  ])('%s cannot be split, and says why', async (source, setup, why) => {
    const made = await plan(source, setup);
    expect(made.kind).toBe('statement');
    if (made.kind === 'statement') expect(made.why).toMatch(why);
  });

  it('uses what the setup imports, and only pure modules of it', async () => {
    expect(
      await plan('assert f(1) == near(pi, 3)', 'from math import pi, isclose as near'),
    ).toMatchObject({
      kind: 'compare',
    });
    expect(await plan('assert f(1) == listdir("/")', 'from os import listdir')).toMatchObject({
      kind: 'residual',
    });
  });
});

describe('unrolling tests into asserts', () => {
  const sources = async (test: string, helpers = '') =>
    (await unroll(test, '', helpers)).map((p) => [p.kind, p.source]);

  it.each([
    [
      'a loop over cases',
      'for x, y in [(1, 2), (3, [4])]:\n  assert f(x) == y',
      ['f(1) == 2', 'f(3) == [4]'],
    ],
    [
      'all(…) over cases',
      'assert all(f(x) == x + 1 for x in range(3) if x != 1)',
      ['f(0) == 1', 'f(2) == 3'],
    ],
    [
      'loops in loops, break, continue, while and if',
      'i = 0\nwhile True:\n  i += 1\n  if i == 2: continue\n  if i > 3: break\n  for j in (i, -i):\n ' +
        '   assert f(j) == i',
      ['f(1) == 1', 'f(-1) == 1', 'f(3) == 3', 'f(-3) == 3'],
    ],
    [
      "HumanEval's check",
      "METADATA = {'author': 'x'}\ndef check(candidate):\n  assert True, 'prints'\n  for x in " +
        "range(2, 4):\n    assert candidate(x, x + 1) == str(x), 'why'\n  print\ncheck(f)",
      ["f(2, 3) == '2'", "f(3, 4) == '3'"],
    ],
    [
      'a result kept in a variable',
      'import copy\ncase = [1, 2]\nout = f(copy.deepcopy(case))\nassert out == 3',
      ['f([1, 2]) == 3'],
    ],
    [
      'a text in a loop, and infinities',
      "for x in ['a\\n', float('inf')]: assert f(x) == [x]",
      null,
    ],
  ])('%s', async (_, test, asserts) => {
    const found = await sources(test);
    expect(found.map(([kind]) => kind)).toEqual(found.map(() => 'compare'));
    if (asserts !== null)
      expect(found.map(([, source]) => source)).toEqual(asserts.map((a) => `assert ${a}`));
    else
      expect(found.map(([, s]) => s)).toEqual([
        "assert f('a\\n') == ['a\\n']",
        "assert f(float('inf')) == [float('inf')]",
      ]);
  });

  it('calls the helpers of a prompt and of the test out here, with random numbers that stay the same', async () => {
    const prompt =
      'import math\ndef poly(xs, x):\n  return sum(c * math.pow(x, i) for i, c in enumerate(xs))\n' +
      'def root(xs):\n  """Finds a root."""\n';
    const test =
      'def check(candidate):\n  import random\n  rng = random.Random(42)\n  for _ in range(3):\n   ' +
      ' xs = [rng.randint(-9, 9), 1]\n    assert abs(poly(xs, candidate(xs))) < 1e-4\ncheck(root)';
    const plans = await unroll(test, '', prompt);
    expect(plans.map((p) => p.kind)).toEqual(['residual', 'residual', 'residual']);
    expect(plans).toEqual(await unroll(`${test} `, '', prompt));
    const first = plans[0]!;
    if (first.kind !== 'residual') throw new Error('no residual');
    expect(first.holes).toEqual([['_v1'], ['root(_v1)']]);
    const constant = Number(/_v1 = \[(-?\d+), 1\]/.exec(first.before)?.[1]);
    const xs: WireValue = ['l', [constant, 1].map((x) => ['f', x.toFixed(1)])];
    const judged = (x: number) => python.residual('', first, [xs, ['f', x.toFixed(1)]]);
    expect((await judged(-constant)).ok).toBe(true);
    expect((await judged(constant + 1)).ok).toBe(false);
  });

  it("takes a function that only has a docstring and imports for the program's own", async () => {
    const plans = await unroll(
      'def check(c):\n  assert c(2) == 1\ncheck(f)',
      '',
      'def f(x):\n  import math\n  """Halves x."""\n',
    );
    expect(plans).toMatchObject([{ kind: 'compare', call: 'f(2)' }]);
  });

  it.each([
    ['a loop over what the program returns', 'for x in f(1): assert x == 1'],
    ['a test without an assert', 'f(1)'],
    ['an endless loop', 'while True: pass\nassert f(1) == 1'],
    ['a file', 'import os\nassert f(os.getcwd()) == 1\nassert f(2) == 2'],
    ['try', 'try:\n  f(1)\nexcept ValueError:\n  pass\nelse:\n  assert False'],
    ['an assert that fails by itself', 'assert f(1) == 1\nassert 1 == 2'],
  ])('leaves %s as it is, to run in-process', async (_, test) => {
    expect(await unroll(test)).toMatchObject([{ kind: 'statement', source: test }]);
  });

  it('keeps each assert apart: one that cannot be split does not taint the others', async () => {
    const plans = await unroll('x = 1\nassert f(x) == 1\nassert f(y) == g');
    expect(plans.map((p) => p.kind)).toEqual(['compare', 'statement']);
  });
});

describe("EvalPlus' sanitiser", () => {
  const kept = (text: string, entry: string | null = 'f') => python.sanitize(text, entry);

  it('keeps imports and what the entry point reaches, in that order', async () => {
    const text =
      'Sure:\nK = 2\ndef g(x):\n    return x * K\nimport math\ndef unused():\n    return 1\ndef f(x):\n' +
      '    return g(x)\n\nprint(f(1))\nThat is it.';
    expect(await kept(text)).toBe(
      'import math\nK = 2\ndef g(x):\n    return x * K\ndef f(x):\n    return g(x)',
    );
    expect(await kept(text, null)).toContain('def unused():');
  });

  it('keeps the quirks: first definition, no decorators, no function without return, no single line', async () => {
    expect(await kept('def f():\n    return 1\ndef f():\n    return 2')).toBe(
      'def f():\n    return 1',
    );
    expect(await kept('import functools\n@functools.cache\ndef f():\n    return 1')).toBe(
      'import functools',
    );
    expect(await kept('def f():\n    print(1)\nx = 1')).toBe('');
    expect(await kept('prose here\nx = 1')).toBeNull();
    expect(await kept('from __future__ import annotations\ndef f():\n    return 1')).toBe(
      'def f():\n    return 1',
    );
    expect(await kept('def f():\n    return a\nb = 1\nxs = [0]\nxs[0] = b\na = b')).toBe(
      'def f():\n    return a\nb = 1\na = b',
    );
  });

  it('takes the longest span that parses, counting lines that are not blank', async () => {
    expect(
      await kept('def f():\n    return 1\n\n\n```\ndef f():\n    x = 1\n    return 2\n```'),
    ).toBe('def f():\n    x = 1\n    return 2');
  });
});

describe('the rest of an assert', () => {
  const residual = (source: string, ...holes: (WireValue | null)[]) =>
    python.residual('', { rest: source, context: '' }, holes);

  it('is evaluated with the calls filled in', async () => {
    expect((await residual('abs(__hole(0) - 3.5) < 1e-06', ['f', '3.5000001'])).ok).toBe(true);
    expect((await residual('abs(__hole(0) - 3.5) < 1e-06', ['f', '3.51'])).ok).toBe(false);
    expect((await residual('list(__hole(0)) == [1]', ['g', [['i', '0x1']]])).ok).toBe(true);
  });

  it('forgives a call that raised where Python would not have made it', async () => {
    expect((await residual('__hole(0) == 1 or __hole(1) == 2', ['i', '0x1'], null)).ok).toBe(true);
    expect(await residual('__hole(0) == 1 or __hole(1) == 2', ['i', '0x0'], null)).toEqual({
      ok: false,
      failed: 1,
    });
  });

  it('reports an error of its own, and a value that cannot be', async () => {
    expect((await residual('abs(__hole(0)) < 1', ['s', 'a'])).error).toMatchObject({
      type: 'TypeError',
    });
    expect((await residual('len(__hole(0)) < 1', ['S', [['l', []]]])).error).toMatchObject({
      type: 'TypeError',
    });
  });
});

describe('against Python itself', () => {
  // Small pools of values that are close to each other, nested: most pairs differ, many do not.
  let state = 12345;
  const pick = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  const LEAVES: WireValue[] = [
    ['n'],
    ['b', 0],
    ['b', 1],
    ['i', '0x0'],
    ['i', '0x1'],
    ['i', '-0x2'],
    ['i', '0x20000000000001'],
    ['i', '0x20000000000000'],
    ['f', '1.0'],
    ['f', '-0.0'],
    ['f', '0.5'],
    ['f', '9007199254740992.0'],
    ['f', 'inf'],
    ['f', '1e+22'],
    ['c', '1.0', '0.0'],
    ['c', '0.0', '-1.0'],
    ['c', '-0.0', '2.5'],
    ['s', ''],
    ['s', '1'],
    ['s', `'"\n\t\\ é\u200b😀`],
    ['s', "it's"],
    ['y', '61'],
    ['Y', '61'],
    ['e'],
    ['r', '0x0', '0x3', '0x1'],
    ['r', '0x0', '0x4', '0x2'],
    ['r', '0x0', '0x3', '0x2'],
    ['r', '0x5', '0x5', '0x1'],
  ];
  const hashable = (depth: number): WireValue => {
    const kind = pick(depth > 0 ? 8 : 6);
    if (kind >= 6)
      return [kind === 6 ? 't' : 'F', Array.from({ length: pick(3) }, () => hashable(depth - 1))];
    const leaf = LEAVES[pick(LEAVES.length)] as WireValue;
    return leaf[0] === 'Y' ? ['n'] : leaf;
  };
  const any = (depth: number): WireValue => {
    const kind = pick(depth > 0 ? 10 : 5);
    if (kind < 5) return LEAVES[pick(LEAVES.length)] as WireValue;
    if (kind < 7)
      return [kind === 5 ? 'l' : 't', Array.from({ length: pick(4) }, () => any(depth - 1))];
    if (kind < 9)
      return [kind === 7 ? 'S' : 'F', Array.from({ length: pick(4) }, () => hashable(depth - 1))];
    return ['d', Array.from({ length: pick(3) }, () => [hashable(depth - 1), any(depth - 1)])];
  };

  const disguise = (value: WireValue): WireValue => {
    const [tag, body] = value as [string, WireValue[]];
    if (tag === 'b') return pick(2) ? ['i', body ? '0x1' : '0x0'] : ['f', body ? '1.0' : '0.0'];
    if (tag === 'i' && value[1] === '0x1') return ['c', '1.0', '-0.0'];
    if (tag === 'y') return value;
    if (tag === 'S' || tag === 'F') return [pick(2) ? 'S' : 'F', [...body].reverse()];
    if (tag === 'l' || tag === 't') return [pick(20) ? tag : 'l', body.map(disguise)];
    if (tag === 'd')
      return ['d', [...body].reverse().map((pair) => [pair[0], disguise(pair[1] as WireValue)])];
    return value;
  };

  it('agrees on == for 3,000 pairs and on repr for 1,000 values', async () => {
    const values = Array.from({ length: 1000 }, () => any(2));
    const pairs = Array.from({ length: 3000 }, (): [WireValue, WireValue] => {
      const a = values[pick(values.length)] as WireValue;
      // Half of them the same value in another guise, so that equal pairs are frequent.
      return [a, pick(2) === 0 ? disguise(a) : any(1)];
    });
    const flat: WireValue = ['l', pairs.map(([a, b]) => ['t', [a, b]])];
    const marks = pairs.map(([a, b]) => pythonEquals(parseValue(a), parseValue(b)));
    expect(marks.filter(Boolean).length).toBeGreaterThan(1000);
    const theirs = await python.residual(
      '',
      { rest: '[a == b for a, b in __hole(0)] == __hole(1)', context: '' },
      [flat, ['l', marks.map((m) => ['b', m ? 1 : 0])]],
    );
    const left = theirs.left === undefined ? null : parseValue(theirs.left);
    const differing = pairs.filter(
      (_, i) => left?.type === 'list' && (left.items[i] as { value: boolean }).value !== marks[i],
    );
    expect(differing).toEqual([]);
    expect(theirs.ok).toBe(true);

    // Sets are left out: their order is the interpreter's.
    const plain = values.filter((value) => !/"[SF]"/.test(JSON.stringify(value)));
    expect(plain.length).toBeGreaterThan(300);
    const texts = plain.map((value) => render(parseValue(value), 100_000));
    const reprs = await python.residual(
      '',
      { rest: '[repr(x) for x in __hole(0)] == __hole(1)', context: '' },
      [
        ['l', plain],
        ['l', texts.map((t) => ['s', t])],
      ],
    );
    const theirTexts = reprs.left === undefined ? null : parseValue(reprs.left);
    if (theirTexts?.type !== 'list') throw new Error('no list of texts');
    // A dict with equal keys is one entry shorter over there.
    const same = texts.filter(
      (text, i) => (theirTexts.items[i] as { value: string }).value === text,
    ).length;
    expect(same / texts.length).toBeGreaterThan(0.97);
  });
});

describe('finding code', () => {
  it('takes the longest span that parses, and prefers one with definitions', async () => {
    const text =
      'Sure, here is it:\nimport math\n\ndef f(x):\n    return math.sqrt(x)\n\nThis returns the root.\nyes';
    expect(await python.longestParsable(text)).toBe(
      'import math\n\ndef f(x):\n    return math.sqrt(x)',
    );
    expect(await python.longestParsable('x = 1\nWhat is this?')).toBe('x = 1');
    expect(await python.longestParsable('I do not know how.')).toBeNull();
    expect(await python.longestParsable('')).toBeNull();
  });
});
