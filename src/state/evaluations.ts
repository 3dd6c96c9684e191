import { createStore, type StoreApi } from 'zustand/vanilla';
import { messageOf } from '../lib/errors.ts';
import type { EvaluationConfig, EvaluationEvent, JudgedAnswer } from '../schema/evaluation.ts';
import type { DatasetOffer, EvaluationFiles, EvaluationHead } from '../schema/protocol.ts';
import type { SessionClient } from './client.ts';
import { extendEvaluation, foldEvaluation, type EvaluationView } from './evaluation.ts';
import { createKeyed, type Keyed } from './keyed.ts';
import { settle, type Loadable } from './loadable.ts';

export interface EvaluationsState {
  readonly datasets: Loadable<readonly DatasetOffer[]>;
  readonly list: Loadable<readonly EvaluationHead[]>;
  /** Asked for and not answered: data set, samples or model are being read. */
  readonly starting: boolean;
  /** Why the last one could not start: one sentence. */
  readonly refusal: string | null;
}

/** Everything the Evaluate screens ask of the session. */
export interface Evaluations {
  readonly store: StoreApi<EvaluationsState>;
  /** Evaluations looked at since the page opened, by id. */
  readonly views: StoreApi<Keyed<EvaluationView>>;
  /** Answers looked at lately, by `answerKey`. */
  readonly answers: StoreApi<Keyed<JudgedAnswer>>;
  refresh(): void;
  /** Reads once what data sets there are. */
  readDatasets(): void;
  /**
   * Keeps a file of problems; its name in `datasets`, or null when it is none to train on (a notice
   * says why).
   */
  addDataset(file: File): Promise<string | null>;
  /** Reads an evaluation once; later events arrive by themselves. */
  open(id: string): void;
  openAnswer(id: string, problem: string, sample: number): void;
  /** The new evaluation's id, or null when it could not start (`refusal` says why). */
  start(
    config: EvaluationConfig,
    files: { readonly dataset: Blob | null; readonly samples: Blob | null },
  ): Promise<string | null>;
  cancel(): void;
  remove(id: string): Promise<void>;
  /** What can be saved; null when there is nothing (a notice says why). */
  files(id: string): Promise<EvaluationFiles | null>;
  receive(id: string, events: readonly EvaluationEvent[]): void;
}

const ANSWER_CACHE = 40;

export function answerKey(id: string, problem: string, sample: number): string {
  return `${id}:${sample}:${problem}`;
}

export function createEvaluations(
  client: SessionClient,
  notify: (message: string) => void,
): Evaluations {
  const store = createStore<EvaluationsState>(() => ({
    datasets: { state: 'loading' },
    list: { state: 'loading' },
    starting: false,
    refusal: null,
  }));
  const set = store.setState;
  const get = store.getState;
  /** Events that came while their evaluation was being read. */
  const waiting = new Map<string, EvaluationEvent[]>();

  const views = createKeyed<EvaluationView>();
  const answers = createKeyed<JudgedAnswer>(ANSWER_CACHE);

  function read(id: string): void {
    waiting.set(id, []);
    void views
      .read(id, async () => {
        const view = foldEvaluation(id, await client.ask({ type: 'evaluation', id }));
        return extendEvaluation(view, waiting.get(id) ?? []) ?? view;
      })
      .finally(() => waiting.delete(id));
  }

  function refresh(): void {
    void settle(client.ask({ type: 'evaluations' }), (list) => set({ list }));
  }

  function readDatasets(): void {
    if (get().datasets.state === 'ready') return;
    void settle(client.ask({ type: 'datasets' }), (datasets) => set({ datasets }));
  }

  return {
    store,
    views: views.store,
    answers: answers.store,
    refresh,
    readDatasets,
    async addDataset(file) {
      try {
        const offer = await client.ask({ type: 'import-dataset', name: file.name, file });
        set({ datasets: { state: 'ready', data: await client.ask({ type: 'datasets' }) } });
        return offer.name;
      } catch (error) {
        notify(messageOf(error));
        return null;
      }
    },
    open(id) {
      const view = views.get(id);
      if (view === undefined || view.state === 'error') read(id);
    },
    openAnswer: (id, problem, sample) =>
      answers.open(answerKey(id, problem, sample), () =>
        client.ask({ type: 'answer', id, problem, sample }),
      ),
    async start(config, files) {
      set({ starting: true, refusal: null });
      try {
        const { id } = await client.ask({ type: 'evaluate', config, ...files });
        return id;
      } catch (error) {
        set({ refusal: messageOf(error) });
        return null;
      } finally {
        set({ starting: false });
      }
    },
    cancel() {
      client.ask({ type: 'cancel' }).catch((error: unknown) => notify(messageOf(error)));
    },
    async remove(id) {
      try {
        await client.ask({ type: 'delete-evaluation', id });
        views.forget(id);
      } catch (error) {
        notify(messageOf(error));
      }
      refresh();
    },
    async files(id) {
      try {
        return await client.ask({ type: 'evaluation-files', id });
      } catch (error) {
        notify(messageOf(error));
        return null;
      }
    },
    receive(id, events) {
      const held = waiting.get(id);
      if (held) return void held.push(...events);
      const view = views.get(id);
      if (view?.state !== 'ready') return; // read when opened
      const data = extendEvaluation(view.data, events);
      if (data) views.put(id, { state: 'ready', data });
      else read(id);
    },
  };
}
