import { messageOf } from '../lib/errors.ts';
import { decodeCheckpoint } from './checkpoint-codec.ts';
import { countLines } from './log-lines.ts';
import type { Checkpoint, FoundCheckpoint, LogOffset } from './run-store.ts';

const NEWLINE = 10;

export interface StoredCheckpoint {
  /** As a person finds it: a file's path, a key of the database. */
  readonly name: string;
  readonly read: () => Promise<Uint8Array>;
}

/** The log that a checkpoint points into. */
export interface CheckpointedLog extends Pick<LogOffset, 'eventBytes' | 'tokenBytes'> {
  /** The first `bytes` of events.jsonl. */
  readonly eventsUpTo: (bytes: number) => Promise<Uint8Array>;
}

/**
 * The first of `stored` (newest first) that is whole and whose log is still there, and a sentence
 * for each one before it. Reads only.
 */
export async function usableCheckpoint(
  stored: readonly StoredCheckpoint[],
  log: CheckpointedLog,
): Promise<FoundCheckpoint> {
  const passedOver: string[] = [];
  for (const { name, read } of stored) {
    try {
      const checkpoint = decodeCheckpoint(await read());
      const why = await mismatch(checkpoint, log);
      if (why === null) return { checkpoint, passedOver };
      passedOver.push(`${name}: ${why}`);
    } catch (error) {
      passedOver.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { checkpoint: null, passedOver };
}

/** Why the log is not the one that `checkpoint` was written beside; null where it is. */
async function mismatch({ log: at }: Checkpoint, log: CheckpointedLog): Promise<string | null> {
  if (at.eventBytes > log.eventBytes)
    return `It needs ${at.eventBytes} bytes of events.jsonl, which has ${log.eventBytes} whole ones.`;
  if (at.tokenBytes > log.tokenBytes)
    return `It needs ${at.tokenBytes} bytes of tokens.bin, which has ${log.tokenBytes}.`;
  const before = await log.eventsUpTo(at.eventBytes);
  const lines = countLines(before);
  if (lines !== at.events || (lines > 0 && before.at(-1) !== NEWLINE))
    return (
      `The first ${at.eventBytes} bytes of events.jsonl held ${at.events} events when it was ` +
      `written and hold ${lines} now, so the file was changed since.`
    );
  return null;
}
