import wasmUrl from 'pyodide/pyodide.asm.wasm?url';
import lockUrl from 'pyodide/pyodide-lock.json?url';
import stdlibUrl from 'pyodide/python_stdlib.zip?url';
import * as v from 'valibot';
import type { Transport } from '../guest-handle.ts';
import { guest } from '../guest/guest.ts';
import { assembleLoader } from '../guest/loader.ts';
import type { GuestBoot } from '../protocol.ts';
import { createPythonSandbox, type PythonSandbox, type SandboxHost } from '../python-sandbox.ts';
import type { FromFrame, ToFrame } from './messages.ts';

const Lock = v.object({ info: v.object({ abi_version: v.string() }) });

/**
 * The sandbox in a browser, seen from the session's worker: guests are workers of the opaque-origin frame behind `port`
 * (`openSandboxFrame`). Fetches Pyodide's files from the page's own origin; throws a sentence when one is missing.
 */
export async function createBrowserSandbox(port: MessagePort, options: { readonly workers: number }): Promise<PythonSandbox> {
  return createPythonSandbox(await browserHost(port), options);
}

async function browserHost(port: MessagePort): Promise<SandboxHost> {
  const [pyodideJs, asmModule, wasm, stdlib, lock] = await Promise.all([
    import('pyodide/pyodide.js?raw').then((m) => m.default),
    import('pyodide/pyodide.asm.mjs?raw').then((m) => m.default),
    bytes(wasmUrl),
    bytes(stdlibUrl),
    bytes(lockUrl).then((b) => v.parse(Lock, JSON.parse(new TextDecoder().decode(b)))),
  ]);
  const send = (message: ToFrame): void => port.postMessage(message);
  const guests = new Map<number, { reply?: (reply: unknown) => void; exit?: (why: string) => void }>();
  port.onmessage = (event: MessageEvent<FromFrame>) => {
    const listeners = guests.get(event.data.guest);
    if (event.data.type === 'reply') listeners?.reply?.(event.data.reply);
    else listeners?.exit?.(event.data.why);
  };
  const abi = lock.info.abi_version;
  const loader = assembleLoader(pyodideJs, asmModule);
  send({ type: 'files', loader, guest: guest.toString(), worker: workerMain.toString(), stdlib, wasm, abi });
  let next = 0;
  const none = new Uint8Array();
  return {
    // The frame has them already and adds them to each boot message.
    files: { loader: '', stdlib: none, wasm: none, abi },
    spawn(): Transport {
      const id = next++;
      const listeners: { reply?: (reply: unknown) => void; exit?: (why: string) => void } = {};
      guests.set(id, listeners);
      return {
        post(message) {
          if ('type' in message) return send({ type: 'request', guest: id, request: message });
          const { preload, python, maxHeap, image, makeImage } = message;
          send({ type: 'boot', guest: id, boot: { preload, python, maxHeap, image, ...(makeImage && { makeImage }) } });
        },
        kill() {
          guests.delete(id);
          send({ type: 'kill', guest: id });
        },
        onReply(listener) {
          listeners.reply = listener;
        },
        onExit(listener) {
          listeners.exit = listener;
        },
      };
    },
    close() {
      for (const id of guests.keys()) send({ type: 'kill', guest: id });
      guests.clear();
    },
  };
}

/** The program of a guest's worker, run as text behind Pyodide's loader: boots on the first message, then answers requests. */
function workerMain(start: typeof guest): void {
  // Taken before the guest empties the global scope.
  const post = postMessage.bind(globalThis) as (message: unknown) => void;
  const listen = addEventListener.bind(globalThis) as typeof addEventListener;
  let handle: ((request: never) => void) | null = null;
  listen('message', (event) => {
    const { data } = event as MessageEvent<never>;
    if (handle) return handle(data);
    handle = () => undefined;
    start(data as GuestBoot, post).then(
      (ready) => (handle = ready as (request: never) => void),
      (error: unknown) => post({ type: 'failed', message: String(error).slice(0, 300) }),
    );
  });
}

async function bytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(new URL(url, import.meta.url));
  if (!response.ok) throw new Error(`Python could not be loaded: ${url} answered ${response.status}. Reload the page, or build it again.`);
  return new Uint8Array(await response.arrayBuffer());
}
