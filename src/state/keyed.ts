import { createStore, type StoreApi } from 'zustand/vanilla';
import { settle, type Loadable } from './loadable.ts';

/** Values by keys, which may come from an address: a Map, since every object has a `__proto__`. */
export type Keyed<T> = ReadonlyMap<string, Loadable<T>>;

export interface KeyedStore<T> {
  readonly store: StoreApi<Keyed<T>>;
  get(key: string): Loadable<T> | undefined;
  put(key: string, value: Loadable<T>): void;
  /** Reads what is not held, or could not be read the last time. */
  open(key: string, read: () => Promise<T>): void;
  /** Reads in any case; what is held stays until then. An answer that a later read overtook is lost. */
  read(key: string, read: () => Promise<T>): Promise<void>;
  forget(key: string): void;
}

/** @param most keys that are kept; those looked at longest ago make room. */
export function createKeyed<T>(most = Infinity): KeyedStore<T> {
  const store = createStore<Keyed<T>>(() => new Map());
  const reads = new Map<string, number>();
  let nextRead = 0;

  const get = (key: string) => store.getState().get(key);
  const change = (f: (held: Map<string, Loadable<T>>) => void) => {
    const held = new Map(store.getState());
    f(held);
    store.setState(held, true);
  };
  const put = (key: string, value: Loadable<T>) =>
    change((held) => {
      held.delete(key);
      held.set(key, value);
      for (const oldest of held.keys()) {
        if (held.size <= most) break;
        held.delete(oldest);
      }
    });
  const read = async (key: string, ask: () => Promise<T>) => {
    const mine = ++nextRead;
    reads.set(key, mine);
    if (get(key)?.state !== 'ready') put(key, { state: 'loading' });
    await settle(ask(), (value) => {
      if (reads.get(key) === mine) put(key, value);
    });
    if (reads.get(key) === mine) reads.delete(key);
  };

  return {
    store,
    get,
    put,
    read,
    open(key, ask) {
      const held = get(key);
      if (held === undefined || held.state === 'error') void read(key, ask);
    },
    forget(key) {
      reads.delete(key);
      change((held) => held.delete(key));
    },
  };
}
