import type { Hostile } from './hostile.ts';

/**
 * Time, memory and stack used up in every way that was thought of; and results made to choke the
 * harness or us.
 */
export const LIMITS: readonly Hostile[] = [
  {
    name: 'a sleep',
    solution: 'import time\ndef f(x):\n    time.sleep(10**6)\n    return 48611',
    expect: ['timeout'],
    timeoutSeconds: 1,
    slow: true,
  },
  {
    name: 'the largest of all numbers',
    solution: 'import itertools\ndef f(x): return max(itertools.count())',
    expect: ['timeout'],
    timeoutSeconds: 1,
    slow: true,
  },
  {
    name: 'an endless loop at import, behind a trace function that removes interrupts',
    solution: `
import sys, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.settrace(lambda *a: None)
while True: pass`,
    expect: ['timeout'],
    timeoutSeconds: 1,
    slow: true,
  },
  {
    name: 'a lock that nobody opens',
    solution:
      'import threading\nl = threading.Lock()\nl.acquire()\ndef f(x):\n    l.acquire()\n    return 48611',
    expect: ['timeout', 'error', 'crash'],
    timeoutSeconds: 1,
    slow: true,
  },
  {
    name: 'an endless loop in a destructor',
    solution:
      'class D:\n    def __del__(self):\n        while True: pass\ndef f(x):\n    D()\n    return 48610',
    expect: ['timeout'],
    timeoutSeconds: 1,
    slow: true,
  },
  {
    name: 'an endless loop while the result is read',
    solution:
      'class L(list):\n    def __iter__(self):\n        while True: yield 1\ndef f(x): return L()',
    asserts: ['assert f(3) == [48611]'],
    expect: ['fail'],
  },
  {
    name: 'an endless loop in the truth of a result',
    solution: 'class T:\n    def __bool__(self):\n        while True: pass\ndef f(x): return T()',
    asserts: ['assert f(3)'],
    expect: ['timeout'],
    timeoutSeconds: 1,
    slow: true,
  },
  {
    name: 'reading the input',
    solution: 'def f(x): return int(input())',
    expect: ['error'],
  },
  { name: 'a text bomb', solution: 'def f(x): return "x" * 10**9', expect: ['error'] },
  { name: 'a long text', solution: 'def f(x): return "x" * 10**7', expect: ['fail'] },
  {
    name: 'the digits of a large integer',
    solution: 'def f(x): return str(1 << 10**6)',
    expect: ['error'],
  },
  {
    name: 'a tree of doubled lists',
    solution: 'def f(x):\n    r = [1]\n    for i in range(60): r = [r, r]\n    return r',
    expect: ['fail'],
  },
  {
    name: 'many parts',
    solution: 'def f(x): return [[i] for i in range(300000)]',
    expect: ['fail'],
  },
  {
    name: 'a memory bomb that catches MemoryError',
    solution: `
hoard = []
def f(x):
    size = 1 << 26
    while size > 1 << 10:
        try: hoard.append(bytearray(size))
        except MemoryError: size >>= 1
    return 1`,
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'a print bomb in one piece',
    solution:
      'import sys\nprint("x" * 10**7)\nsys.stderr.write("\\ud800" * 10**5)\ndef f(x): return 1',
    expect: ['fail'],
  },
  {
    name: 'output channels broken',
    solution: `
import sys
sys.stdout.close()
sys.stderr = None
sys.__stdout__ = 7
sys.displayhook = sys.excepthook = None
def f(x): return 1`,
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'deep recursion through attributes and comparison',
    solution: `
class G:
    def __getattr__(self, n): return getattr(self, n + "x")
    def __eq__(self, o): return o == self
def f(x): return G() == G() if x > 5 else G().y`,
    expect: ['error', 'crash'],
  },
  {
    name: 'deep recursion through repr, copy and pickle',
    solution: `
import copy, pickle
def f(x):
    r = []
    for i in range(10**5): r = [r]
    for go in (repr, copy.deepcopy, pickle.dumps, hash):
        try: go(r)
        except (RecursionError, TypeError): pass
    return 1`,
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'deep dealloc',
    solution: `
class N:
    def __init__(self, n): self.n = n
def f(x):
    r = None
    for i in range(10**6): r = N(r)
    del r
    return 1`,
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'a deep expression',
    solution: 'def f(x): return eval("(" * 5000 + "1" + ")" * 5000) + eval("-" * 50000 + "1")',
    expect: ['error', 'crash'],
  },
  {
    name: 'a program nested too deeply to parse',
    solution: `def f(x): return ${'['.repeat(1000)}${']'.repeat(1000)}`,
    expect: ['error', 'crash'],
  },
  {
    name: 'an exception group ten thousand deep',
    solution: `
def f(x):
    e = ValueError()
    for i in range(10**4): e = ExceptionGroup("g", [e])
    raise e`,
    expect: ['error', 'crash'],
    slow: true,
  },
  {
    name: 'an exception with a message of megabytes and a forged name',
    solution: `
E = type('","value":["i","0xbde3"],"x":"', (Exception,), {"__str__": lambda s: "y" * 10**7})
def f(x): raise E()`,
    expect: ['error'],
  },
  {
    name: 'an exception that is no exception any more',
    solution: `
class M(type):
    __name__ = property(lambda c: 1 / 0)
class E(Exception, metaclass=M):
    __traceback__ = property(lambda s: 1 / 0)
    def __str__(self): raise KeyboardInterrupt
def f(x): raise E()`,
    expect: ['error'],
  },
  {
    name: 'a regular expression nested deeply',
    solution: 'import re\ndef f(x): return re.compile("(" * 10**4 + ")" * 10**4)',
    expect: ['error', 'crash'],
    slow: true,
  },
  {
    name: 'an answer of eighty megabytes instead of the harness’ own',
    solution: `
import sys
class Any:
    def __radd__(s, o): return s
    def __add__(s, o): return "".join(('{"value":["l",[', '["n"],' * 13000000, '["n"]]]}'))
def f(x):
    fr = sys._getframe()
    while fr:
        if "outputs" in fr.f_locals: fr.f_locals["outputs"] = lambda: Any()
        fr = fr.f_back
    return 1`,
    expect: ['fail', 'error', 'crash', 'timeout'],
    slow: true,
  },
  {
    name: 'an error with a type of a megabyte and a million lines',
    solution: `
import sys
def f(x):
    fr = sys._getframe()
    while fr:
        if "describe" in fr.f_locals:
            fr.f_locals["describe"] = lambda e: '{"type":"' + "T" * 1000000 + '","message":"m","lines":[' + "1," * 1000000 + "1]}"
        fr = fr.f_back
    raise ValueError`,
    expect: ['fail', 'error', 'crash'],
  },
];
