import * as v from 'valibot';

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
