import type { GuestBoot, GuestReply, GuestRequest, PrivatePath } from '../protocol.ts';
import type { closeFileSystem, closeGlobalScope } from './fence.ts';
import type { FileSystem } from './file-system.ts';
import type { closeImports, ImportGate, Imports } from './imports.ts';
import type { surroundings } from './surroundings.ts';

/** What of Pyodide's private interface is used here; tested on every change of its version. */
interface PyodideModule {
  HEAPU8: Uint8Array;
  HEAPU32: Uint32Array;
  FS: FileSystem;
  stackSave(): number;
  _hiwire_num_refs(): number;
  _PyThreadState_Get?(): number;
}
interface Pyodide {
  _module: PyodideModule;
  _api: Record<string, unknown> & { runtimeEnv: object };
  runPython(code: string): unknown;
  globals: { get(name: string): (text: string) => string; delete(name: string): void };
  makeMemorySnapshot?(): Uint8Array;
}

/** The parts that `guest` is handed, since it can import none. */
export interface GuestParts {
  readonly surroundings: typeof surroundings;
  readonly closeImports: typeof closeImports;
  readonly closeFileSystem: typeof closeFileSystem;
  readonly closeGlobalScope: typeof closeGlobalScope;
}

/**
 * Boots Pyodide in a bare global scope and answers requests. Runs as text in places that can import
 * nothing (a worker of an opaque-origin frame, a restricted child process): it may use nothing but
 * its parameters and globals.
 *
 * `send` answers with a promise where the reply will not leave while this thread is busy. Returns
 * the request handler. After it has returned, everything but the language itself is gone from the
 * global scope.
 */
