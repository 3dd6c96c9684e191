import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What a request meets in place of, or on the way to, its answer. */
export interface Fault {
  /**
   * Which requests: `resolve`, `tree`, `revision` or `cdn`, and the file's path where it has one.
   */
  readonly at: 'revision' | 'tree' | 'resolve' | 'cdn';
  readonly path?: string;
  /** Requests that meet it; all of them by default. */
  times?: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection is destroyed when byte `cutAt` of the file has been sent. */
  readonly cutAt?: number;
  /** The connection goes quiet there instead. */
  readonly stallAt?: number;
  /** Bytes of the body are another file's. */
  readonly spoil?: boolean;
  /** Range is ignored: the whole file comes. */
  readonly whole?: boolean;
}

const COMMIT = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';

/**
 * Test support: a server that behaves like the hub for one repository, and misbehaves on demand.
 */
export class HubServer {
  readonly faults: Fault[] = [];
  /** Every request, as `<kind> <path> <first byte>`. */
  readonly asked: string[] = [];
  commit = COMMIT;
  tags: string[] = ['license:apache-2.0'];
  /** Ms between chunks of a body: for tests that need to be in the middle. */
  pace = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly repo: string,
    readonly files: Map<string, Uint8Array>,
    private readonly server: Server,
  ) {}

  static async start(repo: string, files: ReadonlyMap<string, Uint8Array>): Promise<HubServer> {
    const server = createServer();
    const hub = new HubServer(repo, new Map(files), server);
    server.on('request', (request, response) => void hub.answer(request, response));
    server.on('connection', (socket) => {
      hub.sockets.add(socket);
      socket.on('close', () => hub.sockets.delete(socket));
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return hub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((closed) => this.server.close(() => closed()));
  }

  /** Requests of the bodies' bytes. */
  bodies(path: string): number {
    return this.asked.filter((line) => line.startsWith(`cdn ${path} `)).length;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.endpoint);
    const headers: Record<string, string> = {
      'access-control-allow-origin': '*',
      'access-control-expose-headers':
        'ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Error-Code,Retry-After',
    };
    if (request.method === 'OPTIONS') {
      response
        .writeHead(204, { ...headers, 'access-control-allow-headers': 'authorization,range' })
        .end();
      return;
    }
    const json = (value: unknown) =>
      response
        .writeHead(200, { ...headers, 'content-type': 'application/json' })
        .end(JSON.stringify(value));
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const cdn = /^\/cdn\/(.+)$/.exec(url.pathname);
    const kind = api ? (api[2] as 'revision' | 'tree') : resolve ? 'resolve' : cdn ? 'cdn' : null;
    if (kind === null) return void response.writeHead(404, headers).end();
    const path = resolve?.[3] ?? cdn?.[1] ?? '';
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    this.asked.push(`${kind} ${path} ${from}`);
    const fault = this.meet(kind, path);
    if (fault?.status !== undefined)
      return void response.writeHead(fault.status, { ...headers, ...fault.headers }).end();

    const repo = api?.[1] ?? resolve?.[1];
    if (repo !== undefined && repo !== this.repo)
      return void response.writeHead(404, { ...headers, 'x-error-code': 'RepoNotFound' }).end();
    const revision = api?.[3] ?? resolve?.[2];
    if (revision !== undefined && revision !== 'main' && revision !== this.commit)
      return void response.writeHead(404, { ...headers, 'x-error-code': 'RevisionNotFound' }).end();
    if (kind === 'revision')
      return void json({
        _id: '1',
        id: this.repo,
        sha: this.commit,
        tags: this.tags,
        lastModified: '2026-01-01T00:00:00.000Z',
      });
    if (kind === 'tree')
      return void json([...this.files].map(([name, bytes]) => entryOf(name, bytes)));

    const bytes = this.files.get(path);
    if (!bytes)
      return void response.writeHead(404, { ...headers, 'x-error-code': 'EntryNotFound' }).end();
    if (kind === 'resolve' && isLarge(path)) {
      const sha = sha256(bytes);
      const linked = {
        'x-linked-etag': `"${sha}"`,
        'x-linked-size': String(bytes.length),
        'x-repo-commit': this.commit,
      };
      return void response
        .writeHead(302, { ...headers, ...linked, location: `/cdn/${path}` })
        .end();
    }
    await this.send(response, headers, request, bytes, from, fault);
  }

  private async send(
    response: ServerResponse,
    headers: Record<string, string>,
    request: IncomingMessage,
    bytes: Uint8Array,
    asked: number,
    fault: Fault | undefined,
  ): Promise<void> {
    const partial = request.headers.range !== undefined && !fault?.whole;
    const from = partial ? asked : 0;
    response.writeHead(partial ? 206 : 200, {
      ...headers,
      'content-length': String(bytes.length - from),
      'accept-ranges': 'bytes',
      etag: `"${sha256(bytes).slice(0, 32)}"`,
      ...(partial ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
      ...fault?.headers,
    });
    response.flushHeaders();
    const sent = fault?.spoil ? spoilt(bytes) : bytes;
    const end = fault?.cutAt ?? fault?.stallAt ?? sent.length;
    const chunk = 64 * 1024;
    response.setMaxListeners(0); // one for every wait below
    for (let at = from; at < end; at += chunk) {
      if (response.destroyed) return;
      const part = sent.subarray(at, Math.min(end, at + chunk));
      if (!response.write(part)) await taken(response);
      if (this.pace > 0) await new Promise((ready) => setTimeout(ready, this.pace));
    }
    if (fault?.stallAt !== undefined) return;
    if (fault?.cutAt !== undefined) setTimeout(() => response.destroy(), 20);
    else response.end();
  }

  private meet(kind: Fault['at'], path: string): Fault | undefined {
    const fault = this.faults.find(
      (candidate) =>
        candidate.at === kind &&
        (candidate.path === undefined || candidate.path === path) &&
        (candidate.times === undefined || candidate.times > 0),
    );
    if (fault?.times !== undefined) fault.times--;
    return fault;
  }
}

/** Resolves when a response takes more, or is gone. */
function taken(response: ServerResponse): Promise<void> {
  return new Promise((ready) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      ready();
    };
    response.on('drain', go).on('close', go);
  });
}

/** Another last byte. */
function spoilt(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  out[out.length - 1]! ^= 1;
  return out;
}

/** What the hub keeps as a large file. */
function isLarge(path: string): boolean {
  return path.endsWith('.safetensors') || path === 'tokenizer.json';
}

function entryOf(path: string, bytes: Uint8Array): object {
  const blob = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 134 };
  return { type: 'file', path, size: bytes.length, oid: blob, ...(isLarge(path) ? { lfs } : {}) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
