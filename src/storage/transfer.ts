import { turn } from '../lib/turn.ts';
import type { ModelTransfer } from '../schema/models.ts';
import { converting, copying, type Converter } from '../model/weights/convert.ts';
import { openDigest, type Digest } from './digest.ts';
import { RevisionGone, type RemoteBody } from './hub/hub.ts';
import { PassingFault, Retries, type Clock } from './hub/retry.ts';
import { encodeLines } from './log-lines.ts';
import type { ModelFolder, ModelWriter } from './model-folders.ts';
import {
  doneBytes,
  NOT_BEGUN,
  totalBytes,
  type FileState,
  type JournalLine,
  type Plan,
  type SourceFile,
} from './model-journal.ts';
import { isWeights, type Origin, type OriginPlan } from './origin.ts';

export type TransferProgress = Pick<ModelTransfer, 'state' | 'file' | 'done' | 'total' | 'note'>;

export interface TransferPorts {
  readonly folder: ModelFolder;
  readonly origin: Origin;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TransferProgress) => void;
  /** Bytes of the source between two durable positions. */
  readonly durableEvery: number;
}

/**
 * Source bytes after which what has come is made safe: a killed tab fetches no more than this
 * again.
 */
export const DURABLE_EVERY = 16 * 2 ** 20;

/**
 * Times that one file may start again because it is not what it was, before that is taken for what
 * the server does.
 */
const MOST_CHANGES = 3;

/** What became of one go at a file. */
type Outcome =
  { readonly type: 'whole' } | { readonly type: 'changed' | 'wrong'; readonly why: string };

/** Brings the files of one model into a folder, each from where its journal left it. */
export class Transfer {
  private readonly retries: Retries;
  private readonly changes = new Map<string, number>();
  private readonly wrong = new Set<string>();
  private note: string | null = null;
  /** The file that comes now. */
  private current: FileWork | null = null;

  constructor(
    private readonly ports: TransferPorts,
    private plan: Plan,
    private readonly states: Map<string, FileState>,
    private readonly journal: ModelWriter,
  ) {
    this.retries = new Retries(ports.clock, ports.signal, (note) => this.report('waiting', note));
  }

  /** Resolves with the plan that was carried out, and the size of each file as it is kept. */
  async run(): Promise<{ readonly plan: Plan; readonly kept: ReadonlyMap<string, number> }> {
    for (;;) {
      const file = this.plan.files.find(({ path }) => this.state(path).kept === null);
      if (!file) break;
      const outcome = await this.bring(file);
      if (outcome.type === 'changed') await this.startAgain(file, outcome.why);
      else if (outcome.type === 'wrong') await this.throwAway(file, outcome.why);
    }
    return {
      plan: this.plan,
      kept: new Map(this.plan.files.map(({ path }) => [path, this.state(path).kept ?? 0])),
    };
  }

  private state(path: string): FileState {
    return this.states.get(path) ?? NOT_BEGUN;
  }

  /** The file is another one than it was: it starts again, with what the hub lists now. */
  private async startAgain(file: SourceFile, why: string): Promise<void> {
    const times = (this.changes.get(file.path) ?? 0) + 1;
    this.changes.set(file.path, times);
    if (times > MOST_CHANGES)
      throw new Error(
        `${file.path} of ${this.plan.repo} is another one each time it is asked for (${why}); ` +
          'try again later, or another mirror.',
      );
    this.note = `${file.path} starts again: ${why}.`;
    const now = await this.ports.origin.plan(this.plan.precision, this.retries, this.ports.signal);
    await this.replan(now, file.path);
  }

  private async replan(now: OriginPlan, again: string): Promise<void> {
    const before = new Map(this.plan.files.map((file) => [file.path, file]));
    this.plan = { ...this.plan, ...now };
    const other = this.plan.files.filter((file) => {
      const old = before.get(file.path);
      return (
        file.path === again ||
        !old ||
        old.size !== file.size ||
        old.sha256 !== file.sha256 ||
        old.blob !== file.blob
      );
    });
    await this.log([
      { type: 'plan', plan: this.plan },
      ...other.map(({ path }) => ({ type: 'again' as const, path })),
    ]);
    for (const { path } of other) this.states.set(path, NOT_BEGUN);
  }

  /** A file whose hash is wrong is fetched once more, then given up. */
  private async throwAway(file: SourceFile, why: string): Promise<void> {
    await this.ports.folder.remove(file.path);
    await this.log([{ type: 'again', path: file.path }]);
    this.states.set(file.path, NOT_BEGUN);
    if (this.wrong.has(file.path)) {
      throw new Error(
        `${file.path} of ${this.plan.repo} came damaged twice: ${why}. It was thrown away, ` +
          'what else has come is kept; try again later, or another network.',
      );
    }
    this.wrong.add(file.path);
    this.note = `${file.path} came damaged (${why}) and is fetched once more.`;
  }

  private async bring(file: SourceFile): Promise<Outcome> {
    const state = this.state(file.path);
    const converter = this.converter(file, state);
    const digest = await openDigest(file, state.digest);
    const writer = await this.ports.folder.write(file.path, converter.written);
    const work = new FileWork(file, state.etag, converter, digest, writer);
    this.current = work;
    try {
      const outcome = await this.stream(work);
      if (outcome.type === 'changed') return outcome;
      await this.save(work);
      const difference = digest.difference();
      if (difference !== null) return { type: 'wrong', why: difference };
      await this.log([{ type: 'done', path: file.path, kept: converter.written }]);
      this.states.set(file.path, { ...this.state(file.path), kept: converter.written });
      return outcome;
    } catch (error) {
      // What the fault was matters more than bytes that may have to come again.
      await this.save(work).catch(() => undefined);
      throw error;
    } finally {
      this.current = null;
      await writer.close();
    }
  }

