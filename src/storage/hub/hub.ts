import type { listFiles as ListFiles, modelInfo as ModelInfo } from '@huggingface/hub';
import * as v from 'valibot';
import { messageOf } from '../../lib/errors.ts';
import { refusalOf, REVISION_NOT_FOUND } from './refusals.ts';
import { PassingFault, retryAfterMs, type Clock } from './retry.ts';

export const HUB = 'https://huggingface.co';

export interface HubOptions {
  /** Address of the hub, or of a mirror that somebody has set. */
  readonly endpoint: string;
  /** For models whose licence has to be accepted; sent to the endpoint only. */
  readonly token: string | null;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /**
   * A connection that brings nothing for so long is given up: a lid was closed, a network was left.
   */
  readonly stallMs: number;
}

export const STALL_MS = 30_000;

/** A file as the hub lists it. */
export interface RemoteFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Of large files. */
  readonly sha256: string | null;
  /** Git's SHA-1 of small ones. */
  readonly blob: string | null;
}

export interface RemoteModel {
  readonly repo: string;
  /** As asked for. */
  readonly revision: string;
  readonly commit: string;
  readonly licence: string | null;
  readonly files: readonly RemoteFile[];
}

/** The bytes of a file from `from` on. */
export interface RemoteBody {
  /** Names the version that is sent; null where the server does not say. */
  readonly etag: string | null;
  /** 0 where the server sends the whole file in place of a part. */
  readonly from: number;
  /** Bytes of the whole file; null where the server does not say. */
  readonly size: number | null;
  readonly chunks: AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** Ends the connection; to be called whether or not all has been read. */
  cancel(): void;
}

/** There is no such branch, tag or commit, or no longer. */
export class RevisionGone extends Error {
  override readonly name = 'RevisionGone';
}

const hash = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Info = v.object({ sha: hash(40), tags: v.optional(v.array(v.string()), []) });
const Entry = v.object({
  type: v.string(),
  path: v.string(),
  size,
  oid: v.nullish(v.string()),
  lfs: v.nullish(v.object({ oid: hash(64), size })),
});

/**
 * The model hub: what a repository holds, and its files from any byte on. Listing is
 * `@huggingface/hub`'s; its own download gives no say over where to go on from, so bytes are asked
 * for here, by Range requests to the address that a browser would use. Every request goes to the
 * hub itself first: the addresses that it redirects to are signed for an hour.
 *
 * One try each: faults that may pass are a `PassingFault`, others a sentence.
 */
export class Hub {
  constructor(private readonly options: HubOptions) {}

  /**
   * Without a slash at its end. Looked at when it is used: a wrong setting is no reason for a page
   * not to open.
   */
  private get endpoint(): string {
    const { endpoint } = this.options;
    const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
      throw new Error(
        `\`${endpoint}\` is set as the address of the model hub and is none; it should be like ${HUB}.`,
      );
    return url.href.replace(/\/+$/, '');
  }

