import { createStore, type StoreApi } from 'zustand/vanilla';
import { messageOf } from '../lib/errors.ts';
import type { ModelPrecision, ModelShelf, ModelTransfer } from '../schema/models.ts';
import type { SessionClient } from './client.ts';
import type { Loadable } from './lab.ts';

export interface ModelsState {
  readonly shelf: Loadable<ModelShelf>;
  /** Downloads and imports of this tab since the page opened, by the id of the model; ended ones with how they ended. */
  readonly transfers: Readonly<Record<string, ModelTransfer>>;
}

/** Everything the screens ask about models. Failures become notices. */
export interface Models {
  readonly store: StoreApi<ModelsState>;
  refresh(): void;
  /** The model's id, or null when it could not start. Also goes on with what was begun and mends what is damaged. */
  download(repo: string, precision: ModelPrecision): Promise<string | null>;
  /** Keeps files of a chosen folder or of a drop, by their paths within the model's folder. */
  importFiles(
    label: string,
    files: readonly { readonly path: string; readonly file: Blob }[],
    precision: ModelPrecision,
  ): Promise<string | null>;
  cancel(id: string): void;
  remove(id: string): Promise<void>;
  receive(transfer: ModelTransfer): void;
}

export function createModels(client: SessionClient, notify: (message: string) => void): Models {
  const store = createStore<ModelsState>(() => ({ shelf: { state: 'loading' }, transfers: {} }));
  const set = store.setState;

  function refresh(): void {
    client
      .ask({ type: 'models' })
      .then((data) => set({ shelf: { state: 'ready', data } }))
      .catch((error: unknown) => set({ shelf: { state: 'error', message: messageOf(error) } }));
  }

  async function orNotice<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      notify(messageOf(error));
      return undefined;
    }
  }

  return {
    store,
    refresh,
    download: async (repo, precision) =>
      (await orNotice(client.ask({ type: 'download-model', repo, precision })))?.id ?? null,
    importFiles: async (label, files, precision) =>
      (await orNotice(client.ask({ type: 'import-model', label, files, precision })))?.id ?? null,
    cancel: (id) => void orNotice(client.ask({ type: 'cancel-model', id })),
    async remove(id) {
      await orNotice(client.ask({ type: 'delete-model', id }));
      refresh();
    },
    receive(transfer) {
      set((s) => ({ transfers: { ...s.transfers, [transfer.id]: transfer } }));
      if (transfer.state === 'done' || transfer.state === 'failed' || transfer.state === 'cancelled') refresh();
    },
  };
}
