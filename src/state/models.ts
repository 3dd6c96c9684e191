import { createStore, type StoreApi } from 'zustand/vanilla';
import { messageOf } from '../lib/errors.ts';
import type { ModelOffer, ModelPrecision, ModelTransfer } from '../schema/models.ts';
import type { SessionClient } from './client.ts';
import type { Loadable } from './loadable.ts';
import { isLive } from './model-places.ts';
import type { ModelsState } from './models-state.ts';
import { withSample } from './speed.ts';
import type { Wanted } from './wanted.ts';

/** Everything the screens ask about models. Failures become notices. */
export interface Models {
  readonly store: StoreApi<ModelsState>;
  refresh(): void;
  /** Asks the hub about a repository that is not offered by name. */
  lookUp(repo: string): void;
  /** Goes on with the downloads that a reload of this tab has cut off. */
  goOn(): void;
  /** Asks the browser not to clear this page's storage unasked. */
  persist(): Promise<void>;
  /**
   * The model's id, or null when it could not start. Also goes on with what was begun and mends
   * what is damaged.
   */
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

export function createModels(
  client: SessionClient,
  notify: (message: string) => void,
  wanted: Wanted,
): Models {
  const store = createStore<ModelsState>(() => ({
    shelf: { state: 'loading' },
    transfers: {},
    samples: {},
    lookUps: {},
  }));
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

  async function download(repo: string, precision: ModelPrecision): Promise<string | null> {
    const answer = await orNotice(client.ask({ type: 'download-model', repo, precision }));
    if (answer) wanted.add(answer.id);
    return answer?.id ?? null;
  }

  return {
    store,
    refresh,
    lookUp(repo) {
      const held = store.getState().lookUps[repo];
      if (held && held.state !== 'error') return;
      const put = (entry: Loadable<ModelOffer>) =>
        set((s) => ({ lookUps: { ...s.lookUps, [repo]: entry } }));
      put({ state: 'loading' });
      client
        .ask({ type: 'look-up-model', repo })
        .then((data) => put({ state: 'ready', data }))
        .catch((error: unknown) => put({ state: 'error', message: messageOf(error) }));
    },
    goOn() {
      for (const { repo, precision } of wanted.list()) void download(repo, precision);
    },
    async persist() {
      const granted = await navigator.storage.persist().catch(() => false);
      if (!granted)
        notify(
          'The browser does not promise to keep this page’s storage: some grant it only to ' +
            'pages that are bookmarked, installed or often used. What is here stays until the ' +
            'disk runs short.',
        );
      refresh();
    },
    download,
    importFiles: async (label, files, precision) =>
      (await orNotice(client.ask({ type: 'import-model', label, files, precision })))?.id ?? null,
    cancel: (id) => void orNotice(client.ask({ type: 'cancel-model', id })),
    async remove(id) {
      await orNotice(client.ask({ type: 'delete-model', id }));
      refresh();
    },
    receive(transfer) {
      const { id, done } = transfer;
      const live = isLive(transfer);
      const begun = store.getState().transfers[id] === undefined;
      set((s) => ({
        transfers: { ...s.transfers, [id]: transfer },
        samples: {
          ...s.samples,
          [id]: live ? withSample(s.samples[id] ?? [], { time: performance.now(), done }) : [],
        },
      }));
      if (!live) wanted.remove(id);
      if (!live || begun) refresh();
    },
  };
}
