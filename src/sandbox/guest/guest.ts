import type { GuestBoot, GuestReply, GuestRequest } from '../protocol.ts';

/** What of Pyodide's private interface is used here; tested on every change of its version. */
interface PyodideModule {
  HEAPU8: Uint8Array;
  HEAPU32: Uint32Array;
  FS: Record<string, unknown> & { streams: unknown[]; ErrnoError: new (errno: number) => Error };
  stackSave(): number;
  _hiwire_num_refs(): number;
  _PyThreadState_Get?(): number;
  _PyUnstable_ThreadState_SetStackProtection?(state: number, start: number, size: number): number;
}
interface Pyodide {
  _module: PyodideModule;
  _api: Record<string, unknown> & { runtimeEnv: object };
  runPython(code: string): unknown;
  globals: { get(name: string): ((text: string) => string) & { destroy(): void } };
  makeMemorySnapshot(): Uint8Array;
}
type Imports = Record<string, Record<string, (...args: number[]) => unknown>>;

/**
 * Boots Pyodide in a bare global scope and answers requests. Runs as text in places that can import nothing (a worker of
 * an opaque-origin frame, a restricted child process): it may use nothing but its parameters and globals.
 *
 * Returns the request handler. After it has returned, everything but the language itself is gone from the global scope.
 */
