import { CATALOG, HOSTS, type CatalogEntry } from '../data/catalog.ts';
import { namedProblems, parseProblems } from '../data/datasets.ts';
import type { LoadedProblem } from '../data/problem.ts';
import { messageOf } from '../lib/errors.ts';
import type { DatasetOffer } from '../schema/protocol.ts';

/** The data sets of a page: the starter beside it, named ones from the hub. */
export interface PageProblems {
  readonly offers: readonly DatasetOffer[];
  readonly load: (name: string) => Promise<LoadedProblem[]>;
}

/** Files that were fetched stay in the browser's cache under this name. */
const CACHE = 'datasets';

/** @param base the page's address, which the starter problems lie below */
export function pageProblems(base: string): PageProblems {
  return {
    offers: [
      { name: 'starter', problems: null, trains: true, needs: null },
      ...CATALOG.map((entry) => ({ name: entry.name, problems: entry.problems, trains: entry.trains, needs: needs(entry) })),
    ],
    async load(name) {
      if (name === 'starter') return starter(base);
      const entry = CATALOG.find((known) => known.name === name);
      if (!entry) throw new Error(`There is no data set ${name}; choose one of the list, or a file.`);
      const needed = needs(entry);
      if (needed !== null) throw new Error(needed);
      return namedProblems(entry, await Promise.all(entry.files.map((file) => fetched(entry, file.path))));
    },
  };
}

/** The host of EvalPlus' releases lets no page read them. */
function needs(entry: CatalogEntry): string | null {
  const file = entry.files.find(({ host }) => host === 'releases');
  if (!file) return null;
  return `A page cannot fetch ${entry.name}, as its host does not allow that; download ${HOSTS.releases}/${file.path} and choose the file.`;
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
 * A file of the hub, from the browser's cache or fetched. A page does not see the hash that the hub announces before it
 * redirects, so what holds the file against its catalogue entry is the number of its problems.
 */
async function fetched(entry: CatalogEntry, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = `${HOSTS.hub}/${path}`;
  // Pages without HTTPS have no cache.
  const cache = (globalThis.caches as CacheStorage | undefined) && (await caches.open(CACHE));
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
