import type { Hostile } from './hostile.ts';

/** Programs that ask for imports of the interpreter that are not on the list (guest/imports.ts). */
export const IMPORTS: readonly Hostile[] = [
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
