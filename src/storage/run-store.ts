import type { RunEvent } from '../schema/events.ts';

/**
 * Where a run lives. Browser: events and token columns in OPFS through synchronous access handles
 * in the session's worker, checkpoints in IndexedDB through idb-keyval (blob under a new key first,
 * then one pointer flip). Node: a folder with events.jsonl, tokens.bin, checkpoints/.
 */
export interface RunStore {
  /** Ids of stored runs, newest first. */
  list(): Promise<string[]>;
  open(runId: string): Promise<StoredRun>;
  delete(runId: string): Promise<void>;
}

/** A place in the log: what a checkpoint stores and resume cuts back to. */
export interface LogOffset {
  readonly events: number;
  readonly eventBytes: number;
  readonly tokenBytes: number;
}

export interface RunBytes {
  /** Of everything kept. */
  readonly total: number;
  /** Of these in checkpoints. */
  readonly checkpoints: number;
}

export interface StoredRun {
  readonly runId: string;
  /** Every whole event; a torn last line is dropped. */
  readEvents(): Promise<RunEvent[]>;
  /** Appends and makes durable before it resolves. */
  appendEvents(events: readonly RunEvent[]): Promise<void>;
  /** Returns the byte offset the block starts at. */
  appendTokens(block: Uint8Array): Promise<number>;
  readTokens(offset: number, bytes: number): Promise<Uint8Array>;
  offset(): LogOffset;
  /** Cuts events and tokens back to `offset`. */
  truncate(offset: LogOffset): Promise<void>;
  saveCheckpoint(checkpoint: Checkpoint): Promise<number>;
  /** The newest checkpoint that is whole and whose log is there. Reads only. */
  loadCheckpoint(): Promise<FoundCheckpoint>;
  /** Final artefacts a person may want (adapter files, summary.json). */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  readFile(path: string): Promise<Uint8Array | null>;
  close(): Promise<void>;
}

export interface FoundCheckpoint {
  /** Null where none can be used. */
  readonly checkpoint: Checkpoint | null;
  /** A sentence for each newer one that cannot be used: which, and why. */
  readonly passedOver: readonly string[];
}

export interface Checkpoint {
  readonly version: 1;
  /** Steps completed. */
  readonly step: number;
  readonly log: LogOffset;
  /** Method, data cursor, RNG and totals, as JSON. */
  readonly state: unknown;
  /** Engine.saveState of each adapter, by name. */
  readonly adapters: Readonly<Record<string, Uint8Array>>;
}
