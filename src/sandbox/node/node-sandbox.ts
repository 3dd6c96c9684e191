import { spawn as spawnProcess, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Transport } from '../guest-handle.ts';
import { abiVersion, assembleLoader } from '../guest/loader.ts';
import { HARNESS } from '../guest-python.ts';
import preload from '../preload.py';
import type { SandboxHost } from '../booter.ts';
import { createPythonSandbox, type PythonRunner, type SandboxOptions } from '../python-sandbox.ts';
import { childSource, PIECE_BYTES, type Piece } from './child.ts';

export interface NodeSandboxOptions extends Partial<SandboxOptions> {
  /**
   * Keep the interpreter's memory image on disk between runs (true): a start then takes under a
   * second.
   */
  readonly cache?: boolean;
}

/**
 * The sandbox under Node: each guest is a child process under Node's permission model with no grant
 * at all, an empty environment, no code from strings, and an empty network namespace where the
 * system allows one. Pyodide's files are handed in as bytes. Throws when Pyodide is not installed.
 */
export function createNodeSandbox(options: NodeSandboxOptions = {}): PythonRunner {
  return createPythonSandbox(nodeHost(options.cache ?? true), { workers: 1, ...options });
}

/** Pyodide's files and the way to start a guest process. */
export function nodeHost(cache: boolean): SandboxHost {
  const folder = dirname(createRequire(import.meta.url).resolve('pyodide/package.json'));
  const read = (name: string): Buffer<ArrayBuffer> => readFileSync(join(folder, name));
  const glue = read('pyodide.asm.js').toString('utf8');
  const wasm = read('pyodide.asm.wasm');
  const stdlib = read('python_stdlib.zip');
  const files = {
    loader: assembleLoader(read('pyodide.js').toString('utf8'), glue),
    stdlib: new Uint8Array(stdlib),
    wasm: new Uint8Array(wasm),
    abi: abiVersion(glue),
  };
  const key = createHash('sha256')
    .update(files.loader)
    .update(wasm)
    .update(stdlib)
    .update(preload)
    .update(HARNESS)
    .digest('hex');
  const kept = join(folder, '..', '.cache', 'afterthought', `pyodide-${key.slice(0, 24)}.image`);
  return {
    files,
    recursion: RECURSION,
    spawn,
    image: cache ? readImage(kept) : undefined,
    keepImage(image) {
      if (!cache) return;
      try {
        mkdirSync(dirname(kept), { recursive: true });
        // Written whole or not at all: another process may be reading it.
        const part = `${kept}.${process.pid}`;
        writeFileSync(part, createHash('sha256').update(image).digest());
        writeFileSync(part, image, { flag: 'a' });
        renameSync(part, kept);
      } catch {
        // A read-only installation only loses the quick start.
      }
    },
  };
}

/**
 * JavaScript's stack, of the 8 MiB that a process' first thread has, and what of CPython's count it
 * holds: a thousand levels of `sorted(key=…)`, four each.
 */
const STACK_KB = 5600;
const RECURSION = 4200;

/** An image of a fresh interpreter, or the largest answer; what is larger is not of our making. */
const MAX_PIECES = 256 * 1024 * 1024;

/** An image file is its SHA-256 and the image. */
function readImage(path: string): Uint8Array | undefined {
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  const image = new Uint8Array(
    bytes.buffer.slice(bytes.byteOffset + 32, bytes.byteOffset + bytes.length),
  );
  const intact = createHash('sha256').update(image).digest().equals(bytes.subarray(0, 32));
  return intact ? image : undefined;
}

let namespaceArguments: readonly string[] | null | undefined;

/** How to enter an empty network namespace here, or null where the system does not allow it. */
export function networkNamespace(): readonly string[] | null {
  namespaceArguments ??=
    [['-n'], ['-r', '-n']].find((args) => spawnSync('unshare', [...args, 'true']).status === 0) ??
    null;
  return namespaceArguments;
}

function spawn(): Transport {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  const flags = [
    permission,
    '--disallow-code-generation-from-strings',
    '--no-warnings',
    `--stack-size=${STACK_KB}`,
    '--eval',
    childSource(),
  ];
  const namespace = networkNamespace();
  const [command, args] =
    namespace === null
      ? [process.execPath, flags]
      : ['unshare', [...namespace, '--', process.execPath, ...flags]];
  const child = spawnProcess(command, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: namespace === null ? {} : { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    serialization: 'advanced',
  });
  let killed = false;
  // A caller that forgets to close the sandbox must still be able to end.
  child.unref();
  child.channel?.unref();
  return {
    pid: child.pid,
    post(message) {
      const quietly = (): void => undefined;
      if (!('loader' in message)) {
        child.send(message, quietly);
        return;
      }
      const { wasm, stdlib, image, ...rest } = message;
      for (const [piece, whole] of Object.entries({ wasm, stdlib, image })) {
        if (!(whole instanceof Uint8Array)) continue;
        for (let offset = 0; offset < whole.length; offset += PIECE_BYTES) {
          const bytes = whole.subarray(offset, offset + PIECE_BYTES);
          child.send({ piece, offset, total: whole.length, bytes } satisfies Piece, quietly);
        }
      }
      child.send(rest, quietly);
    },
    kill() {
      killed = true;
      child.kill('SIGKILL');
    },
    onReply(listener) {
      let whole: { piece: string; bytes: Uint8Array } | null = null;
      child.on('message', (message: Piece | object) => {
        if ('piece' in message) {
          if (message.total > MAX_PIECES) return;
          if (whole?.piece !== message.piece)
            whole = { piece: message.piece, bytes: new Uint8Array(message.total) };
          whole.bytes.set(message.bytes, message.offset);
        } else if (whole === null) {
          listener(message);
        } else {
          const { piece, bytes } = whole;
          whole = null;
          listener({
            ...message,
            [piece]: piece === 'text' ? new TextDecoder().decode(bytes) : bytes,
          });
        }
      });
    },
    onExit(listener) {
      child.on('error', (error) =>
        listener(`The sandbox process could not be started: ${error.message}`, true),
      );
      child.on('exit', (code, signal) => {
        if (killed) return;
        const how = signal ?? `code ${code ?? '?'}`;
        // Nothing in a process of ours sends these: an operator does, or a system short of memory.
        const outside = signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT';
        listener(`The sandbox process ended by itself (${how}).`, outside);
      });
    },
  };
}
