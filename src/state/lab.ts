import { createStore, type StoreApi } from 'zustand/vanilla';
import {
  decodeDistillationBlock,
  decodeTokenBlock,
  type DistillationBlock,
  type TokenBlock,
} from '../schema/columns.ts';
import type { Method, RunConfig } from '../schema/config.ts';
import type { RunEvent } from '../schema/events.ts';
import type {
  DamagedItem,
  DeviceReport,
  NamedFile,
  RunSummary,
  SessionStatus,
} from '../schema/protocol.ts';
import { messageOf } from '../lib/errors.ts';
import { createSessionClient, type Channel, type SessionClient } from './client.ts';
import { createEvaluations, type Evaluations } from './evaluations.ts';
import { createModels, type Models } from './models.ts';
import { createPlans, type Plans } from './plans.ts';
import { createAdapters, type Adapters } from './adapters.ts';
import { wantedDownloads } from './wanted.ts';
import { createKeyed, type Keyed } from './keyed.ts';
import { settle, type Loadable } from './loadable.ts';
import { createRecords, type Records } from './records.ts';
import { extendRun, foldRun, type RunView } from './fold.ts';

export interface RolloutTokens {
  readonly block: TokenBlock;
  /** Text of each token, special ones included. */
  readonly text: readonly string[];
}

export interface TargetTokens {
  readonly block: DistillationBlock;
  /** By id: of the target's tokens and of those that teacher and student find likeliest. */
  readonly texts: ReadonlyMap<number, string>;
}

export interface LabState {
  readonly status: SessionStatus;
  /** What runs that go on in other tabs are doing, by id. */
  readonly elsewhere: ReadonlyMap<string, SessionStatus>;
  readonly device: Loadable<DeviceReport>;
  readonly runs: Loadable<readonly RunSummary[]>;
  /** Runs and evaluations that are stored and cannot be read. */
  readonly damaged: Loadable<readonly DamagedItem[]>;
  /** What went wrong lately, one sentence each. */
  readonly notices: readonly { readonly id: number; readonly message: string }[];
  /** A start or resume has been asked for and not answered. */
  readonly starting: boolean;
}

/**
 * Everything the screens ask of the session. Failures become notices, so no caller has to catch.
 */
export interface Lab {
  /** What it holds is read from a report: nothing can be started, kept or deleted. */
  readonly isReport: boolean;
  readonly store: StoreApi<LabState>;
  /** The defaults of methods and models looked at since the page opened, by `presetKey`. */
  readonly presets: StoreApi<Keyed<RunConfig>>;
  /** Runs looked at since the page opened, by id. */
  readonly views: StoreApi<Keyed<RunView>>;
  /** Token columns looked at lately, by `tokensKey`. */
  readonly tokens: StoreApi<Keyed<RolloutTokens>>;
  /** Distilled targets looked at lately, by the same key. */
  readonly distillations: StoreApi<Keyed<TargetTokens>>;
  readonly evaluations: Evaluations;
  readonly models: Models;
  readonly adapters: Adapters;
  readonly records: Records;
  readonly plans: Plans;
  checkDevice(): void;
  /** Reads the defaults of a method for a model once. */
  openPreset(method: Method, model: string): void;
  refreshRuns(): void;
  /** Reads a run's log once; later events arrive by themselves. */
  openRun(runId: string): void;
  openTokens(runId: string, rollout: string): void;
  openDistillation(runId: string, rollout: string): void;
  /** The new run's id, or null when it could not start. */
  start(config: RunConfig): Promise<string | null>;
  resume(runId: string): Promise<boolean>;
  /** Does the evaluation after training of a run that was stopped. */
  evaluateStopped(runId: string): Promise<unknown>;
  pause(): void;
  stop(): void;
  deleteRun(runId: string): Promise<void>;
  deleteDamaged(item: DamagedItem): Promise<void>;
  /** Everything kept of a run but its checkpoints; null when it cannot be had. */
  runFiles(runId: string): Promise<readonly NamedFile[] | null>;
  /** Keeps a run that was made elsewhere; its id, or null. */
  importRun(files: readonly NamedFile[]): Promise<string | null>;
  /** Says what went wrong, until it is dismissed, its screen is left, or `NOTICE_MS` are over. */
  notify(message: string): void;
  dismiss(notice: number): void;
  /** Another screen is shown: what was said of the one before goes. */
  leaveScreen(): void;
  /** The worker is gone: nothing can be asked any more. */
  lost(message: string): void;
}

