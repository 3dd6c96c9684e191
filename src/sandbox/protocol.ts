/**
 * Messages between the pool and a guest (the restricted process or worker that runs Pyodide). The guest answers each
 * request with its fresh random id; anything else that arrives from it is a reason to throw it away.
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
  /** Python that defines `boot()`, which returns `step(json) -> json`. */
  readonly python: string;
  /** Largest wasm heap in bytes: beyond it allocation fails with MemoryError. */
  readonly maxHeap: number;
  /** Memory image made by another guest (`makeImage`); boots five times faster. */
  readonly image?: Uint8Array | undefined;
  /** Answer the boot with an image. */
  readonly makeImage?: boolean;
}

export type GuestRequest =
  /** Calls Python's `step`. */
  | { readonly id: string; readonly type: 'step'; readonly text: string }
  /** Sets the heap back to where it was after boot. */
  | { readonly id: string; readonly type: 'restore' };

export type GuestReply =
  | { readonly type: 'ready'; readonly bootMs: number; readonly image?: Uint8Array | undefined }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'reply'; readonly id: string; readonly text: string; readonly ms: number }
  /** The interpreter died in this step (fatal error, stack overflow, exit). */
  | { readonly type: 'dead'; readonly id: string; readonly message: string }
  /** `recycle`: why this guest must not run another program, or null. */
  | { readonly type: 'restored'; readonly id: string; readonly recycle: string | null };