export async function guest(
  boot: GuestBoot,
  send: (reply: GuestReply, transfer?: ArrayBuffer[]) => void,
): Promise<(request: GuestRequest) => void> {
  const scope = globalThis as unknown as Record<string, unknown>;
  const now = performance.now.bind(performance);
  const started = now();
  const quiet = (): void => undefined;

  // Pyodide must take this place for a plain web worker, also under Node: its Node branches reach for files and sockets.
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(scope, name, { value, writable: true, configurable: true, enumerable: false });
  };
  if (typeof scope['WorkerGlobalScope'] !== 'function') {
    const Scope = class WorkerGlobalScope {};
    Object.setPrototypeOf(globalThis, Scope.prototype);
    define('WorkerGlobalScope', Scope);
  }
  const home = 'https://sandbox.invalid/';
  define('self', globalThis);
  if (scope['location'] === undefined) define('location', new URL(home));
  define('importScripts', undefined);
  define('XMLHttpRequest', undefined);
  define('setTimeout', quiet);
  define('setInterval', quiet);
  define('setImmediate', undefined);
  define('console', { log: quiet, warn: quiet, error: quiet, info: quiet, debug: quiet, trace: quiet, assert: quiet });
  // A proxy that is collected later would release an object of another program: nothing is ever finalised.
  define(
    'FinalizationRegistry',
    class FinalizationRegistry {
      register(): void {}
      unregister(): void {}
    },
  );
  // Same numbers for every program (and nothing of the machine's entropy).
  let counter = 0;
  const fillRandom = <T extends ArrayBufferView>(view: T): T => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    for (let i = 0; i < bytes.length; i++) {
      counter = (Math.imul(counter, 1664525) + 1013904223) >>> 0;
      bytes[i] = counter >>> 24;
    }
    return view;
  };
  define('crypto', { getRandomValues: fillRandom });
  define('fetch', async (url: unknown) => {
    if (String(url).endsWith('python_stdlib.zip')) {
      return { ok: true, arrayBuffer: async () => boot.stdlib.slice().buffer };
    }
    if (String(url).endsWith('.wasm')) return { ok: true };
    throw new Error('nothing can be fetched in the sandbox');
  });

  (scope['runLoader'] as () => void)();
  const { loadPyodide, createPyodideModule } = scope as {
    loadPyodide: (options: object) => Promise<Pyodide>;
    createPyodideModule: (settings: object) => Promise<PyodideModule>;
  };

  // The program's own traffic with JavaScript: harmless to verdicts, but a reason to start the next one elsewhere.
  let running = false;
  let touched: string | null = null;
  const FOREIGN =
    /^(Js(?!vArray_Get$|vError_Check$|vNoValue_Check$)|_Js|raw_call_js|ffi_|wrap_|create_|pyproxy_new|_dlopen|_emscripten_dlopen|emscripten_asm|_emscripten_system|_setitimer|__syscall_(socket|connect|bind|listen))/;
  let limitHeap = false;
  const guarded = (imports: Imports): Imports => {
    const env = imports['env'] as Imports[string];
    for (const [name, value] of Object.entries(env)) {
      if (typeof value === 'function' && FOREIGN.test(name)) {
        env[name] = (...args) => {
          if (running) touched ??= name;
          return value(...args);
        };
      }
    }
    const resize = env['emscripten_resize_heap'];
    if (resize === undefined) throw new Error('Pyodide no longer imports emscripten_resize_heap.');
    env['emscripten_resize_heap'] = (size = 0) => (limitHeap && size >>> 0 > boot.maxHeap ? 0 : resize(size));
    return imports;
  };
  const { wasm } = boot;
  Object.defineProperty(WebAssembly, 'instantiateStreaming', {
    configurable: true,
    writable: true,
    value: async (_response: unknown, imports: Imports) => {
      const module = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm as BufferSource);
      return { module, instance: await WebAssembly.instantiate(module, guarded(imports)) };
    },
  });

  const pyodide = await loadPyodide({
    indexURL: home,
    createPyodideModule,
    lockFileContents: {
      info: { abi_version: boot.abi, arch: 'wasm32', platform: '', python: '', version: '' },
      packages: {},
    },
    packageBaseUrl: home,
    env: { HOME: '/home/sandbox', PYTHONHASHSEED: '0' },
    stdin: () => null,
    stdout: quiet,
    stderr: quiet,
    enableRunUntilComplete: false,
    ...(boot.image === undefined ? {} : { _loadSnapshot: boot.image }),
    ...(boot.makeImage === true ? { _makeSnapshot: true } : {}),
  });
  const module = pyodide._module;
  // One image serves every kind of guest: what they all import is in it, their own Python is not.
  if (boot.image === undefined) pyodide.runPython(boot.preload);
  const image = boot.makeImage === true ? pyodide.makeMemorySnapshot() : undefined;
  pyodide.runPython(`${boot.python}\n_step = boot()\ndel boot`);
  const step = pyodide.globals.get('_step');
  pyodide.runPython('del _step\nimport gc; gc.collect(); del gc');

  // Deep recursion through C overflows JavaScript's stack long before the shadow stack: guard the first part of it only.
  const state = module._PyThreadState_Get?.();
  if (state !== undefined && module._PyUnstable_ThreadState_SetStackProtection) {
    const GUARD = 160 * 1024;
    module._PyUnstable_ThreadState_SetStackProtection(state, module.stackSave() - GUARD, GUARD);
  }

  // The file system is read-only from here on; devices stay writable.
  const fs = module.FS;
  const EROFS = 69;
  const refuse = (): never => {
    throw new fs.ErrnoError(EROFS);
  };
  const open = fs['open'] as (path: unknown, flags: unknown, mode?: unknown) => unknown;
  const analyze = fs['analyzePath'] as (path: unknown) => { object: { mode: number } | null };
  fs['open'] = (path: unknown, flags: unknown, mode?: unknown) => {
    const WRITE_CREATE_TRUNCATE = 0o1103;
    const writes = typeof flags === 'string' ? /[wa+]/.test(flags) : (Number(flags) & WRITE_CREATE_TRUNCATE) !== 0;
    if (writes) {
      const node = typeof path === 'string' ? analyze.call(fs, path).object : (path as { mode: number });
      const S_IFCHR = 0o020000;
      if (node === null || (node.mode & 0o170000) !== S_IFCHR) refuse();
    }
    return open.call(fs, path, flags, mode);
  };
  for (const name of [
    'mknod',
    'mkdir',
    'symlink',
    'rename',
    'rmdir',
    'unlink',
    'chmod',
    'chown',
    'truncate',
    'ftruncate',
    'utime',
    'mount',
    'unmount',
    'fchmod',
    'fchown',
    'doTruncate',
    'doChmod',
    'doChown',
    'setattr',
    'doSetAttr',
    'allocate',
    'create',
  ]) {
    if (typeof fs[name] === 'function') fs[name] = refuse;
  }
  for (const name of ['initializeNodeSockFS', 'loadDynlib', 'install', 'loadBinaryFile']) {
    if (name in pyodide._api) pyodide._api[name] = refuse;
  }
  Object.freeze(pyodide._api.runtimeEnv);

  // Everything that is not the language goes; a second fence behind the origin, the namespace and the policy.
  const KEEP = new Set(
    (
      'Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp Error ' +
      'AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError globalThis JSON Math Intl ' +
      'ArrayBuffer SharedArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float16Array Float32Array ' +
      'Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set Iterator WeakMap WeakSet WeakRef Proxy ' +
      'Reflect FinalizationRegistry decodeURI decodeURIComponent encodeURI encodeURIComponent isFinite isNaN WebAssembly TextDecoder ' +
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

  // Intrinsics are frozen: an answer parked on one would outlive the heap, and patched ones could read what we send.
  const seen = new Set<unknown>([globalThis]);
  const freeze = (target: unknown): void => {
    if ((typeof target !== 'object' && typeof target !== 'function') || target === null || seen.has(target)) return;
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

  // What every program starts from. Trailing zeros are not worth copying.
  let end = module.HEAPU8.length;
  while (end > 8 && module.HEAPU32[(end >>> 2) - 1] === 0) end -= 4;
  const saved = module.HEAPU8.slice(0, end);
  const refs = module._hiwire_num_refs();
  const openFiles = (): number => fs.streams.filter((stream) => stream !== null && stream !== undefined).length;
  const opened = openFiles();
  const stack = module.stackSave();
  limitHeap = true;
  counter = 0;
  let dead = false;

  const restore = (): string | null => {
    if (dead) return 'the interpreter died';
    const size = module.HEAPU8.length;
    const why =
      touched !== null
        ? `the program reached JavaScript (${touched})`
        : module._hiwire_num_refs() > refs
          ? 'references to JavaScript objects were left'
          : openFiles() !== opened
            ? 'a file descriptor was left open'
            : module.stackSave() !== stack
              ? 'the stack pointer moved'
              : size > 200 * 1024 * 1024
                ? `the heap grew to ${size} bytes`
                : null;
    if (why !== null) return why;
    module.HEAPU8.set(saved, 0);
    module.HEAPU8.fill(0, saved.length);
    counter = 0;
    return null;
  };

  send({ type: 'ready', bootMs: now() - started, ...(image === undefined ? {} : { image }) });
  return (request) => {
    if (request.type === 'restore') {
      send({ type: 'restored', id: request.id, recycle: restore() });
      return;
    }
    const begin = now();
    try {
      running = true;
      const text = step(request.text);
      running = false;
      send({ type: 'reply', id: request.id, text: String(text), ms: now() - begin });
    } catch (error) {
      running = false;
      dead = true;
      send({ type: 'dead', id: request.id, message: String(error).slice(0, 300) });
    }
  };
}