/** How long a notice stays, ms: long enough to read it twice. */
export const NOTICE_MS = 30_000;

const TOKEN_CACHE = 40;

export function tokensKey(runId: string, rollout: string): string {
  return `${runId}:${rollout}`;
}

export function presetKey(method: Method, model: string): string {
  return `${method}:${model}`;
}

/**
 * @param schedule runs its callback soon, at most once a frame: live events are folded together,
 *   not one by one.
 * @param isReport `channel` answers from a report.
 */
export function createLab(
  channel: Channel,
  schedule: (callback: () => void) => void,
  isReport = false,
): Lab {
  const store = createStore<LabState>(() => ({
    status: { state: 'idle' },
    elsewhere: new Map(),
    device: { state: 'loading' },
    runs: { state: 'loading' },
    damaged: { state: 'loading' },
    notices: [],
    starting: false,
  }));
  const { getState: get, setState: set } = store;
  const presets = createKeyed<RunConfig>();
  const views = createKeyed<RunView>();
  const tokens = createKeyed<RolloutTokens>(TOKEN_CACHE);
  const distillations = createKeyed<TargetTokens>(TOKEN_CACHE);
  let nextNotice = 1;
  const waiting = new Map<string, RunEvent[]>();
  let scheduled = false;

  const dismiss = (notice: number) =>
    set((s) => ({ notices: s.notices.filter((n) => n.id !== notice) }));
  const notify = (message: string) => {
    if (get().notices.some((n) => n.message === message)) return;
    const id = nextNotice++;
    set((s) => ({ notices: [...s.notices, { id, message }] }));
    setTimeout(() => dismiss(id), NOTICE_MS);
  };

  const client: SessionClient = createSessionClient(channel, {
    events(runId, events) {
      const held = waiting.get(runId);
      if (held) held.push(...events);
      else waiting.set(runId, [...events]);
      if (scheduled) return;
      scheduled = true;
      schedule(flush);
    },
    evaluation: (id, events) => evaluations.receive(id, events),
    model: (transfer) => models.receive(transfer),
    status(status) {
      const before = get().status;
      set({ status });
      if (before.state === status.state) return;
      refreshRuns();
      if (before.state === 'evaluating' || status.state === 'evaluating') evaluations.refresh();
    },
    elsewhere(runId, status) {
      const before = get().elsewhere;
      const elsewhere = new Map(before);
      if (status) elsewhere.set(runId, status);
      else elsewhere.delete(runId);
      set({ elsewhere });
      if (before.has(runId) === elsewhere.has(runId)) return;
      refreshRuns();
      // What was written between the last message and the end.
      if (!status && views.get(runId)) readLog(runId);
    },
    broken: notify,
  });

  const evaluations = createEvaluations(client, notify);
  const plans = createPlans(client);
  const adapters = createAdapters(client, notify);
  const models = createModels(client, notify, wantedDownloads());

  function orNotice<T>(answer: Promise<T>): Promise<T | null> {
    return answer.catch((error: unknown) => {
      notify(messageOf(error));
      return null;
    });
  }

  function flush(): void {
    scheduled = false;
    for (const runId of [...waiting.keys()]) {
      const view = views.get(runId);
      // A log being read takes what has come meanwhile when it is there; a run nobody looks at is
      // read when opened.
      if (view?.state === 'loading') continue;
      const events = waiting.get(runId) ?? [];
      waiting.delete(runId);
      if (view?.state !== 'ready' || events.length === 0) continue;
      if (follows(view.data, events))
        views.put(runId, { state: 'ready', data: extendRun(view.data, events) });
      // the log was cut back by a resume, or a message is missing: read it whole
      else readLog(runId);
    }
  }

  function readLog(runId: string): void {
    void views.read(runId, async () => {
      const view = foldRun(runId, await client.ask({ type: 'log', runId }));
      const later = (waiting.get(runId) ?? []).filter((event) => event.seq >= view.nextSeq);
      waiting.delete(runId);
      return follows(view, later) ? extendRun(view, later) : view;
    });
  }

  function refreshRuns(): void {
    load('runs', client.ask({ type: 'runs' }));
    load('damaged', client.ask({ type: 'damaged' }));
  }

  function load<K extends 'device' | 'runs' | 'damaged'>(
    key: K,
    answer: Promise<LabState[K] extends Loadable<infer T> ? T : never>,
  ): void {
    void settle(answer, (value) => set({ [key]: value } as unknown as Pick<LabState, K>));
  }

  async function begin(
    request:
      | { type: 'start'; config: RunConfig; memory: number | null }
      | { type: 'resume' | 'evaluate-stopped'; runId: string },
  ): Promise<string | null> {
    set({ starting: true });
    const asked = request.type === 'start' ? keepStorage() : null;
    try {
      if (asked) await asked;
      const { runId } = await client.ask(request);
      if (request.type === 'resume' && views.get(runId)) readLog(runId);
      refreshRuns();
      return runId;
    } catch (error) {
      notify(messageOf(error));
      return null;
    } finally {
      set({ starting: false });
    }
  }

  const tell = (type: 'pause' | 'stop') => {
    client.ask({ type }).catch((error: unknown) => notify(messageOf(error)));
  };

  return {
    isReport,
    store,
    presets: presets.store,
    views: views.store,
    tokens: tokens.store,
    distillations: distillations.store,
    evaluations,
    models,
    adapters,
    records: createRecords(client),
    plans,
    checkDevice: () => load('device', client.ask({ type: 'device' })),
    openPreset: (method, model) =>
      presets.open(presetKey(method, model), () => client.ask({ type: 'preset', method, model })),
    refreshRuns,
    openRun(runId) {
      const view = views.get(runId);
      if (view === undefined || view.state === 'error') readLog(runId);
    },
    openTokens: (runId, rollout) =>
      tokens.open(tokensKey(runId, rollout), async () => {
        const { block, text } = await client.ask({ type: 'tokens', runId, rollout });
        return { block: decodeTokenBlock(new Uint8Array(block)), text };
      }),
    openDistillation: (runId, rollout) =>
      distillations.open(tokensKey(runId, rollout), async () => {
        const { block, texts } = await client.ask({ type: 'distillation', runId, rollout });
        return { block: decodeDistillationBlock(new Uint8Array(block)), texts: new Map(texts) };
      }),
    start: (config) => begin({ type: 'start', config, memory: plans.store.getState().memory }),
    resume: async (runId) => (await begin({ type: 'resume', runId })) !== null,
    evaluateStopped: (runId) => begin({ type: 'evaluate-stopped', runId }),
    pause: () => tell('pause'),
    stop: () => tell('stop'),
    async deleteRun(runId) {
      try {
        await client.ask({ type: 'delete', runId });
        views.forget(runId);
      } catch (error) {
        notify(messageOf(error));
      }
      refreshRuns();
    },
    async deleteDamaged({ kind, id }) {
      await orNotice<unknown>(
        client.ask(
          kind === 'run' ? { type: 'delete', runId: id } : { type: 'delete-evaluation', id },
        ),
      );
      refreshRuns();
    },
    runFiles: (runId) => orNotice(client.ask({ type: 'run-files', runId })),
    async importRun(files) {
      const answer = await orNotice(client.ask({ type: 'import-run', files }));
      refreshRuns();
      return answer?.runId ?? null;
    },
    notify,
    dismiss,
    leaveScreen: () => set({ notices: [] }),
    lost: (message) => client.fail(message),
  };
}

/** Longest that a start waits for the browser's answer, which may be a question to the user, ms. */
const PERSIST_WAIT = 2000;

/**
 * Asks the browser, once, not to delete what is stored here when the disk gets full. Only pages can
 * ask; whether it was granted the session reads.
 */
function keepStorage(): Promise<unknown> | null {
  // not there in tests
  const page = globalThis.navigator as { readonly storage?: Partial<StorageManager> } | undefined;
  const asked = page?.storage?.persist?.().catch(() => false);
  return asked
    ? Promise.race([asked, new Promise((resolve) => setTimeout(resolve, PERSIST_WAIT))])
    : null;
}

/** True where `events` go on exactly where `view` ends. */
function follows(view: RunView, events: readonly RunEvent[]): boolean {
  return events.every((event, i) => event.seq === view.nextSeq + i);
}