  private converter(file: SourceFile, state: FileState): Converter {
    const { precision } = this.plan;
    if (precision === 'stored' || !isWeights(file.path)) return copying(file.size, state);
    return converting(file.size, precision, file.path, state);
  }

  /** Asks for the file's bytes until all have come; makes them safe from time to time. */
  private async stream(work: FileWork): Promise<Outcome> {
    const { origin, signal } = this.ports;
    const { file } = work;
    while (!work.whole) {
      let body: RemoteBody | null = null;
      try {
        body = await origin.open(this.plan, file.path, work.received, signal);
        const why = work.differs(body);
        if (why !== null) return { type: 'changed', why };
        await this.read(work, body);
        if (!work.whole)
          throw new PassingFault(`${file.path} ended at byte ${work.received} of ${file.size}`);
      } catch (error) {
        if (error instanceof RevisionGone)
          return { type: 'changed', why: 'the commit that it was begun at is gone' };
        if (!(error instanceof PassingFault)) throw error;
        await this.save(work);
        await this.retries.after(error);
      } finally {
        body?.cancel();
      }
    }
    return { type: 'whole' };
  }

  /** Takes a body up to the file's end or its own. */
  private async read(work: FileWork, body: RemoteBody): Promise<void> {
    let surplus = work.received - body.from;
    for await (const chunk of body.chunks) {
      const fresh = chunk.subarray(Math.min(surplus, chunk.length));
      surplus -= chunk.length - fresh.length;
      if (fresh.length === 0) continue;
      this.retries.progress();
      await work.receive(fresh);
      if (work.converter.position - work.safe >= this.ports.durableEvery) await this.save(work);
      this.report('running', this.note);
      if (work.whole) return;
      // Where bytes come faster than they are converted the next ones are there at once, and nobody
      // could call it off.
      await turn();
      this.ports.signal.throwIfAborted();
    }
  }

  /** Makes what has come of a file outlive a kill. */
  private async save(work: FileWork): Promise<void> {
    const { file, converter, digest, etag } = work;
    if (converter.position === work.safe) return;
    await work.writer.flush();
    const { path } = file;
    const { position, header } = converter;
    const before = this.state(path);
    const lines: JournalLine[] = [{ type: 'at', path, position, digest: digest.save(), etag }];
    if (header !== null && before.header === null) lines.unshift({ type: 'header', path, header });
    await this.log(lines);
    this.states.set(path, { ...before, position, header, digest: digest.save(), etag });
    work.safe = position;
  }

  private async log(lines: readonly JournalLine[]): Promise<void> {
    await this.journal.append(encodeLines(lines));
    await this.journal.flush();
  }

  private report(state: TransferProgress['state'], note: string | null): void {
    const { plan, states, current } = this;
    const fresh = current ? current.received - this.state(current.file.path).position : 0;
    this.ports.onProgress({
      state,
      file: current?.file.path ?? null,
      done: doneBytes(plan, states) + fresh,
      total: totalBytes(plan),
      note,
    });
  }
}

/**
 * One file on its way: bytes are gathered to the pieces that its converter takes, hashed, converted
 * and written.
 */
class FileWork {
  /** Source bytes that the journal has. */
  safe: number;
  private piece: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  private filled = 0;

  constructor(
    readonly file: SourceFile,
    public etag: string | null,
    readonly converter: Converter,
    readonly digest: Digest,
    readonly writer: ModelWriter,
  ) {
    this.safe = converter.position;
  }

  /** Bytes of the source here, those of an unfinished piece included. */
  get received(): number {
    return this.converter.position + this.filled;
  }

  get whole(): boolean {
    return this.converter.next() === 0;
  }

  /** Why this body does not go on where the file was left; null where it does. */
  differs(body: Pick<RemoteBody, 'etag' | 'from' | 'size'>): string | null {
    const { size, path } = this.file;
    if (body.size !== null && body.size !== size)
      return `it was listed with ${size} bytes and is sent with ${body.size}`;
    if (body.from > this.received)
      return `it is sent from byte ${body.from}, from ${this.received} was asked for`;
    if (this.etag !== null && body.etag !== null && body.etag !== this.etag)
      return `it has changed at the server since ${path} was begun`;
    this.etag ??= body.etag;
    return null;
  }

  async receive(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    for (
      let wanted = this.converter.next();
      rest.length > 0 && wanted > 0;
      wanted = this.converter.next()
    ) {
      const part = rest.subarray(0, wanted - this.filled);
      rest = rest.subarray(part.length);
      if (this.piece.length < wanted) this.grow(wanted);
      this.piece.set(part, this.filled);
      this.filled += part.length;
      if (this.filled < wanted) return;
      const piece = this.piece.subarray(0, wanted);
      this.digest.update(piece);
      this.filled = 0;
      await this.writer.append(this.converter.take(piece));
    }
  }

  private grow(length: number): void {
    const larger = new Uint8Array(length);
    larger.set(this.piece.subarray(0, this.filled));
    this.piece = larger;
  }
}

export function inPrecision(precision: Plan['precision']): string {
  return precision === 'stored' ? 'as stored' : `at ${precision}`;
}
