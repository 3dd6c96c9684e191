import type { Hostile } from './hostile.ts';

const EQUAL = `
class Any:
    def __eq__(s, o): return True
    def __ne__(s, o): return False
    def __hash__(s): return 0
    def __getattr__(s, n): return Any()
    def __call__(s, *a, **k): return Any()
    def __iter__(s): return iter([Any()])
    def __len__(s): return 1
    def __contains__(s, o): return True
    def __bool__(s): return True
    def __sub__(s, o): return 0
    __rsub__ = __add__ = __radd__ = __mul__ = __abs__ = lambda s, *a: 0
    def __lt__(s, o): return True
    __le__ = __gt__ = __ge__ = __lt__
`;

const PROGRAMS: readonly Hostile[] = [
  {
    name: 'an object equal to everything, kept in a variable and asked twice',
    solution: `${EQUAL}def f(x): return Any()`,
    asserts: ['r = f(3)\nassert r == 48611\nassert r == 71993'],
    expect: ['fail'],
  },
  {
    name: 'an object equal to everything under every wrapper',
    solution: `${EQUAL}def f(x): return Any()`,
    asserts: [
      'assert abs(f(3) - 48611) < 1e-6',
      'assert set(f(3)) == {48611}',
      'assert sorted(f(3)) == [48611]',
      'assert len(f(3)) == 48611',
      'assert f(3)[0] == 48611',
      'assert 48611 in f(3)',
      'assert 48610 < f(3) < 48612',
      'assert math.isclose(f(3), 48611)',
      'assert all(x == 48611 for x in f(3))',
      'assert f(3).upper() == "K48611"',
      'assert next(f(3)) == 48611',
      'assert f(3).x == 48611',
    ],
    expect: ['fail', 'error'],
  },
  {
    name: 'text whose str() is equal to everything',
    solution:
      'class S(str):\n    def __eq__(s, o): return True\n    __hash__ = str.__hash__\n' +
      'class T:\n    def __str__(s): return S("x")\n    __repr__ = __str__\ndef f(x): return T()',
    asserts: [
      'assert str(f(3)) == "k48611"',
      'assert repr(f(3)) == "k48611"',
      'assert f"{f(3)}" == "k48611"',
    ],
    expect: ['fail', 'error'],
  },
  {
    name: 'a generator of objects equal to everything',
    solution: `${EQUAL}def f(x):\n    while True: yield Any()`,
    asserts: ['g = f(3)\nassert next(g) == 48611\nassert next(g) == 71993'],
    expect: ['fail'],
  },
  {
    name: 'an argument that is swapped for one equal to everything',
    solution: `${EQUAL}def f(xs):\n    xs[:] = [Any()]\n    return 48611`,
    asserts: ['xs = [3]\nassert f(xs) == 48611\nassert xs == [71993]'],
    expect: ['fail'],
  },
  {
    name: 'a deque, a Counter and an OrderedDict of its own making',
    solution: `${EQUAL}
import collections
class deque(collections.deque):
    def __eq__(s, o): return True
    __hash__ = None
class Counter(collections.Counter):
    def __eq__(s, o): return True
collections.deque, collections.Counter = deque, Counter
def f(x): return deque([1]) if x == 3 else Counter("a")`,
    asserts: [
      'from collections import deque\nassert f(3) == deque([48611])',
      'from collections import Counter\nassert f(4) == Counter({"k": 48611})',
    ],
    expect: ['fail'],
  },
  {
    name: 'a dataclass whose generated equality was replaced, and one of another name',
    solution: `
from dataclasses import dataclass
@dataclass
class P:
    x: int
P.__eq__ = lambda s, o: True
@dataclass
class Q:
    x: int
Q.__name__ = "P"
def f(x): return Q(1)`,
    asserts: ['assert f(3).x == 48611', 'assert [f(3).x] == [48611]'],
    expect: ['fail'],
  },
  {
    name: 'builtins taken by the program under the names that a test uses',
    solution: `
import builtins
def sorted(*a): return ANY
def len(*a): return ANY
set = list = abs = sum = min = max = next = all = any = isinstance = lambda *a: ANY
for n in ("sorted", "len", "set", "list", "abs", "isinstance"): setattr(builtins, n, globals()[n])
class Any:
    __eq__ = lambda s, o: True
    __lt__ = lambda s, o: True
    __hash__ = lambda s: 0
ANY = Any()
def f(x): return (y for y in (1,))`,
    asserts: [
      'assert sorted(f(3)) == [48611]',
      'assert len(list(f(3))) == 48611',
      'assert set(f(3)) == {48611}',
      'assert sum(f(3)) == 48611',
      'assert next(f(3)) == 48611',
    ],
    expect: ['fail', 'error'],
  },
  {
    name: 'names of the test’s namespace set through its frame',
    solution: `${EQUAL}
import sys
def f(x):
    g = sys._getframe(1).f_globals
    for n in ("_v1", "_v2", "_h", "_made", "_solution", "list", "len", "sorted", "next"):
        g[n] = Any()
    return [1]`,
    asserts: [
      'xs = [3]\nr = f(xs)\nassert r == [48611]\nassert len(r) == 48611',
      'assert sorted(f(3)) == [48611]',
    ],
    expect: ['fail', 'error'],
  },
  {
    name: 'what the test holds, read through its frame',
    solution: `
import sys, gc
def f(x):
    g = sys._getframe(1).f_globals
    seen = str([v for k, v in g.items() if not callable(v)]) + str(gc.get_objects()[-500:])
    secret = "".join(reversed("11684"))
    return int(secret) if secret in seen else 1`,
    asserts: [
      'want = 48611\nfor x, y in [(3, want), (4, 48611)]:\n    r = f(x)\n    assert r == y',
    ],
    expect: ['fail'],
  },
  {
    name: 'a list that changes while it is read',
    solution: `
import sys
L = [1]
def spy(frame, event, arg):
    if frame.f_code.co_name in ("walk", "many", "encode"): L.append(len(L))
    return spy
def f(x):
    sys.settrace(spy)
    return L`,
    asserts: ['r = f(3)\nassert r == [48611]\nassert len(r) == 48611'],
    expect: ['fail', 'error'],
  },
  {
    name: 'the type of a result that says it is another',
    solution: `
class M(type):
    def __eq__(s, o): return True
    def __instancecheck__(s, o): return True
    def __subclasscheck__(s, o): return True
    __hash__ = type.__hash__
class K(metaclass=M):
    __class__ = property(lambda s: int)
def f(x): return K()`,
    asserts: [
      'assert type(f(3)) == int',
      'assert isinstance(f(3), int)',
      'assert type(f(3)) is int',
    ],
    expect: ['fail', 'error'],
  },
];

/** Programs that would pass with any of their asserts: one assert each. */
const APART = new Set([
  'an object equal to everything under every wrapper',
  'builtins taken by the program under the names that a test uses',
  'text whose str() is equal to everything',
  'the type of a result that says it is another',
]);

/**
 * Programs against tests that run with their own objects beside the program: results that are used
 * more than once, identity, iterators, wrapped results, names that the program takes.
 */
export const OBJECTS: readonly Hostile[] = PROGRAMS.flatMap((program) =>
  APART.has(program.name)
    ? (program.asserts ?? []).map((assert) => ({
        ...program,
        name: `${program.name}: ${assert}`,
        asserts: [assert],
      }))
    : [program],
);
