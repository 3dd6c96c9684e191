import type { Hostile } from './hostile.ts';

/** Attempts at the verdict from within Python, and wrong things that look right. */
export const TRICKS: readonly Hostile[] = [
  {
    name: 'hard-coding of the visible assert, which is all it can do',
    solution: 'def f(x): return {3: 48611}[x]',
    expect: ['pass'],
  },
  { name: 'KeyboardInterrupt at import', solution: 'raise KeyboardInterrupt', expect: ['error'] },
  { name: 'quit()', solution: 'def f(x): quit()', expect: ['error'] },
  {
    name: 'a signal to itself',
    solution:
      'import os, signal\ndef f(x):\n    os.kill(os.getpid(), signal.SIGKILL)\n    return 1',
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'a fatal error of the interpreter',
    solution: 'import ctypes\ndef f(x):\n    ctypes.pythonapi.Py_FatalError(b"done")\n    return 1',
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'a text and a float that equal everything',
    solution: `
class S(str):
    def __eq__(self, o): return True
    __hash__ = str.__hash__
class F(float):
    def __eq__(self, o): return True
    __hash__ = float.__hash__
def f(x): return [S("48611"), F(48611)][x % 2]`,
    expect: ['fail'],
  },
  {
    name: 'a dict and a tuple that equal everything',
    solution: `
from collections import namedtuple
class D(dict):
    def __eq__(self, o): return True
class T(namedtuple("T", "a")):
    def __eq__(self, o): return True
    def __iter__(self): return iter([48611])
def f(x): return T(D())`,
    asserts: ['assert f(3) == (48611,)'],
    expect: ['fail'],
  },
  {
    name: 'a class of its own under the name of a number that Python finds equal',
    solution:
      'import decimal, fractions, sys\nclass Decimal(int):\n    def __eq__(s, o): return True\n' +
      '    def __str__(s): return "48610"\nDecimal.__module__ = "decimal"\ndecimal.Decimal = Decimal\n' +
      'def f(x): return Decimal(1)',
    expect: ['fail'],
  },
  {
    name: 'the right value in a list, a set and bytes',
    solution: 'def f(x): return [48611] if x else {48611}',
    expect: ['fail'],
  },
  {
    name: 'a patched __eq__ of int through the collector',
    solution: `
import gc
d = next(o for o in gc.get_referents(int.__dict__) if type(o) is dict)
d["__eq__"] = lambda a, b: True
d["__hash__"] = lambda a: 0
def f(x): return 1`,
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'a patched encoder of the standard library',
    solution: `
import json.encoder, io, codecs
json.encoder.encode_basestring_ascii = lambda s: '"48611"'
io.TextIOWrapper = None
codecs.lookup = lambda *a: None
def f(x): return "1"`,
    asserts: ['assert f(3) == "48611"'],
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'all modules thrown away',
    solution:
      'import sys\nsys.modules.clear()\nglobals().pop("__builtins__", None)\ndef f(x): return 1',
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'the namespace replaced by one that has every name',
    solution: `
import sys, types
class Every(types.ModuleType):
    def __getattr__(self, n): return lambda *a: 48610
sys.modules["solution"].__class__ = Every
globals()["f"] = lambda x: 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'sys.setprofile and sys.monitoring',
    solution: `
import sys
seen = []
note = lambda v: seen.append(v) if type(v) is int and len(seen) < 10**4 else None
sys.setprofile(lambda frame, event, arg: note(arg) if event == "return" else None)
tool = sys.monitoring
tool.use_tool_id(2, "spy")
tool.register_callback(2, tool.events.CALL, lambda *a: note(a[-1]))
tool.set_events(2, tool.events.CALL)
def f(x):
    return next((s for s in seen if s == int("11684"[::-1])), 1)`,
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'the expected value sought in all memory',
    solution: `
import ctypes, re
def f(x):
    # A pattern that does not hold what it looks for.
    want = re.compile(b"4[8]6[1]1")
    for at in range(4096, 31 << 20, 1 << 20):
        found = want.search(ctypes.string_at(at, min((1 << 20) + 8, (31 << 20) - at)))
        if found: return int(found.group())
    return -1`,
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'the expected value sought in modules, arguments and the environment',
    solution: `
import os, sys, inspect, __main__
def f(x):
    want = "11684"[::-1]
    places = [sys.argv, dict(os.environ), vars(__main__), sys.orig_argv, sys._xoptions]
    places += [vars(m) for m in list(sys.modules.values()) if m]
    places += [s.frame.f_locals for s in inspect.stack()]
    return int(want) if any(want in ascii(v) for p in places for v in (p.values() if isinstance(p, dict) else p) if type(v) in (int, str, dict, list)) else 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'a call of the harness from within',
    solution: `
import sys, gc
def f(x):
    fr = sys._getframe()
    while fr:
        for v in list(fr.f_locals.values()):
            if getattr(v, "__name__", "") in ("step", "load", "call", "encode", "statement"):
                try: v('{"type":"load","setup":"","solution":"def f(x): return 48610","setupAfterSolution":false}')
                except BaseException: pass
        fr = fr.f_back
    return 1`,
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'a sentinel forged where an assert runs inside',
    solution: `
import sys
fr = sys._getframe()
def f(x):
    fr = sys._getframe()
    while fr:
        if "request" in fr.f_locals and isinstance(fr.f_locals["request"], dict) and "sentinel" in fr.f_locals["request"]:
            fr.f_locals["request"]["source"] = "pass"
        fr = fr.f_back
    raise SystemExit`,
    asserts: ['for i in range(2): assert f(i) == 48611'],
    expect: ['error', 'fail'],
  },
  {
    name: 'the frozen interpreter changed: setattr on types, the collector off, limits moved',
    solution: `
import gc, sys, warnings, decimal, locale, threading
gc.disable(); gc.set_threshold(1)
sys.set_int_max_str_digits(0); sys.setrecursionlimit(10**6); sys.setswitchinterval(100)
warnings.simplefilter("error"); decimal.getcontext().prec = 2; threading.setprofile(print)
sys.path[:] = ["/dev"]; sys.meta_path.clear(); sys.path_hooks.clear()
def f(x): return 1`,
    expect: ['fail'],
  },
  {
    name: 'classes of the library patched for the next program',
    solution: `
import collections, random, datetime, string, re
collections.Counter.most_common = lambda *a: []
random.Random.random = lambda s: 7
string.ascii_lowercase = "zyx"
re._cache.clear(); re.compile = None
collections.memo = 48611
def f(x): return 1`,
    expect: ['fail'],
  },
  {
    name: 'null bytes in the program',
    solution: 'def f(x):\n    return 48611\0',
    expect: ['error'],
  },
  {
    name: 'half a surrogate pair in the program',
    solution: 'x = "\ud800"\ndef f(x): return 1',
    expect: ['fail', 'error'],
  },
  { name: 'return outside a function', solution: 'return 48611', expect: ['error'] },
  { name: 'an empty program', solution: '', expect: ['error'] },
  {
    name: 'a function that is a class, a module or None',
    solution: 'import math as f',
    expect: ['error'],
  },
  {
    name: 'half surrogates that join into the expected character',
    solution: 'def f(x): return "\\ud83d\\ude00"',
    asserts: ['assert f(3) == "\u{1f600}"', 'assert f(3) != "a" and len(f(3)) == 1'],
    expect: ['fail'],
  },
];