  /** Files at the top of a repository, at the commit that `revision` names now. */
  async model(repo: string, revision: string, signal: AbortSignal): Promise<RemoteModel> {
    const { modelInfo, listFiles } = await hubLibrary();
    const common = { hubUrl: this.endpoint, fetch: this.fetcher(repo, revision, signal) };
    const info = this.parse(
      Info,
      await this.parsed(
        modelInfo({ ...common, name: repo, revision, additionalFields: ['sha', 'tags'] }),
      ),
      repo,
    );
    const files: RemoteFile[] = [];
    const entries = listFiles({
      ...common,
      repo: { type: 'model', name: repo },
      revision: info.sha,
    });
    for (;;) {
      const next = await this.parsed(entries.next());
      if (next.done) break;
      const entry = this.parse(Entry, next.value, repo);
      if (entry.type !== 'file') continue;
      const blob = entry.lfs ? null : (entry.oid ?? null);
      files.push({ path: entry.path, size: entry.size, sha256: entry.lfs?.oid ?? null, blob });
    }
    const licence =
      info.tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length) ?? null;
    return { repo, revision, commit: info.sha, licence, files };
  }

  /**
   * A file's bytes from `from` on. No If-Range is sent: in a page it would have to be allowed by
   * the server that the hub redirects to, and the caller compares `etag` itself.
   */
  async open(
    model: Pick<RemoteModel, 'repo' | 'commit'>,
    path: string,
    from: number,
    signal: AbortSignal,
  ): Promise<RemoteBody> {
    const { repo, commit } = model;
    const url = `${this.endpoint}/${repo}/resolve/${encodeURIComponent(commit)}/${path}`;
    const cut = new AbortController();
    const request = this.fetcher(repo, commit, AbortSignal.any([signal, cut.signal]), path);
    // With a Range header nobody compresses on the way, so that offsets are the file's own.
    const response = await request(url, { headers: { Range: `bytes=${from}-` } });
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
    const whole = response.status === 200;
    const length = Number(response.headers.get('content-length') ?? NaN);
    return {
      etag: response.headers.get('etag'),
      from: whole ? 0 : Number(range?.[1] ?? from),
      size: range ? Number(range[2]) : whole && Number.isFinite(length) ? length : null,
      chunks: this.chunks(response, path, cut),
      cancel: () => cut.abort(),
    };
  }

  private async *chunks(
    response: Response,
    path: string,
    cut: AbortController,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (!response.body) return;
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await this.within(reader.read(), cut);
        if (done) return;
        yield value;
      }
    } catch (error) {
      if (cut.signal.aborted) throw cut.signal.reason;
      throw passing(error, `The connection was cut while ${path} came`);
    }
  }

  /** Gives a connection up that brings nothing. */
  private async within<T>(answer: Promise<T>, cut: AbortController): Promise<T> {
    const seconds = this.options.stallMs / 1000;
    const timer = setTimeout(
      () => cut.abort(new PassingFault(`The connection brought nothing for ${seconds} s`)),
      this.options.stallMs,
    );
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** `fetch` with the token, whose answer is one that can be read; everything else is thrown. */
  private fetcher(
    repo: string,
    revision: string,
    signal: AbortSignal,
    path?: string,
  ): typeof fetch {
    const { token, clock } = this.options;
    const { endpoint } = this;
    return async (input, init) => {
      const headers = new Headers(init?.headers);
      if (token !== null) headers.set('Authorization', `Bearer ${token}`);
      const cut = new AbortController();
      let response: Response;
      try {
        const both = AbortSignal.any([signal, cut.signal]);
        response = await this.within(
          this.options.fetch(input, { ...init, headers, signal: both }),
          cut,
        );
      } catch (error) {
        if (cut.signal.aborted) throw cut.signal.reason;
        throw passing(error, `${new URL(endpoint).host} cannot be reached`);
      }
      if (response.ok) return response;
      const refusal = refusalOf(response, {
        endpoint,
        repo,
        revision,
        path: path ?? null,
        token: token !== null,
      });
      await response.body?.cancel();
      if (refusal !== null && response.headers.get('x-error-code') === REVISION_NOT_FOUND)
        throw new RevisionGone(refusal);
      if (refusal !== null) throw new Error(refusal);
      throw new PassingFault(
        `${new URL(endpoint).host} answers ${response.status}`,
        retryAfterMs(response.headers.get('retry-after'), clock.now()),
      );
    };
  }

  /**
   * What the library could not read: a cut in the middle of an answer, or an answer of some other
   * server.
   */
  private async parsed<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof SyntaxError)
        throw new Error(`${this.endpoint} does not answer as a model hub does: ${error.message}.`, {
          cause: error,
        });
      throw passing(error, 'The connection was cut while the list of files came');
    }
  }

  private parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown, repo: string): T {
    const parsed = v.safeParse(schema, value);
    if (parsed.success) return parsed.output;
    const issue = parsed.issues[0];
    throw new Error(
      `${this.endpoint} describes ${repo} in a way this version does not understand: ` +
        `${v.getDotPath(issue) ?? 'answer'}: ${issue.message}.`,
    );
  }
}

/** Loaded when a model is first asked for: a page that never downloads one does without it. */
function hubLibrary(): Promise<{ modelInfo: typeof ModelInfo; listFiles: typeof ListFiles }> {
  return import('@huggingface/hub');
}

/**
 * What `fetch` and its streams throw when a network fails is a TypeError; everything else is thrown
 * on as it is.
 */
function passing(error: unknown, what: string): Error {
  if (error instanceof TypeError) {
    const reason = error.cause instanceof Error ? `: ${messageOf(error.cause)}` : '';
    return new PassingFault(`${what}${reason}`);
  }
  return error instanceof Error ? error : new Error(messageOf(error));
}
