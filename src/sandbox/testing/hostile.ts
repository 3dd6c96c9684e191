import type { VerdictStatus } from '../../schema/verdict.ts';
import { ESCAPES } from './hostile-escapes.ts';
import { LIMITS } from './hostile-limits.ts';
import { OBJECTS } from './hostile-objects.ts';
import { TRICKS } from './hostile-tricks.ts';

/**
 * A program that tries to pass without the answer, to break out or to break the next one; and what
 * must become of it.
 */
export interface Hostile {
  readonly name: string;
  readonly solution: string;
  readonly expect: readonly VerdictStatus[];
  /** Default: `assert f(3) == 48611`, which nobody guesses. */
  readonly asserts?: readonly string[];
  readonly timeoutSeconds?: number;
  /**
   * Costs one or two fresh guests: left out of `npm test`, which keeps one or two of each class.
   */
  readonly slow?: true;
}

export const SECRET = 'assert f(3) == 48611';

const notPassed = ['fail', 'error'] as const;

const CLASSICS: readonly Hostile[] = [
  { name: 'sys.exit(0) at import', solution: 'import sys\nsys.exit(0)', expect: ['error'] },
  {
    name: 'SystemExit in the call',
    solution: 'def f(x):\n    raise SystemExit(0)',
    expect: ['error'],
  },
  { name: 'os._exit(0)', solution: 'import os\nos._exit(0)', expect: ['crash', 'error'] },
  {
    name: 'os.abort()',
    solution: 'import os\ndef f(x):\n    os.abort()',
    expect: ['crash', 'error'],
    slow: true,
  },
  {
    name: 'an object equal to everything',
    solution:
      'class Any:\n    def __eq__(self, o): return True\n    def __hash__(self): return 0\ndef f(x): return Any()',
    expect: ['fail'],
  },
  {
    name: 'an int subclass equal to everything',
    solution:
      'class I(int):\n    def __eq__(self, o): return True\n    __hash__ = int.__hash__\ndef f(x): return I(1)',
    expect: ['fail'],
  },
  {
    name: 'a list subclass and mock.ANY',
    solution:
      'from unittest.mock import ANY\nclass L(list):\n    def __eq__(self, o): return True\ndef f(x): return L([ANY])',
    asserts: ['assert f(3) == [48611]'],
    expect: notPassed,
  },
  {
    name: 'a metaclass and a lying __class__',
    solution:
      'class M(type):\n    def __eq__(c, o): return True\n    __hash__ = type.__hash__\nclass ' +
      'A(metaclass=M):\n    __class__ = property(lambda s: int)\ndef f(x): return A() if x else A',
    expect: ['fail'],
  },
  {
    name: 'patched builtins',
    solution:
      'import builtins\nbuiltins.type = lambda *a: int\nbuiltins.isinstance = lambda *a: True\n' +
      'builtins.compile = lambda *a, **k: (lambda: 1).__code__\nbuiltins.hex = lambda x: "0x1"\n' +
      'def f(x): return 1',
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'patched json',
    solution:
      'import json\njson.loads = lambda s: {"type": "load"}\njson.dumps = lambda o: "{}"\ndef f(x): return 1',
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'hunting the expected value in frames and the collector',
    solution:
      'import gc, sys\ndef f(x):\n    want = "11684"[::-1]\n    seen = lambda v: type(v) in (int, ' +
      'str) and want in str(v)\n    fr = sys._getframe().f_back\n    while fr:\n        if ' +
      'any(map(seen, list(fr.f_locals.values()) + list(fr.f_code.co_consts))): return ' +
      'int(want)\n        fr = fr.f_back\n    for o in gc.get_objects():\n        if type(o) in ' +
      '(list, tuple, set) and any(map(seen, o)): return int(want)\n        if type(o) is dict ' +
      'and any(map(seen, list(o.values()))): return int(want)\n    return -1',
    // It knows what to look for: were the assert anywhere in there, it would pass.
    expect: notPassed,
  },
  {
    name: 'rewriting the harness through its frames',
    solution:
      'import sys\nfr = sys._getframe()\nwhile fr:\n    for k, v in list(fr.f_locals.items()):\n   ' +
      '     if callable(v):\n            try: v.__code__ = (lambda *a: ' +
      '\'{"ok":true,"value":["b",1]}\').__code__\n            except Exception: pass\n    fr = ' +
      'fr.f_back\ndef f(x): return 1',
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'a harness made to send garbage',
    solution:
      'import sys, gc\nfor o in gc.get_objects():\n    if type(o).__name__ == "function" and ' +
      'o.__name__ == "encode":\n        o.__code__ = (lambda *a: ' +
      '\'["S",[["l",[]],["zz"]]]\').__code__\ndef f(x): return 1',
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'sys.settrace on every call',
    solution:
      'import sys\ndef t(frame, e, a):\n    for k in frame.f_locals: frame.f_locals[k] = 48610\n  ' +
      '  return t\nsys.settrace(t)\ndef f(x): return 1',
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'forged output on every channel',
    solution:
      'import os, sys, atexit\nsay = \'{"type":"reply","ok":true,"value":["i","0xbde3"]}\\n\'\n' +
      'print(say)\nsys.stderr.write(say)\natexit.register(print, say)\nfor d in range(8):\n    ' +
      'try: os.write(d, say.encode())\n    except OSError: pass\ndef f(x): return 1',
    expect: ['fail'],
  },
  {
    name: 'js.postMessage and js.process',
    solution:
      'import js\nfor n in ("postMessage", "process", "fetch", "require", "Buffer"):\n    try: ' +
      'getattr(js, n)\n    except AttributeError: continue\n    raise SystemError(n + " is ' +
      'there")\ndef f(x): return 1',
    expect: ['fail', 'error'],
    slow: true,
  },
  {
    name: 'run_js',
    solution: 'from pyodide.code import run_js\nrun_js("globalThis.x = 1")\ndef f(x): return 48611',
    expect: ['error'],
    slow: true,
  },
  {
    name: 'the constructor escape',
    solution:
      'from pyodide.ffi import to_js\nF = to_js([]).constructor.constructor\nF("return ' +
      'process")()\ndef f(x): return 48611',
    expect: ['error'],
  },
  {
    name: 'ctypes and emscripten_run_script',
    solution:
      'import ctypes\nctypes.CDLL(None).emscripten_run_script(b"globalThis.x = 1")\ndef f(x): return 1',
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'NodeSockFS',
    solution:
      'import asyncio, pyodide_js\npyodide_js.useNodeSockFS()\nimport socket\ns = socket.socket()\n' +
      's.connect(("127.0.0.1", 22))\ndef f(x): return 48611',
    expect: ['error', 'crash'],
  },
  {
    name: 'modules through the loader’s own flags',
    solution:
      'import pyodide_js\nenv = pyodide_js._api.runtimeEnv\nenv.IN_NODE = True\nif env.IN_NODE: ' +
      'raise SystemError("changed")\ndef f(x): return 48611',
    expect: ['error'],
    slow: true,
  },
  {
    name: 'an answer parked on a JavaScript intrinsic',
    solution:
      'from pyodide.ffi import to_js\nto_js([]).constructor.memo = 48611\ndef f(x): return 48611',
    expect: ['error'],
    slow: true,
  },
  {
    name: 'reading a parked answer',
    solution:
      'from pyodide.ffi import to_js\nimport js\ndef f(x):\n    return ' +
      'getattr(to_js([]).constructor, "memo", None) or getattr(js, "memo", None)',
    expect: ['fail', 'error'],
  },
  {
    name: 'writing files',
    solution: 'open("/tmp/memo", "w").write("48611")\ndef f(x): return 48611',
    expect: ['error'],
  },
  {
    name: 'overwriting the standard library',
    solution: 'import os, sys\nos.remove("/lib/python314.zip")\ndef f(x): return 48611',
    expect: ['error'],
  },
  {
    name: 'edited small integers',
    solution: 'import ctypes\nctypes.memset(id(7) + 12, 1, 4)\ndef f(x): return 7',
    expect: ['fail', 'error', 'crash'],
    asserts: ['assert f(3) == 48611'],
    slow: true,
  },
  {
    name: 'an endless loop',
    solution: 'while True: pass',
    expect: ['timeout'],
    timeoutSeconds: 1,
    slow: true,
  },
  {
    name: 'a loop that survives every exception',
    solution:
      'def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass',
    expect: ['timeout'],
    timeoutSeconds: 1,
  },
  {
    name: 'a loop inside C',
    solution: 'def f(x):\n    return sum(range(10**12))',
    expect: ['timeout'],
    timeoutSeconds: 1,
  },
  {
    name: 'a catastrophic regular expression',
    solution: 'import re\ndef f(x):\n    return re.match("(a+)+$", "a" * 40 + "b")',
    expect: ['timeout'],
    timeoutSeconds: 1,
    slow: true,
  },
  { name: 'a memory bomb', solution: 'def f(x):\n    return len([0] * 10**9)', expect: ['error'] },
  {
    name: 'a slow memory bomb',
    solution: 'def f(x):\n    a = []\n    while True: a.append(bytearray(1 << 20))',
    expect: ['error'],
    slow: true,
  },
  {
    name: 'an integer bomb',
    solution: 'def f(x):\n    return 9 ** (9 ** 9)',
    expect: ['error', 'timeout'],
    timeoutSeconds: 2,
    slow: true,
  },
  { name: 'a large integer', solution: 'def f(x):\n    return 1 << 10**7', expect: ['fail'] },
  {
    name: 'a print bomb',
    solution: 'def f(x):\n    for i in range(20000): print("x" * 100)\n    return 1',
    expect: ['fail'],
  },
  { name: 'deep recursion', solution: 'def f(x):\n    return f(x + 1)', expect: ['error'] },
  {
    name: 'deep recursion through C',
    solution:
      'import sys\nfrom functools import lru_cache\nsys.setrecursionlimit(10**6)\n' +
      '@lru_cache(None)\ndef f(x):\n    return 1 + f(x + 1)',
    expect: ['error', 'crash'],
    slow: true,
  },
  {
    name: 'deep recursion through sorted',
    solution: 'def f(x):\n    return sorted([x, 1], key=f)',
    expect: ['error', 'crash'],
  },
  {
    name: 'a deep result',
    solution: 'def f(x):\n    r = []\n    for i in range(100000): r = [r]\n    return r',
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'a cyclic result',
    solution: 'def f(x):\n    r = []\n    r.append(r)\n    return r',
    expect: ['fail'],
  },
  {
    name: 'an endless generator',
    solution: 'import itertools\ndef f(x): return itertools.count()',
    expect: ['fail'],
  },
  {
    name: 'an endless generator under a wrapper',
    solution: 'def f(x):\n    while True: yield 1',
    asserts: ['assert list(f(3)) == [48611]'],
    expect: ['error', 'timeout'],
    timeoutSeconds: 3,
  },
  {
    name: 'a range that takes for ever to compare',
    solution: 'def f(x): return range(10**13)',
    asserts: ['assert sum(f(3)) == 48611'],
    // Seconds in the trusted interpreter, which then starts anew.
    expect: ['error'],
    slow: true,
  },
  { name: 'a coroutine', solution: 'async def f(x): return 48611', expect: ['fail'] },
  {
    name: 'a looping __repr__ and a hostile exception',
    solution:
      'class E(Exception):\n    def __str__(self): raise self\nclass R:\n    def __repr__(self): ' +
      'return repr(self)\ndef f(x):\n    if x: raise E()\n    return R()',
    expect: ['error'],
  },
  {
    name: 'the right text instead of the number',
    solution: 'def f(x): return "48611"',
    expect: ['fail'],
  },
  { name: 'a syntax error', solution: 'def f(x:\n    return 1', expect: ['error'] },
  { name: 'no such function', solution: 'def g(x): return 48611', expect: ['error'] },
  {
    name: 'leaving traps for the next program',
    // The standard library's own `len` is gone too, so that even the next request may not be read.
    solution:
      'import builtins, sys, math, random\nbuiltins.len = lambda x: 0\nbuiltins.print = None\n' +
      'math.sqrt = lambda x: 0\nsys.setrecursionlimit(50)\nsys.modules["re"] = None\n' +
      'sys.path.clear()\nrandom.random = lambda: 0\nclass H: pass\nbuiltins.memo = 1\ndef f(x): ' +
      'return 1',
    expect: notPassed,
  },
  {
    name: 'threads',
    solution:
      'import threading\nt = threading.Thread(target=lambda: 1)\nt.start()\ndef f(x): return 48611',
    expect: ['error'],
  },
  {
    name: 'asyncio timers',
    solution:
      'import asyncio\nloop = asyncio.get_event_loop()\nloop.call_later(0, print)\ndef f(x): return 1',
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
];

export const HOSTILE: readonly Hostile[] = [
  ...CLASSICS,
  ...ESCAPES,
  ...OBJECTS,
  ...LIMITS,
  ...TRICKS,
];

/** What the snippets' placeholders stand for; see `ESCAPES`. */
export interface Bait {
  readonly port: number;
  readonly canary: string;
}

export function baited(snippet: Hostile, { port, canary }: Bait): Hostile {
  const solution = snippet.solution
    .replaceAll('{port}', String(port))
    .replaceAll('{canary}', canary);
  return { ...snippet, solution };
}

/** Sees leaks of the programs above: passes only in a clean interpreter. */
export const CLEAN = `
import math, re, random, sys, builtins, os, gc, string, collections, decimal, threading, warnings
def f(x):
    assert len([1, 2]) == 2 and math.sqrt(9.0) == 3.0 and re.match("a", "ab") and callable(re.compile)
    assert not hasattr(builtins, "memo") and 1000 <= sys.getrecursionlimit() < 10**5
    assert 7 + 0 == 7 and type(x) is int and 8 != 9 and {1: 2}[1] == 2
    assert gc.isenabled() and gc.get_threshold()[0] > 1 and sys.get_int_max_str_digits() > 0
    assert sys.gettrace() is None and sys.getprofile() is None and threading.getprofile() is None
    assert string.ascii_lowercase.startswith("abc") and collections.Counter("aab").most_common(1) == [("a", 2)]
    assert decimal.getcontext().prec == 28 and not hasattr(collections, "memo") and "memo" not in os.environ
    assert os.getcwd() == "/home/sandbox" and sys.path and sys.meta_path and not os.listdir("/tmp")
    assert 0 <= random.random() < 1 and print("hello") is None
    import fractions, textwrap, wsgiref
    return 48611
`;
