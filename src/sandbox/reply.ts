import * as v from 'valibot';
import { ProgramError } from '../schema/verdict.ts';

/** What a program wrote: the first 4 kB and the bytes in all. */
export const Output = v.tuple([v.pipe(v.string(), v.maxLength(4096)), v.number()]);

export function outputText([kept, total]: [string, number]): string {
  return total > 4096 ? `${kept}\n… ${total} bytes in all` : kept;
}

/** An error as the harness describes it, held to the bounds that it keeps. */
export const RaisedError = v.object({
  ...ProgramError.entries,
  type: v.pipe(v.string(), v.maxLength(80)),
  message: v.pipe(v.string(), v.maxLength(300)),
  lines: v.pipe(v.array(v.number()), v.maxLength(20)),
});

/**
 * Characters that an answer may have under a request's budget. A part takes 72 at most (a complex
 * number), a character of text 12 (a pair of escapes); the rest is for output and an error.
 */
export function replyLimit({ nodes = 0, text = 0 }: { nodes?: number; text?: number }): number {
  return 72 * nodes + 12 * text + 200_000;
}

/**
 * A guest's answer by its schema; undefined when the program has been at the harness. Its length is
 * looked at first: an answer that is far too long would block this side while it is read.
 */
export function parseReply<T>(
  schema: v.GenericSchema<unknown, T>,
  text: string,
  limit: number,
): T | undefined {
  if (text.length > limit) return undefined;
  try {
    const parsed = v.safeParse(schema, JSON.parse(text) as unknown);
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
