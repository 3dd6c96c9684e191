import * as v from 'valibot';
import { MODEL_PRECISIONS } from '../schema/models.ts';
import { parseLogLines } from './log-lines.ts';

/** Written first and growing while a model comes; gone once it is whole. */
export const JOURNAL = 'download.jsonl';
/** Written last: the model is whole. */
export const MARKER = 'model.json';

const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A file of the source. */
export const SourceFile = v.object({
  path: v.pipe(v.string(), v.regex(/^[^/\\]+$/)),
  size: bytes,
  sha256: v.nullable(v.string()),
  blob: v.nullable(v.string()),
});
export type SourceFile = v.InferOutput<typeof SourceFile>;

const identity = {
  version: v.literal(1),
  id: v.string(),
  repo: v.string(),
  revision: v.nullable(v.string()),
  commit: v.nullable(v.string()),
  precision: v.picklist(MODEL_PRECISIONS),
  licence: v.nullable(v.string()),
};

/**
 * What is fetched; `needs` is what it will take here, in bytes, as well as could be told before it
 * came.
 */
export const Plan = v.object({ ...identity, files: v.array(SourceFile), needs: bytes });
export type Plan = v.InferOutput<typeof Plan>;

/**
 * What has come: `kept` is the size of each file here, which is less than its source's where it was
 * converted.
 */
export const Marker = v.object({
  ...identity,
  files: v.array(v.object({ ...SourceFile.entries, kept: bytes })),
});
export type Marker = v.InferOutput<typeof Marker>;

const Line = v.variant('type', [
  v.object({ type: v.literal('plan'), plan: Plan }),
  /** The source's header of a file that is converted. */
  v.object({ type: v.literal('header'), path: v.string(), header: v.string() }),
  /**
   * So far a file is safe: source bytes, the state of its hash, and the version that the bytes are
   * of.
   */
  v.object({
    type: v.literal('at'),
    path: v.string(),
    position: bytes,
    digest: v.string(),
    etag: v.nullable(v.string()),
  }),
  v.object({ type: v.literal('done'), path: v.string(), kept: bytes }),
  /** A file starts again from its first byte. */
  v.object({ type: v.literal('again'), path: v.string() }),
]);
export type JournalLine = v.InferOutput<typeof Line>;

/** How far one file is. */
export interface FileState {
  readonly position: number;
  readonly header: string | null;
  readonly digest: string | null;
  readonly etag: string | null;
  /** Bytes here once the file is whole; null before. */
  readonly kept: number | null;
}

export const NOT_BEGUN: FileState = {
  position: 0,
  header: null,
  digest: null,
  etag: null,
  kept: null,
};

export interface Journal {
  /** Null where the first line was torn: nothing is known yet. */
  readonly plan: Plan | null;
  readonly files: ReadonlyMap<string, FileState>;
  /** Up to the end of the last whole line. */
  readonly bytes: number;
}

/** Reads a journal; a torn last line is dropped, a later plan replaces what earlier ones said. */
export function readJournal(content: Uint8Array): Journal {
  const { events, wholeBytes } = parseLogLines(content, (value) => v.parse(Line, value));
  let plan: Plan | null = null;
  const files = new Map<string, FileState>();
  for (const line of events) {
    if (line.type === 'plan') {
      plan = line.plan;
      continue;
    }
    const before = files.get(line.path) ?? NOT_BEGUN;
    switch (line.type) {
      case 'header':
        files.set(line.path, { ...before, header: line.header });
        break;
      case 'at':
        files.set(line.path, {
          ...before,
          position: line.position,
          digest: line.digest,
          etag: line.etag,
        });
        break;
      case 'done':
        files.set(line.path, { ...before, kept: line.kept });
        break;
      case 'again':
        files.set(line.path, NOT_BEGUN);
        break;
      default:
        line satisfies never;
    }
  }
  return { plan, files, bytes: wholeBytes };
}

/** Bytes of the source that need not be fetched again. */
export function doneBytes(plan: Plan, files: ReadonlyMap<string, FileState>): number {
  return plan.files.reduce((sum, file) => {
    const state = files.get(file.path) ?? NOT_BEGUN;
    return sum + (state.kept === null ? state.position : file.size);
  }, 0);
}

export function totalBytes(plan: Pick<Plan, 'files'>): number {
  return plan.files.reduce((sum, file) => sum + file.size, 0);
}
