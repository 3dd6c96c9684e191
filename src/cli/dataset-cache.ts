import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { HOSTS, type CatalogEntry, type CatalogFile } from '../data/catalog.ts';
import { messageOf } from '../lib/errors.ts';
import { parseJson } from '../lib/json.ts';
import { cacheFolder } from './cache-folder.ts';
import { remark } from './io.ts';

/** Files with the SHA-256 they had when they came, by their path at the host. */
const Index = v.object({
  version: v.literal(1),
  files: v.record(v.string(), v.object({ sha256: v.string() })),
});
type Index = v.InferOutput<typeof Index>;

export interface CacheOptions {
  /** `cacheFolder` by default. */
  readonly folder?: string;
  /** Other addresses for the hosts: `HF_ENDPOINT` for the hub, as its own tools have it. */
  readonly hosts?: Partial<Record<CatalogFile['host'], string>>;
}

/** The files of a named data set: from the cache when their hash is still right, else fetched. */
export async function cachedFiles(
  entry: CatalogEntry,
  options: CacheOptions = {},
): Promise<Uint8Array<ArrayBuffer>[]> {
  const { HF_ENDPOINT } = process.env;
  const folder = options.folder ?? cacheFolder('datasets');
  const hosts = {
    ...HOSTS,
    ...(HF_ENDPOINT === undefined ? {} : { hub: HF_ENDPOINT }),
    ...options.hosts,
  };
  const indexFile = join(folder, 'index.json');
  const index = await readIndex(indexFile);
  const out: Uint8Array<ArrayBuffer>[] = [];
  for (const file of entry.files) {
    const path = join(folder, entry.name, file.path.replace(/[^\w.-]+/g, '_'));
    const known = index.files[file.path]?.sha256;
    const kept = known === undefined ? null : await readFile(path).catch(() => null);
    if (kept !== null && sha256(kept) === known) {
      out.push(new Uint8Array(kept));
      continue;
    }
    if (kept !== null) remark(`${path} is not what was stored there; it is fetched again.`);
    const bytes = await download(`${hosts[file.host]}/${file.path}`, entry.name, file.sha256);
    await replaceFile(path, bytes);
    index.files[file.path] = { sha256: sha256(bytes) };
    await replaceFile(indexFile, `${JSON.stringify(index, null, 2)}\n`);
    out.push(bytes);
  }
  return out;
}

async function readIndex(path: string): Promise<Index> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return { version: 1, files: {} };
  return parseJson(Index, text, path);
}

/** Written whole or not at all: another process may be reading it. */
async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, content);
  await rename(part, path);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const FIRST_HOPS = 5;

/**
 * Fetches a file and holds it against the hash that is known, or that the hub announces before it
 * redirects.
 */
async function download(
  url: string,
  name: string,
  known: string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  remark(`${name} is fetched from ${new URL(url).host}.`);
  let wanted = known;
  let at = url;
  try {
    for (let hop = 0; hop < FIRST_HOPS; hop++) {
      const response = await fetch(at, { redirect: 'manual' });
      const announced = /^"?([0-9a-f]{64})"?$/.exec(
        response.headers.get('x-linked-etag') ?? '',
      )?.[1];
      wanted ??= announced;
      const next = response.headers.get('location');
      if (response.status >= 300 && response.status < 400 && next !== null) {
        at = new URL(next, at).href;
        continue;
      }
      if (!response.ok) throw new Error(`the server answers ${response.status}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (wanted !== undefined && sha256(bytes) !== wanted) {
        throw new Error(`what came has the SHA-256 ${sha256(bytes)} and should have ${wanted}`);
      }
      return bytes;
    }
    throw new Error('the server redirects without end');
  } catch (error) {
    const reason =
      error instanceof Error && error.cause instanceof Error
        ? error.cause.message
        : messageOf(error);
    throw new Error(
      `${name} cannot be fetched from ${url}: ${reason}; give a file instead, e.g. --dataset mbpp.jsonl.`,
      { cause: error },
    );
  }
}
