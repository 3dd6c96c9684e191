import * as v from 'valibot';
import { GuestLost, type GuestHandle } from './guest-handle.ts';

/** What a program wrote: the first 4 kB and the bytes in all. */
export const Output = v.tuple([v.pipe(v.string(), v.maxLength(4096)), v.number()]);

export function outputText([kept, total]: [string, number]): string {
  return total > 4096 ? `${kept}\n… ${total} bytes in all` : kept;
}

/** Characters of one answer: what the budgets allow, with room for a large expected value. */
const MAX_REPLY = 256_000_000;

/** A guest's answer by its schema; undefined when the program has been at the harness. */
export function parseReply<T>(schema: v.GenericSchema<unknown, T>, text: string): T | undefined {
  if (text.length > MAX_REPLY) return undefined;
  try {
    const parsed = v.safeParse(schema, JSON.parse(text) as unknown);
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** The program has been at the harness: that is its own death, not the sandbox's failure. */
export function tampered(guest: GuestHandle): never {
  guest.kill('its answer was not in the harness’ form');
  throw new GuestLost('The harness’ answer was tampered with.');
}
