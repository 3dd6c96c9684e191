import type { ModelPrecision } from '../schema/models.ts';
import { modelParts } from './model-places.ts';

/**
 * Downloads that this tab has asked for and that have not ended: what a reload cuts off and goes on
 * with.
 */
export interface Wanted {
  add(id: string): void;
  remove(id: string): void;
  list(): readonly { readonly repo: string; readonly precision: ModelPrecision }[];
}

const KEY = 'afterthought.downloads';

/**
 * Kept for the life of the tab: a page that is opened another day begins no download of its own
 * accord. A browser that refuses storage forgets them; the model then waits as one that was begun.
 */
export function wantedDownloads(
  storage: Pick<Storage, 'getItem' | 'setItem'> | undefined = globalThis.sessionStorage,
): Wanted {
  const read = (): string[] => {
    try {
      const value: unknown = JSON.parse(storage?.getItem(KEY) ?? '[]');
      return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
    } catch {
      return [];
    }
  };
  const write = (ids: readonly string[]) => {
    try {
      storage?.setItem(KEY, JSON.stringify(ids));
    } catch {
      // as if it had been refused
    }
  };
  return {
    add: (id) => write([...new Set([...read(), id])]),
    remove: (id) => write(read().filter((held) => held !== id)),
    list: () => read().flatMap((id) => modelParts(id) ?? []),
  };
}
