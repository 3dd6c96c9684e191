import type { SandboxHost } from '../booter.ts';
import type { Transport } from '../guest-handle.ts';
import { abiVersion, assembleLoader } from '../guest/loader.ts';
import { guestSource, type GuestMain } from '../guest/source.ts';
import { createPythonSandbox, type PythonRunner, type SandboxOptions } from '../python-sandbox.ts';
import type { FrameArrived, ReplaceFrame } from './frame.ts';
import type { FromFrame, ToFrame } from './frame-script.ts';

/**
 * The frame's own thread only passes messages on: six questions without an answer mean that it is
 * gone.
 */
const PING_MS = 5_000;
const MISSED = 6;

/** The sandbox in the browser, alone on its frame. */
export async function createBrowserSandbox(
  control: MessagePort,
  files: PyodideFiles,
  options: SandboxOptions,
): Promise<PythonRunner> {
  return createPythonSandbox(browserHost(control, files), options);
}

/** The four files of the `pyodide` package that an interpreter is made of. */
export interface PyodideFiles {
  /** Texts of pyodide.js and pyodide.asm.js. */
  readonly loader: string;
  readonly glue: string;
  /** Bytes of pyodide.asm.wasm and python_stdlib.zip. */
  readonly wasm: Uint8Array;
  readonly stdlib: Uint8Array;
}

/** Pyodide's files from below `base`; rejects with a sentence when one is missing. */
export async function fetchPyodide(base: string): Promise<PyodideFiles> {
  const at = (name: string) => new URL(name, new URL(base, globalThis.location.href)).href;
  const text = async (name: string) => new TextDecoder().decode(await fetchBytes(at(name)));
  const [loader, glue, wasm, stdlib] = await Promise.all([
    text('pyodide.js'),
    text('pyodide.asm.js'),
    fetchBytes(at('pyodide.asm.wasm')),
    fetchBytes(at('python_stdlib.zip')),
  ]);
  return { loader, glue, wasm, stdlib };
}

/** A worker's stack has 984 kB in Chromium. */
const RECURSION = 720;

/**
 * What sandboxes in the browser run on: each guest is a classic worker of the opaque-origin frame
 * behind `control`, the port that `openSandboxFrame` gave. Closing it closes the frame's port, so
 * sandboxes that share a host leave that to its owner.
 */
export function browserHost(
  control: MessagePort,
  { loader: loaderText, glue, wasm, stdlib }: PyodideFiles,
): SandboxHost & { readonly close: () => void } {
  const loader = assembleLoader(loaderText, glue);
  const frame = new FrameClient(control, {
    type: 'files',
    source: workerSource(loader),
    wasm,
    stdlib,
  });
  const files = { loader, wasm, stdlib, abi: abiVersion(glue) };
  return { files, recursion: RECURSION, spawn: () => frame.spawn(), close: () => frame.close() };
}

/** The bytes at an address; rejects with a sentence when there are none. */
export async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(
      `Python could not be loaded: ${url} answered ${response.status}. Reload the page.`,
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** The guests' classic worker: Pyodide's loader and the guest, inlined. */
function workerSource(loader: string): string {
  return `${loader}\n(${workerMain.toString()})(${guestSource()});`;
}

function workerMain(start: GuestMain): void {
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  const post = scope.postMessage.bind(scope);
  const listen = scope.addEventListener.bind(scope);
  const boot = (event: MessageEvent<Parameters<GuestMain>[0]>): void => {
    scope.removeEventListener('message', boot);
    start(event.data, (reply) => void post(reply)).then(
      (handle) =>
        listen('message', (message) => void handle(message.data as Parameters<typeof handle>[0])),
      (error: unknown) => post({ type: 'failed', message: String(error).slice(0, 300) }),
    );
  };
  scope.addEventListener('message', boot);
}

interface Listeners {
  reply: (reply: unknown) => void;
  exit: (why: string, outside: boolean) => void;
}

/** This side of the frame: numbers its guests, notices its silence and asks for another. */
class FrameClient {
  private port: MessagePort | null = null;
  private waiting: (() => void)[] = [];
  private readonly guests = new Map<number, Listeners>();
  private count = 0;
  private missed = 0;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly control: MessagePort,
    private readonly files: ToFrame,
  ) {
    control.onmessage = (event: MessageEvent<FrameArrived>) => this.connect(event.data.port);
    this.timer = setInterval(() => this.watch(), PING_MS);
  }

  spawn(): Transport {
    const guest = (this.count += 1);
    const listeners: Listeners = { reply: () => undefined, exit: () => undefined };
    this.guests.set(guest, listeners);
    this.send({ type: 'spawn', guest });
    return {
      post: (message) => {
        if ('loader' in message) {
          const { loader: _loader, wasm: _wasm, stdlib: _stdlib, ...boot } = message;
          this.send({ type: 'boot', guest, boot });
        } else {
          this.send({ type: 'request', guest, request: message });
        }
      },
      kill: () => {
        if (this.guests.delete(guest)) this.send({ type: 'kill', guest });
      },
      onReply: (listener) => (listeners.reply = listener),
      onExit: (listener) => (listeners.exit = listener),
    };
  }

  close(): void {
    clearInterval(this.timer);
    this.port?.close();
  }

  private connect(port: MessagePort): void {
    this.port = port;
    this.missed = 0;
    port.onmessage = (event: MessageEvent<FromFrame>) => {
      this.missed = 0;
      const message = event.data;
      if (message.type === 'reply') this.guests.get(message.guest)?.reply(message.reply);
      else if (message.type === 'exit') this.guests.get(message.guest)?.exit(message.why, false);
    };
    port.postMessage(this.files);
    for (const send of this.waiting.splice(0)) send();
  }

  /** Messages wait for the frame; those to guests of a lost one are dropped with them. */
  private send(message: ToFrame): void {
    if (this.port !== null) this.port.postMessage(message);
    else this.waiting.push(() => this.port?.postMessage(message));
  }

  private watch(): void {
    if (this.port === null) return;
    this.missed += 1;
    if (this.missed <= MISSED) {
      this.port.postMessage({ type: 'ping' } satisfies ToFrame);
      return;
    }
    this.port.close();
    this.port = null;
    const lost = [...this.guests.values()];
    this.guests.clear();
    this.control.postMessage({ type: 'replace' } satisfies ReplaceFrame);
    for (const listeners of lost) listeners.exit('The sandbox frame was lost.', true);
  }
}
