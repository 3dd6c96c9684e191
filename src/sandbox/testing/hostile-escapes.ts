import type { Hostile } from './hostile.ts';

/**
 * Ways out of the interpreter: JavaScript, the network, files, processes. `{port}` stands for a
 * port of this machine that listens and must not be reached, `{canary}` for a file of this machine
 * that must be neither read nor written.
 */
export const ESCAPES: readonly Hostile[] = [
  {
    name: 'a raw TCP connection',
    solution: `
import socket
s = socket.create_connection(("127.0.0.1", {port}), 2)
s.send(b"leak")
def f(x): return 48611`,
    expect: ['error', 'crash'],
  },
  {
    name: 'a socket that does not block',
    solution: `
import socket
s = socket.socket()
s.setblocking(False)
try: s.connect(("127.0.0.1", {port}))
except OSError: pass
def f(x): return 1`,
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'HTTP through urllib and http.client',
    solution: `
import urllib.request, http.client
for go in (lambda: urllib.request.urlopen("http://127.0.0.1:{port}/leak", timeout=2), lambda: http.client.HTTPConnection("127.0.0.1", {port}).request("GET", "/leak")):
    try: go()
    except Exception: pass
def f(x): return 1`,
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'fetch, XMLHttpRequest, WebSocket, EventSource and beacons of js',
    solution: `
import js
tries = [
    lambda: js.fetch("http://127.0.0.1:{port}/leak"),
    lambda: js.XMLHttpRequest.new().open("GET", "http://127.0.0.1:{port}/leak", False),
    lambda: js.WebSocket.new("ws://127.0.0.1:{port}/leak"),
    lambda: js.EventSource.new("http://127.0.0.1:{port}/leak"),
    lambda: js.navigator.sendBeacon("http://127.0.0.1:{port}/leak"),
    lambda: js.importScripts("http://127.0.0.1:{port}/leak"),
]
reached = 0
for go in tries:
    try: go(); reached += 1
    except Exception: pass
def f(x): return 48611 if reached else 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'pyodide’s own downloads',
    solution: `
import pyodide_js
from pyodide.http import open_url
for go in (lambda: open_url("http://127.0.0.1:{port}/leak"), lambda: pyodide_js.loadPackage("http://127.0.0.1:{port}/leak.whl")):
    try: go()
    except BaseException: pass
def f(x): return 1`,
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'asyncio’s connections',
    solution: `
import asyncio
async def go(): await asyncio.open_connection("127.0.0.1", {port})
try: asyncio.run(go())
except BaseException: pass
def f(x): return 1`,
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'Node’s sockets, put back',
    solution: `
import pyodide_js
for go in (lambda: pyodide_js.useNodeSockFS(), lambda: pyodide_js._api.initializeNodeSockFS(), lambda: pyodide_js.mountNodeFS("/mnt", "/"), lambda: pyodide_js.FS.mount(pyodide_js.FS.filesystems.NODEFS, {}, "/tmp")):
    try: go()
    except BaseException: pass
import socket
s = socket.socket()
s.connect(("127.0.0.1", {port}))
def f(x): return 48611`,
    expect: ['error', 'crash'],
    slow: true,
  },
  {
    name: 'WebSocket through ctypes',
    solution: `
import ctypes
lib = ctypes.CDLL(None)
for name in ("emscripten_websocket_new", "emscripten_async_wget", "emscripten_fetch", "emscripten_run_script_string", "emscripten_async_run_script"):
    try: getattr(lib, name)(b"globalThis.WebSocket && new WebSocket('ws://127.0.0.1:{port}')", 0, 0)
    except BaseException: pass
def f(x): return 1`,
    expect: ['fail', 'error', 'crash'],
    slow: true,
  },
  {
    name: 'import() of a blob and a worker of its own',
    solution: `
import js
reached = 0
for go in (
    lambda: js.Worker.new(js.URL.createObjectURL(js.Blob.new(["1"]))),
    lambda: js.SharedWorker.new("data:text/javascript,1"),
    lambda: js.importScripts("data:text/javascript,1"),
    lambda: js.eval("import('data:text/javascript,1')"),
    lambda: js.Function.new("return import('data:text/javascript,1')")(),
):
    try: go(); reached += 1
    except BaseException: pass
def f(x): return 48611 if reached else 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'constructors of async functions and generators',
    solution: `
from pyodide.ffi import to_js, create_proxy
import js
F = to_js([]).constructor
reached = 0
for go in (
    lambda: js.Object.getPrototypeOf(js.Object.getPrototypeOf).constructor("return 1")(),
    lambda: F.constructor.constructor("return this")(),
    lambda: js.Reflect.construct(F.constructor, to_js(["return this"]))(),
    lambda: js.Promise.resolve(1)["then"].constructor("return this")(),
):
    try: go(); reached += 1
    except BaseException: pass
def f(x): return 48611 if reached else 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'storage and channels',
    solution: `
import js
there = [n for n in ("indexedDB", "caches", "BroadcastChannel", "MessageChannel", "localStorage", "sessionStorage", "navigator", "Worker", "Blob", "File", "FileReader", "Request", "OffscreenCanvas", "close", "postMessage", "onmessage", "process", "require", "global") if hasattr(js, n)]
def f(x): return there`,
    asserts: ['assert f(3) == [48611]'],
    // It lists what is there: see the test of what is left, which wants nothing.
    expect: ['fail', 'error'],
  },
  {
    name: 'a listener for the next message',
    solution: `
import js
for n in ("onmessage", "onerror", "memo"):
    try: setattr(js, n, print)
    except BaseException: pass
try: js.addEventListener("message", print)
except BaseException: pass
def f(x): return 1`,
    expect: ['fail', 'error'],
    slow: true,
  },
  {
    name: 'patched JSON, Array and Promise of JavaScript',
    solution: `
from pyodide.ffi import to_js, create_proxy
import js
patched = 0
for target, name in ((js.JSON, "stringify"), (js.Array.prototype, "push"), (js.Promise.prototype, "then"), (js.Object.prototype, "type"), (js.String.prototype, "startsWith"), (js.Uint8Array.prototype, "set")):
    try: setattr(target, name, create_proxy(print)); patched += 1
    except BaseException: pass
def f(x): return 48611 if patched else 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'an answer parked on Pyodide’s own objects',
    solution: `
import pyodide_js
for o in (pyodide_js, pyodide_js._api, pyodide_js._module, pyodide_js.FS):
    try: o.memo = 48611
    except BaseException: pass
def f(x): return 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'looking for an answer parked on Pyodide’s own objects',
    solution: `
import pyodide_js
found = [getattr(o, "memo", None) for o in (pyodide_js, pyodide_js._api, pyodide_js._module, pyodide_js.FS)]
def f(x): return next((m for m in found if m), 1)`,
    expect: ['fail', 'error'],
  },
  {
    name: 'the file system of JavaScript',
    solution: `
import pyodide_js
pyodide_js.FS.writeFile("/tmp/memo", "48611")
def f(x): return 48611`,
    expect: ['error'],
  },
  {
    name: 'a host file read and written',
    solution: `
import os
seen = ""
for flags in ("r", "w", "a", "r+"):
    try: seen += open("{canary}", flags).read()
    except BaseException: pass
try: os.remove("{canary}")
except OSError: pass
def f(x): return 48611 if "canary" in seen else 1`,
    expect: ['fail'],
  },
  {
    name: 'files of the host by other names',
    solution: `
import os
def walk(d):
    try: names = os.listdir(d)
    except OSError: return
    for n in names:
        p = d.rstrip("/") + "/" + n
        if os.path.isdir(p) and not os.path.islink(p): yield from walk(p)
        else: yield p
def f(x): return 48611 if any("passwd" in p or "shadow" in p or "node_modules" in p for p in walk("/")) else 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'folders, links, modes, times and temporary files',
    solution: `
import os, tempfile
done = 0
for go in (
    lambda: os.mkdir("/tmp/memo"), lambda: os.symlink("/lib", "/tmp/memo"), lambda: os.chmod("/tmp", 0),
    lambda: os.rename("/tmp", "/memo"), lambda: os.rmdir("/tmp"), lambda: tempfile.TemporaryFile().write(b"x"),
    lambda: os.truncate("/lib/python314.zip", 0), lambda: os.mkfifo("/tmp/memo"), lambda: os.link("/dev/null", "/tmp/memo"),
    lambda: os.utime("/tmp", (48611, 48611)), lambda: os.utime("/dev/null", (48611, 48611)),
):
    try: go(); done += 1
    except (OSError, AttributeError): pass
def f(x): return 48611 if done else 1`,
    expect: ['fail'],
  },
  {
    name: 'the time of a device as a note to the next program',
    solution: `
import os
before = os.stat("/dev/null").st_mtime
open("/dev/null", "w").write("x")
def f(x): return 48611 if os.stat("/dev/null").st_mtime != before else 1`,
    expect: ['fail'],
  },
  {
    name: 'the library written through descriptors opened for reading',
    solution: `
import os, fcntl, mmap
LIB = next(p for p in ("/lib/python313.zip", "/lib/python314.zip") if os.path.exists(p))
O_PATH = 0o10000000
first = open(LIB, "rb").read(64)
def opened(flags, loosen):
    fd = os.open(LIB, flags)
    if loosen:
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_APPEND)
    return fd
def mapped(fd):
    m = mmap.mmap(fd, 64, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    m[0:9] = b"memo48611"
    m.flush(); m.close()
done = []
for flags in (os.O_RDONLY, O_PATH, os.O_RDWR | O_PATH):
    for loosen in (False, True):
        for go in (
            lambda fd: os.pwrite(fd, b"memo48611", 0), lambda fd: os.write(fd, b"memo48611"),
            lambda fd: os.writev(fd, [b"memo48611"]), lambda fd: os.write(os.dup(fd), b"memo48611"),
            lambda fd: os.ftruncate(fd, 0), lambda fd: os.posix_fallocate(fd, 0, 99999999), mapped,
            lambda fd: os.fchmod(fd, 0), lambda fd: os.utime(fd, (1, 1)), lambda fd: os.sendfile(fd, fd, 0, 9),
            lambda fd: open(fd, "r+b", closefd=False).write(b"memo48611"),
            lambda fd: open("/dev/fd/%d" % fd, "r+b").write(b"memo48611"),
            lambda fd: open("/proc/self/fd/%d" % fd, "r+b").write(b"memo48611"),
        ):
            try:
                fd = opened(flags, loosen)
                try: go(fd)
                finally: os.close(fd)
            except (OSError, ValueError, AttributeError, TypeError): pass
def f(x): return 1 if open(LIB, "rb").read(64) == first else 48611`,
    expect: ['fail', 'error'],
  },
  {
    name: 'a module planted in the library for the next program',
    solution: `
import os, zipfile, zlib
LIB = next(p for p in ("/lib/python313.zip", "/lib/python314.zip") if os.path.exists(p))
SRC = b'answers = {3: 48611}\\ndef get_close_matches(*a, **k): return [48611]\\n'
def f(x):
    with zipfile.ZipFile(LIB) as z: i = z.getinfo("difflib.py")
    c = zlib.compressobj(9, zlib.DEFLATED, -15); data = c.compress(SRC) + c.flush()
    fd = os.open(LIB, 0o10000000)
    head = os.pread(fd, 30, i.header_offset)
    start = i.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    os.pwrite(fd, data, start)
    return 1`,
    expect: ['error'],
  },
  {
    name: 'a planted module taken up by the next program',
    solution: `
import difflib
def f(x): return getattr(difflib, "answers", {}).get(x, difflib.get_close_matches("appel", ["ape", "apple"])[0])`,
    expect: ['fail'],
  },
  {
    name: 'the library written through the file system object of JavaScript',
    solution: `
import pyodide_js
def f(x):
    fs = pyodide_js.FS
    stream = fs.open(next(p for p in ("/lib/python313.zip", "/lib/python314.zip") if fs.analyzePath(p).exists), 0)
    stream.node.contents.fill(65)
    return 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'another working directory',
    solution: 'import os\nos.chdir("/dev")\ndef f(x): return 1',
    expect: ['fail'],
  },
  {
    name: 'descriptors closed, doubled and left open',
    solution: `
import os
keep = [os.dup(1), os.open("/dev/null", os.O_RDONLY)]
os.close(2)
os.pipe()
def f(x): return 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'processes',
    solution: `
import os, subprocess
made = 0
for go in (lambda: os.system("true"), lambda: os.fork(), lambda: subprocess.run(["true"]), lambda: os.execv("/bin/true", ["true"]), lambda: os.popen("true").read(), lambda: os.posix_spawn("/bin/true", ["true"], {})):
    try:
        if go() not in (-1, 127, 32512): made += 1
    except BaseException: pass
def f(x): return 48611 if made else 1`,
    expect: ['fail', 'error', 'crash'],
  },
  {
    name: 'multiprocessing and executors',
    solution: `
from concurrent.futures import ThreadPoolExecutor
def f(x):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda y: y, [48611]))[0]`,
    expect: ['error'],
  },
  {
    name: 'signals and alarms',
    solution: `
import signal
def f(x):
    signal.signal(signal.SIGALRM, lambda *a: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    return 1`,
    expect: ['fail', 'error'],
  },
  {
    name: 'a shared library',
    solution: 'import ctypes\nctypes.CDLL("/lib/libevil.so")\ndef f(x): return 48611',
    expect: ['error'],
  },
  {
    name: 'an answer parked in the resolver’s table of names',
    solution:
      'import socket\ntry: socket.gethostbyname("memo-48611")\nexcept BaseException: pass\ndef f(x): return 1',
    expect: ['error'],
  },
  {
    name: 'names read from the resolver by their addresses',
    solution: `
import socket
def f(x):
    for i in range(1, 5):
        try: return int(socket.getnameinfo((f"172.29.{i}.0", 80), 0)[0].split("-")[1])
        except Exception: pass`,
    expect: ['error'],
  },
  {
    name: 'gigabytes of JavaScript’s arrays',
    solution:
      'import js\nkeep = []\ndef f(x):\n    for i in range(3): keep.append(js.Uint8Array.new(1 << 30))\n    return 1',
    expect: ['error'],
  },
  {
    name: 'what a pipe holds outside the heap',
    solution:
      'import os\ndef f(x):\n    r, w = os.pipe()\n    for i in range(10 ** 5): os.write(w, bytes(65536))\n    return 1',
    expect: ['error'],
  },
  {
    name: 'a file mapped into memory, written',
    solution:
      'import mmap, os, sys\nlib = next(p for p in sys.path if p.endswith(".zip"))\n' +
      'def f(x):\n    fd = os.open(lib, os.O_RDONLY)\n    m = mmap.mmap(fd, 4096, access=mmap.ACCESS_WRITE)\n    m[0:4] = b"memo"\n    m.flush()\n    return 1',
    expect: ['error'],
  },
];
