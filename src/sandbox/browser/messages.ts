import type { GuestBoot, GuestRequest } from '../protocol.ts';

/** From the session's worker to the frame, over the port. Guests are numbered by the sender. */
export type ToFrame =
  /** Sent once: what every guest is made of, as text and bytes (a compiled module cannot cross the frame). */
  | {
      readonly type: 'files';
      readonly loader: string;
      readonly guest: string;
      readonly worker: string;
      readonly stdlib: Uint8Array;
      readonly wasm: Uint8Array;
      readonly abi: string;
    }
  | {
      readonly type: 'boot';
      readonly guest: number;
      readonly boot: Omit<GuestBoot, 'loader' | 'stdlib' | 'wasm' | 'abi'>;
    }
  | { readonly type: 'request'; readonly guest: number; readonly request: GuestRequest }
  | { readonly type: 'kill'; readonly guest: number };

export type FromFrame =
  /** Whatever the guest posted: unknown, since hostile code may have posted it. */
  | { readonly type: 'reply'; readonly guest: number; readonly reply: unknown }
  | { readonly type: 'exit'; readonly guest: number; readonly why: string };
