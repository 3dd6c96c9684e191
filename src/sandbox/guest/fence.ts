import type { FileNode, FileSystem } from './file-system.ts';

/**
 * Makes the file system read-only for good; devices stay writable. Nothing about a file can be
 * changed either, not even its times: whatever one program leaves there another could read.
 *
 * The refusal stands where bytes are changed, in the operations of nodes and streams. How a
 * descriptor was come by does not matter, then: O_PATH opens for reading and writes, and F_SETFL
 * makes any descriptor writable. Calls by path are refused as well, for their error.
 *
 * Returns the check after a program, a sentence or null: what is open or moved, and every byte of
 * every file, whatever way there may be left. Runs as text: see `guest`.
 */
export function closeFileSystem(
  fs: FileSystem,
  random: (view: Uint8Array) => unknown,
): () => string | null {
  const EROFS = 69;
  const S_IFMT = 0o170000;
  const S_IFREG = 0o100000;
  const S_IFCHR = 0o020000;
  const refuse = (): never => {
    throw new fs.ErrnoError(EROFS);
  };
  const open = fs['open'] as (path: unknown, flags: unknown, mode?: unknown) => unknown;
  const analyze = fs['analyzePath'] as (path: unknown) => {
    object: { mode: number; rdev?: number } | null;
  };
  fs['open'] = (path: unknown, flags: unknown, mode?: unknown) => {
    const WRITE_CREATE_TRUNCATE = 0o1103;
    const writes =
      typeof flags === 'string'
        ? /[wa+]/.test(flags)
        : (Number(flags) & WRITE_CREATE_TRUNCATE) !== 0;
    if (writes) {
      const node =
        typeof path === 'string' ? analyze.call(fs, path).object : (path as { mode: number });
      if (node === null || (node.mode & S_IFMT) !== S_IFCHR) refuse();
    }
    return open.call(fs, path, flags, mode);
  };
  const changes =
    'mknod mkdir symlink rename rmdir unlink chmod chown truncate ftruncate utime mount unmount fchmod fchown ' +
    'doTruncate doChmod doChown setattr doSetAttr allocate create';
  for (const name of changes.split(' ')) if (typeof fs[name] === 'function') fs[name] = refuse;

  const CHANGING =
    'write allocate msync setattr mknod rename unlink rmdir symlink link create'.split(' ');
  const seal = (operations: Record<string, unknown> | undefined): void => {
    if (operations === undefined || Object.isFrozen(operations)) return;
    for (const name of CHANGING) if (name in operations) operations[name] = refuse;
    Object.freeze(operations);
  };
  /** Every file with its bytes as they are now. */
  const files: { node: FileNode; contents: Uint8Array; words: Uint32Array; copy: Uint32Array }[] =
    [];
  for (const first of fs.nameTable) {
    for (let node = first; node !== null && node !== undefined; node = node.name_next) {
      seal(node.node_ops);
      if ((node.mode & S_IFMT) !== S_IFCHR) seal(node.stream_ops);
      if ((node.mode & S_IFMT) === S_IFREG && node.contents instanceof Uint8Array) {
        // Padded to whole words in a buffer of its own, so that it compares word by word.
        const contents = new Uint8Array((node.contents.byteLength + 3) & ~3);
        contents.set(node.contents);
        node.contents = contents;
        const words = new Uint32Array(contents.buffer);
        files.push({ node, contents, words, copy: words.slice() });
      }
      for (const time of ['atime', 'mtime', 'ctime'] as const) {
        Object.defineProperty(node, time, {
          get: () => 0,
          set: () => undefined,
          configurable: false,
        });
      }
    }
  }

  const memory = fs.filesystems['MEMFS'];
  if (memory === undefined) throw new Error('Pyodide no longer has a MEMFS: pin its version.');
  seal(memory.node_ops);
  seal(memory.stream_ops);
  // Emscripten keeps a buffer of random bytes that would tell one program how many another took.
  for (const path of ['/dev/random', '/dev/urandom']) {
    const device = fs.getDevice(analyze.call(fs, path).object?.rdev ?? -1);
    if (device)
      device.stream_ops['read'] = (
        _stream: unknown,
        buffer: Int8Array,
        offset: number,
        length: number,
      ) => {
        random(new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length));
        return length;
      };
  }

  const changed = (): string | null => {
    for (const { node, contents, words, copy } of files) {
      if (node.contents !== contents) return 'a file was replaced';
      for (let i = 0; i < copy.length; i++)
        if (words[i] !== copy[i]) return 'a file of the library was changed';
    }
    return null;
  };
  const inode = fs.nextInode;
  const folder = fs.currentPath;
  const streams = fs.streams.map((stream) => [stream, stream?.flags, stream?.position] as const);
  return () => {
    if (fs.currentPath !== folder) fs.chdir(folder);
    for (let fd = 0; fd < Math.max(streams.length, fs.streams.length); fd++) {
      const [stream, flags, position] = streams[fd] ?? [];
      const now = fs.streams[fd];
      if ((now ?? null) !== (stream ?? null))
        return 'a file descriptor was left open, closed or replaced';
      if (now?.flags !== flags || now?.position !== position)
        return 'a file descriptor was changed';
    }
    return fs.nextInode === inode ? changed() : 'files were made';
  };
}

