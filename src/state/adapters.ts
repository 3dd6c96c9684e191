import { createStore, type StoreApi } from 'zustand/vanilla';
import { messageOf } from '../lib/errors.ts';
import type { ImportedAdapter, NamedFile } from '../schema/protocol.ts';
import type { SessionClient } from './client.ts';
import type { Loadable } from './loadable.ts';

/** Adapters that were made elsewhere. Failures become notices. */
export interface Adapters {
  readonly store: StoreApi<{ readonly list: Loadable<readonly ImportedAdapter[]> }>;
  refresh(): void;
  add(label: string, files: readonly NamedFile[]): Promise<void>;
  remove(id: string): Promise<void>;
}

export function createAdapters(client: SessionClient, notify: (message: string) => void): Adapters {
  const store = createStore<{ readonly list: Loadable<readonly ImportedAdapter[]> }>(() => ({
    list: { state: 'loading' },
  }));

  function refresh(): void {
    client
      .ask({ type: 'adapters' })
      .then((data) => store.setState({ list: { state: 'ready', data } }))
      .catch((error: unknown) =>
        store.setState({ list: { state: 'error', message: messageOf(error) } }),
      );
  }

  async function change(answer: Promise<unknown>): Promise<void> {
    await answer.catch((error: unknown) => notify(messageOf(error)));
    refresh();
  }

  return {
    store,
    refresh,
    add: (label, files) => change(client.ask({ type: 'import-adapter', label, files })),
    remove: (id) => change(client.ask({ type: 'delete-adapter', id })),
  };
}
