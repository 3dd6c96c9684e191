import type { FileSystem } from './guest.ts';

/**
 * Makes the file system read-only for good; devices stay writable. Nothing about a file can be
 * changed either, not even its times: whatever one program leaves there another could read. Returns
 * the check for what is left open or moved after a program: a sentence, or null. Runs as text: see
 * `guest`.
 */
export function closeFileSystem(fs: FileSystem): () => string | null {
  const EROFS = 69;
  const refuse = (): never => {
    throw new fs.ErrnoError(EROFS);
  };
  const open = fs['open'] as (path: unknown, flags: unknown, mode?: unknown) => unknown;
  const analyze = fs['analyzePath'] as (path: unknown) => { object: { mode: number } | null };
  fs['open'] = (path: unknown, flags: unknown, mode?: unknown) => {
    const WRITE_CREATE_TRUNCATE = 0o1103;
    const writes =
      typeof flags === 'string'
        ? /[wa+]/.test(flags)
        : (Number(flags) & WRITE_CREATE_TRUNCATE) !== 0;
    if (writes) {
      const node =
        typeof path === 'string' ? analyze.call(fs, path).object : (path as { mode: number });
      const S_IFCHR = 0o020000;
      if (node === null || (node.mode & 0o170000) !== S_IFCHR) refuse();
    }
    return open.call(fs, path, flags, mode);
  };
  const changes =
    'mknod mkdir symlink rename rmdir unlink chmod chown truncate ftruncate utime mount unmount fchmod fchown ' +
    'doTruncate doChmod doChown setattr doSetAttr allocate create';
  for (const name of changes.split(' ')) if (typeof fs[name] === 'function') fs[name] = refuse;

  for (const first of fs.nameTable) {
    for (let node = first; node !== null && node !== undefined; node = node.name_next) {
      for (const time of ['atime', 'mtime', 'ctime'] as const) {
        Object.defineProperty(node, time, {
          get: () => 0,
          set: () => undefined,
          configurable: false,
        });
      }
    }
  }

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
    return fs.nextInode === inode ? null : 'files were made';
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