export async function guest(
  boot: GuestBoot,
  send: (reply: GuestReply) => Promise<void> | undefined,
  parts: GuestParts,
): Promise<(request: GuestRequest) => Promise<void>> {
  const scope = globalThis as unknown as Record<string, unknown>;
  const now = performance.now.bind(performance);
  const started = now();
  const quiet = (): void => undefined;
  const without = new Set<PrivatePath>(boot.without ?? []);
  const paths: PrivatePath[] = [];
  const { define, home, resetRandom } = parts.surroundings(boot);

  (scope['runLoader'] as () => void)();
  const { loadPyodide } = scope as { loadPyodide: (options: object) => Promise<Pyodide> };

  let gate: ImportGate = { running: false, refused: null };
  let limitHeap = false;
  const guarded = (imports: Imports): Imports => {
    gate = parts.closeImports(imports);
    const env = imports['env'] as Imports[string];
    const resize = env['emscripten_resize_heap'];
    if (resize === undefined) throw new Error('Pyodide no longer imports emscripten_resize_heap.');
    env['emscripten_resize_heap'] = (size = 0) =>
      limitHeap && size >>> 0 > boot.maxHeap ? 0 : resize(size);
    return imports;
  };
  const { wasm } = boot;
  Object.defineProperty(WebAssembly, 'instantiateStreaming', {
    configurable: true,
    writable: true,
    value: async (_response: unknown, imports: Imports) => {
      const module =
        wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm as BufferSource);
      return { module, instance: await WebAssembly.instantiate(module, guarded(imports)) };
    },
  });

  const image = without.has('snapshot') ? undefined : boot.image;
  const makeImage = boot.makeImage === true && !without.has('snapshot');
  const pyodide = await loadPyodide({
    indexURL: home,
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
    ...(image === undefined ? {} : { _loadSnapshot: image }),
    ...(makeImage ? { _makeSnapshot: true } : {}),
  });
  const module = pyodide._module;
  // The harness is in the image: compiling it takes longer than everything else that a boot does.
  const defineStep = (source: string): unknown =>
    pyodide.runPython(`${source}\n_step = boot()\ndel boot`);
  if (image === undefined) {
    pyodide.runPython(boot.preload);
    defineStep(boot.harness);
    // Frozen objects are the collector's no more: a program's collections neither visit them nor
    // write to their pages.
    pyodide.runPython('import gc; gc.collect(); gc.freeze(); del gc');
  } else {
    paths.push('snapshot');
  }
  const made = makeImage ? pyodide.makeMemorySnapshot?.() : undefined;
  if (boot.python !== undefined) defineStep(boot.python);
  const step = pyodide.globals.get('_step');
  pyodide.globals.delete('_step');

  // A level of recursion through C takes one to four of these, and of JavaScript's stack at most
  // 1.3 KB each. Python counts its own calls apart, so a program cannot raise this limit.
  const state = (module._PyThreadState_Get?.() ?? 0) >>> 2;
  const [PY_LIMIT, C_REMAINING] = [8, 9];
  if (
    !without.has('stackGuard') &&
    module.HEAPU32[state + PY_LIMIT] === 1000 &&
    module.HEAPU32[state + C_REMAINING] === 10_000
  ) {
    module.HEAPU32[state + C_REMAINING] = boot.recursion;
    paths.push('stackGuard');
  }

  const filesLeft = parts.closeFileSystem(module.FS, (view) =>
    crypto.getRandomValues(view as Uint8Array<ArrayBuffer>),
  );
  const refuse = (): never => {
    throw new Error('there is nothing to load in the sandbox');
  };
  for (const name of ['initializeNodeSockFS', 'loadDynlib', 'install', 'loadBinaryFile']) {
    if (name in pyodide._api) pyodide._api[name] = refuse;
  }
  Object.freeze(pyodide._api.runtimeEnv);
  parts.closeGlobalScope(define);

  // What every program starts from. Trailing zeros are not worth copying.
  const words = module.HEAPU32;
  let end = words.length;
  while (words[end - 1] === 0) end -= 1;
  // Into the image's own memory where there is one: it has served, and new pages are slow to come
  // by.
  const saved =
    image !== undefined && image.length >= 4 * end
      ? image.subarray(0, 4 * end)
      : new Uint8Array(4 * end);
  saved.set(module.HEAPU8.subarray(0, 4 * end));
  const refs = module._hiwire_num_refs();
  const stack = module.stackSave();
  // Zeroing what lies beyond would cost more than a new guest does within its life.
  const LARGE = 128 * 1024 * 1024;
  limitHeap = true;

  const spoilt = (): string | null =>
    module._hiwire_num_refs() > refs
      ? 'references to JavaScript objects were left'
      : module.stackSave() !== stack
        ? 'the stack pointer moved'
        : module.HEAPU8.length > LARGE
          ? 'the heap grew large'
          : filesLeft();
  const restore = (): string | null => {
    const why = paths.includes('restore') ? spoilt() : 'its memory cannot be set back';
    if (why !== null) return why;
    module.HEAPU8.set(saved, 0);
    module.HEAPU8.fill(0, saved.length);
    resetRandom();
    return null;
  };

  // Setting back is believed in only when the interpreter has answered alike before and after.
  if (!without.has('restore')) {
    paths.push('restore');
    const probe = (): string =>
      String(step('{"type":"load","setup":"","solution":"x = []","setupAfterSolution":false}'));
    const [before, first, after, second] = [probe(), restore(), probe(), restore()];
    if (before !== after || first !== null || second !== null) paths.pop();
  }

  void send({
    type: 'ready',
    bootMs: now() - started,
    paths,
    ...(made === undefined ? {} : { image: made }),
  });
  const OVERFLOW = /Maximum call stack size exceeded|too much recursion/;
  const TOO_DEEP =
    "maximum recursion depth exceeded: the sandbox's stack is smaller than CPython's and was used up";
  /** The answer to a step under which the interpreter was lost, where the reason is known. */
  const excuse = (error: unknown): string | null => {
    const deep = OVERFLOW.test(String(error));
    const [type, message] = deep ? ['RecursionError', TOO_DEEP] : ['SandboxLimit', gate.refused];
    // The trusted interpreter is asked again without the text: see src/sandbox/trusted.ts.
    return message === null || boot.python !== undefined
      ? null
      : JSON.stringify({ error: { type, message, lines: [] } });
  };
  return async (request) => {
    const { id, steps, longest } = request;
    let lost: string | null = null;
    gate.refused = null;
    for (const [index, text] of steps.entries()) {
      const begin = now();
      let answer: string;
      try {
        gate.running = true;
        answer = lost ?? String(step(text));
        gate.running = false;
        // Whatever has caught a refusal on its way: nothing that follows it counts.
        if (gate.refused !== null) throw new Error(gate.refused);
      } catch (error) {
        gate.running = false;
        const known = excuse(error);
        if (known === null) {
          void send({ type: 'dead', id, message: String(error).slice(0, 300) });
          return;
        }
        answer = lost = known;
      }
      if (answer.length > longest) {
        // Not sent: the other side would be busy with it for as long as it is.
        void send({ type: 'dead', id, message: `its answer has ${answer.length} characters` });
        return;
      }
      const onItsWay = send({ type: 'reply', id, index, text: answer, ms: now() - begin });
      if (onItsWay !== undefined) await onItsWay;
      if (index === 0 && steps.length > 1 && !answer.startsWith('{"ok":true')) break;
    }
    void send({
      type: 'done',
      id,
      recycle:
        lost !== null
          ? (gate.refused ?? 'the stack overflowed')
          : request.restore
            ? restore()
            : null,
      heap: module.HEAPU8.length,
    });
  };
}
