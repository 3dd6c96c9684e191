import { parseEvent, type RunEvent } from '../schema/events.ts';

const NEWLINE = 10;
const encoder = new TextEncoder();

/** Each value as JSON on a line of its own. */
export function encodeLines(events: readonly object[]): Uint8Array {
  return encoder.encode(events.map((event) => JSON.stringify(event) + '\n').join(''));
}

export interface ParsedLog<T> {
  readonly events: T[];
  /**
   * Bytes up to the end of the last whole event: what comes after is a torn write and may be cut.
   */
  readonly wholeBytes: number;
}

/** Parses a run's events.jsonl. */
export function parseLog(bytes: Uint8Array): ParsedLog<RunEvent> {
  return parseLogLines(bytes, parseEvent);
}

/**
 * Parses a log of JSON lines. A last line without its newline, or a tail that does not parse, was
 * torn by a kill or a power cut and is dropped; damage before a line that does parse is an error,
 * since cutting there would lose finished steps.
 */
export function parseLogLines<T>(bytes: Uint8Array, parse: (value: unknown) => T): ParsedLog<T> {
  const decoder = new TextDecoder('utf-8');
  const events: T[] = [];
  let wholeBytes = 0;
  let damage: unknown = null;
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) break;
    try {
      const event = parse(JSON.parse(decoder.decode(bytes.subarray(start, end))));
      if (damage !== null) throw new DamagedLog(events.length + 1, damage);
      events.push(event);
      wholeBytes = end + 1;
    } catch (error) {
      if (error instanceof DamagedLog) throw error;
      damage ??= error;
    }
    start = end + 1;
  }
  return { events, wholeBytes };
}

class DamagedLog extends Error {
  constructor(line: number, cause: unknown) {
    super(
      `Line ${line} of this log is damaged ` +
        `(${cause instanceof Error ? cause.message : String(cause)}), though later lines are ` +
        'whole; restore the file from a copy.',
    );
  }
}

/** How many events `bytes` of the log hold; counts newlines only. */
export function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}