/**
 * Removes everything that is not the language from the global scope, and freezes what stays: a
 * second fence behind the origin, the namespace and the policy. An answer parked on an intrinsic
 * would outlive the heap, and a patched one could read what is sent. Runs as text: see `guest`.
 */
export function closeGlobalScope(define: (name: string, value: unknown) => void): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  const KEEP = new Set(
    (
      'Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String ' +
      'Symbol Date Promise RegExp Error ' +
      'AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError ' +
      'SuppressedError globalThis JSON Math Intl ' +
      'ArrayBuffer SharedArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array ' +
      'Uint32Array Int32Array Float16Array Float32Array ' +
      'Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set ' +
      'Iterator WeakMap WeakSet WeakRef Proxy ' +
      'Reflect FinalizationRegistry decodeURI decodeURIComponent encodeURI encodeURIComponent ' +
      'isFinite isNaN WebAssembly TextDecoder ' +
      'TextEncoder performance console crypto setTimeout setInterval self URL AbortSignal AbortController'
    ).split(' '),
  );
  for (
    let holder: object | null = globalThis;
    holder !== null && holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder) as object | null
  ) {
    for (const name of Reflect.ownKeys(holder)) {
      if (typeof name === 'string' && (KEEP.has(name) || name === 'constructor')) continue;
      try {
        Reflect.deleteProperty(holder, name);
      } catch {
        // Not configurable: a language constant or the location of the blob.
      }
    }
  }
  const fail = (): never => {
    throw new Error('there are no timers in the sandbox');
  };
  define('setTimeout', fail);
  define('setInterval', fail);

  const seen = new Set<unknown>([globalThis]);
  const freeze = (target: unknown): void => {
    if (
      (typeof target !== 'object' && typeof target !== 'function') ||
      target === null ||
      seen.has(target)
    )
      return;
    if (ArrayBuffer.isView(target)) return;
    seen.add(target);
    for (const key of Reflect.ownKeys(target)) {
      const property = Reflect.getOwnPropertyDescriptor(target, key);
      freeze(property?.value);
      freeze(property?.get);
      freeze(property?.set);
    }
    freeze(Reflect.getPrototypeOf(target));
    Object.freeze(target);
  };
  for (const name of KEEP) freeze(scope[name]);
  for (const sample of [
    [].values(),
    new Map().values(),
    new Set().values(),
    ''[Symbol.iterator](),
    ''.matchAll(/./g),
    (async () => undefined)(),
    async () => undefined,
    function* () {
      yield 0;
    },
    async function* () {
      yield 0;
    },
  ]) {
    freeze(Reflect.getPrototypeOf(sample));
  }
  try {
    Object.preventExtensions(globalThis);
  } catch {
    // Some engines keep their global object open; a touched guest is thrown away in any case.
  }
}
