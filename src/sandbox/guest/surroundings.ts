import type { GuestBoot } from '../protocol.ts';

/** What `surroundings` leaves for the rest of the guest. */
export interface Surroundings {
  readonly define: (name: string, value: unknown) => void;
  /** Where Pyodide believes its files to be. */
  readonly home: string;
  /** The random numbers begin anew. */
  readonly resetRandom: () => void;
}

/**
 * Makes the global scope look like that of a plain web worker that can fetch Python's library and
 * nothing else, so that Pyodide never takes its Node branches, which reach for files and sockets.
 * Runs as text: see `guest`.
 */
export function surroundings(boot: GuestBoot): Surroundings {
  const scope = globalThis as unknown as Record<string, unknown>;
  const quiet = (): void => undefined;
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(scope, name, {
      value,
      writable: true,
      configurable: true,
      enumerable: false,
    });
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
  define('console', {
    log: quiet,
    warn: quiet,
    error: quiet,
    info: quiet,
    debug: quiet,
    trace: quiet,
    assert: quiet,
  });
  // A proxy that is collected later would release an object of another program: nothing is ever
  // finalised.
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
  return { define, home, resetRandom: () => void (counter = 0) };
}
