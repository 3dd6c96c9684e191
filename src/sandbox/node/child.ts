import type { guest } from '../guest/guest.ts';

/**
 * The whole program of a guest process, as text for `node --eval`: it can read no file, so it brings everything along.
 * It forgets Node's globals first, loads Pyodide as a plain worker would, and answers requests over its one channel.
 */
export function childSource(guestFunction: typeof guest): string {
  return `(${child.toString()})(require, process, ${guestFunction.toString()})`;
}

function child(load: NodeJS.Require, host: NodeJS.Process, start: typeof guest): void {
  const { runInThisContext } = load('node:vm') as typeof import('node:vm');
  const send = (message: object): void => {
    host.send?.(message);
  };
  host.on('disconnect', () => host.reallyExit?.(0));
  host.on('uncaughtException', () => host.reallyExit?.(70));
  host.once('message', (boot: Parameters<typeof guest>[0]) => {
    // Read once while Node's own globals are there: some are made on first use.
    const needed = [performance, TextDecoder, TextEncoder, URL, AbortController, AbortSignal, WebAssembly];
    void needed;
    for (const name of ['process', 'Buffer', 'require', 'module', 'exports', 'global', 'navigator', '__filename', '__dirname']) {
      Reflect.deleteProperty(globalThis, name);
    }
    runInThisContext(boot.loader, { filename: 'pyodide' });
    start(boot, send).then(
      (handle) => host.on('message', handle as (message: unknown) => void),
      (error: unknown) => send({ type: 'failed', message: String(error).slice(0, 300) }),
    );
  });
}
