import { closeFileSystem, closeGlobalScope } from './fence.ts';
import { guest } from './guest.ts';
import { closeImports } from './imports.ts';
import { surroundings } from './surroundings.ts';

/**
 * `guest` with its parts as one expression: a function of the boot message and `send`, for places
 * that import nothing.
 */
export function guestSource(): string {
  const parts = Object.entries({
    surroundings,
    closeImports,
    closeFileSystem,
    closeGlobalScope,
  }).map(([name, part]) => `${name}: ${part.toString()}`);
  return `((boot, send) => (${guest.toString()})(boot, send, { ${parts.join(', ')} }))`;
}

/** What `guestSource` evaluates to. */
export type GuestMain = (
  boot: Parameters<typeof guest>[0],
  send: Parameters<typeof guest>[1],
) => ReturnType<typeof guest>;
