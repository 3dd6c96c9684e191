/**
 * Messages between the pool and a guest (the restricted process or worker that runs Pyodide). The
 * guest answers each request with its fresh random id; anything else that arrives from it is a
 * reason to throw it away.
 */
export interface GuestBoot {
  /** Pyodide's loader and its wasm glue, made into one classic script by `assembleLoader`. */
  readonly loader: string;
  readonly stdlib: Uint8Array;
  /** `info.abi_version` of pyodide-lock.json. */
  readonly abi: string;
  /** Bytes, or (inside one frame) the module compiled once. */
  readonly wasm: Uint8Array | WebAssembly.Module;
  /** Imports made before the image is taken. */
  readonly preload: string;
  /** Python that defines `boot()`, which returns `step(json) -> json`; in the image too. */
  readonly harness: string;
  /** The same for a guest that is to do something else. */
  readonly python?: string | undefined;
  /** Largest wasm heap in bytes: beyond it allocation fails with MemoryError. */
  readonly maxHeap: number;
  /** What CPython may count of recursion through C before this place's stack could overflow. */
  readonly recursion: number;
  /** Memory image made by another guest (`makeImage`); boots five times faster. */
  readonly image?: Uint8Array | undefined;
  /** Answer the boot with an image. */
  readonly makeImage?: boolean;
  /** Private paths not to take: tests force the fallbacks with it. */
  readonly without?: readonly PrivatePath[];
}

/**
 * What is done through Pyodide's private interface. Each has a fallback: cold boots, a fresh guest
 * a program, a guest lost to each overflow of the stack.
 */
export type PrivatePath = 'snapshot' | 'restore' | 'stackGuard';

export type GuestRequest =
  /**
   * Calls Python's `step` with each text in turn, one reply a step. A first step that is not
   * answered `{"ok":true` is the last. Then sets the heap back, unless the interpreter is to keep
   * its state.
   */
  {
    readonly id: string;
    readonly type: 'run';
    readonly steps: readonly string[];
    readonly restore: boolean;
    /** Characters that an answer may have. */
    readonly longest: number;
  };

export type GuestReply =
  /** `paths`: the private paths that work in this guest. */
  | {
      readonly type: 'ready';
      readonly bootMs: number;
      readonly paths: readonly PrivatePath[];
      readonly image?: Uint8Array | undefined;
    }
  | { readonly type: 'failed'; readonly message: string }
  /** Of step `index`; `ms` as measured inside. */
  | {
      readonly type: 'reply';
      readonly id: string;
      readonly index: number;
      readonly text: string;
      readonly ms: number;
    }
  /** The interpreter died in this run (fatal error, stack overflow, exit). */
  | { readonly type: 'dead'; readonly id: string; readonly message: string }
  /** Ends a run. `recycle`: why this guest must not run another program, or null. `heap`: bytes. */
  | {
      readonly type: 'done';
      readonly id: string;
      readonly recycle: string | null;
      readonly heap: number;
    };
