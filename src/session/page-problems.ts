import { CATALOG, HOSTS, type CatalogEntry } from '../data/catalog.ts';
import { bySplit, namedProblems, parseProblems, readProblems } from '../data/datasets.ts';
import type { LoadedProblem } from '../data/problem.ts';
import { messageOf } from '../lib/errors.ts';
import type { DatasetOffer } from '../schema/protocol.ts';

/**
 * The data sets of a page: the starter beside it, named ones from the hub, files that were given.
 */
export interface PageProblems {
  readonly offers: () => Promise<DatasetOffer[]>;
  readonly load: (name: string) => Promise<LoadedProblem[]>;
  /**
   * Keeps a file of problems, to be trained on by its name; throws a sentence where it holds none
   * to train on.
   */
  readonly add: (name: string, file: Blob) => Promise<DatasetOffer>;
}

/** Files that were fetched or given stay in the browser's cache under this name. */
const CACHE = 'datasets';
/** Below it lie files that were given, at no address that anything is fetched from. */
const GIVEN = 'https://given.invalid/';

/** @param base the page's address, which the starter problems lie below */
export function pageProblems(
  base: string,
  cache: () => Promise<Cache | null> = openCache,
): PageProblems {
  return {
    offers: async () => [
      { name: 'starter', problems: null, trains: true, needs: null, given: false },
      ...CATALOG.map((entry) => ({
        name: entry.name,
        problems: entry.problems,
        trains: entry.trains,
        needs: needs(entry),
        given: false,
      })),
      ...(await givenNames(await cache())).map((name) => ({
        name,
        problems: null,
        trains: true,
        needs: null,
        given: true,
      })),
    ],
    async add(name, file) {
      if (name === 'starter' || CATALOG.some((entry) => entry.name === name))
        throw new Error(`${name} is the name of another data set; give the file another one.`);
      const bytes = new Uint8Array(await file.arrayBuffer());
      const problems = await readProblems(bytes, name);
      const { train } = bySplit(problems);
      if (train.length === 0)
        throw new Error(
          `${name} has ${problems.length} problems and none in a training split; MBPP’s file ` +
            'has some, HumanEval’s and the plus sets are for Evaluate.',
        );
      const kept = await cache();
      if (!kept)
        throw new Error(
          'This page cannot keep files, as it is served without HTTPS; open it under localhost or HTTPS.',
        );
      const before = await given(kept, name);
      // A run that goes on must find the problems that it began with.
      if (before && !sameBytes(before, bytes))
        throw new Error(`Another file named ${name} is here already; give this one another name.`);
      await kept.put(addressOf(name), new Response(bytes));
      return { name, problems: problems.length, trains: true, needs: null, given: true };
    },
    async load(name) {
      if (name === 'starter') return starter(base);
      const entry = CATALOG.find((known) => known.name === name);
      if (!entry) {
        const kept = await cache();
        const bytes = kept && (await given(kept, name));
        if (!bytes)
          throw new Error(
            `There is no data set ${name} here; choose one of the list, or give its file.`,
          );
        return readProblems(bytes, name);
      }
      const needed = needs(entry);
      if (needed !== null) throw new Error(needed);
      return namedProblems(
        entry,
        await Promise.all(
          entry.files.map(async (file) => fetched(await cache(), entry, file.path)),
        ),
      );
    },
  };
}

/** Pages without HTTPS have none. */
async function openCache(): Promise<Cache | null> {
  const caches = globalThis.caches as CacheStorage | undefined;
  return caches ? caches.open(CACHE) : null;
}

const addressOf = (name: string) => GIVEN + encodeURIComponent(name);

async function given(cache: Cache, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const kept = await cache.match(addressOf(name));
  return kept ? new Uint8Array(await kept.arrayBuffer()) : null;
}

async function givenNames(cache: Cache | null): Promise<string[]> {
  const urls = cache ? (await cache.keys()).map(({ url }) => url) : [];
  return urls
    .filter((url) => url.startsWith(GIVEN))
    .map((url) => decodeURIComponent(url.slice(GIVEN.length)));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** The host of EvalPlus' releases lets no page read them. */
function needs(entry: CatalogEntry): string | null {
  const file = entry.files.find(({ host }) => host === 'releases');
  if (!file) return null;
  return (
    `A page cannot fetch ${entry.name}, as its host does not allow that; download ` +
    `${HOSTS.releases}/${file.path} and choose the file.`
  );
}

async function starter(base: string): Promise<LoadedProblem[]> {
  const parts = await Promise.all(
    ['train', 'validation', 'test'].map(async (split) => {
      const url = new URL(`problems/starter-${split}.jsonl`, base);
      const response = await fetch(url);
      if (!response.ok)
        throw new Error(
          `The starter problems could not be loaded: ${url.pathname} answered ${response.status}. Reload the page.`,
        );
      return parseProblems(await response.text(), `starter-${split}.jsonl`);
    }),
  );
  return parts.flat();
}

/**
 * A file of the hub, from the browser's cache or fetched. A page does not see the hash that the hub
 * announces before it redirects, so what holds the file against its catalogue entry is the number
 * of its problems.
 */
async function fetched(
  cache: Cache | null,
  entry: CatalogEntry,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = `${HOSTS.hub}/${path}`;
  const kept = await cache?.match(url);
  if (kept) return new Uint8Array(await kept.arrayBuffer());
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    await cache?.put(url, new Response(bytes));
    return bytes;
  } catch (error) {
    throw new Error(
      `${entry.name} cannot be fetched from ${new URL(url).host}: ${messageOf(error)}; choose its file instead.`,
      { cause: error },
    );
  }
}
