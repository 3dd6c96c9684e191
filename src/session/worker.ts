import { bySplit } from '../data/datasets.ts';
import { chooseProblems, type ProblemSets } from '../data/order.ts';
import { policyText, type MethodText } from '../data/prompts.ts';
import { graderOf } from '../eval/grade.ts';
import { openGraderOn } from '../eval/grader.ts';
import { loadChatTemplate } from '../model/text/chat.ts';
import { openEngine, readModelConfig } from '../model/gpu-engine.ts';
import { readAdapter, writeAdapter } from '../model/weights/peft.ts';
import { loadTokenizer, type Tokenizer } from '../model/text/tokenizer.ts';
import { httpSource } from '../model/weights/http-source.ts';
import type { FileSource } from '../model/weights/source.ts';
import { browserHost } from '../sandbox/browser/browser-sandbox.ts';
import { bundledPyodide } from '../sandbox/browser/bundled-pyodide.ts';
import { poolSize } from '../sandbox/pool.ts';
import { createPythonSandbox, type SandboxOptions } from '../sandbox/python-sandbox.ts';
import type { RunConfig } from '../schema/config.ts';
import type { RunPlan } from '../schema/plan.ts';
import type { BetweenTabs, FromPage } from '../schema/protocol.ts';
import { BrowserAdapters } from '../storage/browser/opfs-adapters.ts';
import { OpfsModels } from '../storage/browser/opfs-models.ts';
import { BrowserEvaluations } from '../storage/browser/opfs-evaluations.ts';
import { browserTunerCache } from '../storage/browser/tuner-cache.ts';
import { BrowserStore } from '../storage/browser/opfs-store.ts';
import { Hub, STALL_MS } from '../storage/hub/hub.ts';
import { systemClock } from '../storage/hub/retry.ts';
import {
  createModelStore,
  findStored,
  modelId,
  namedModel,
  openStored,
  parseModelName,
} from '../storage/models.ts';
import type { WorkerInit } from './connect.ts';
import { deviceReport } from './device-report.ts';
import { measureStep } from './measure.ts';
import { pageProblems } from './page-problems.ts';
import {
  longestPrompt,
  openPlanned,
  planAhead,
  planRun,
  storagePlan,
  type MachineMemory,
  type PlanOptions,
  type StorageRoom,
} from './planning.ts';
import { Session } from './session.ts';

/**
 * The session in the browser: a dedicated worker, so that the page answers while a model trains.
 */
const inbox = self as unknown as DedicatedWorkerGlobalScope;

const init = new Promise<WorkerInit>((resolve) => {
  const onInit = (event: MessageEvent<WorkerInit | FromPage>) => {
    if (!('type' in event.data)) return;
    inbox.removeEventListener('message', onInit);
    resolve(event.data);
  };
  inbox.addEventListener('message', onInit);
});

/** Once made, kept; a failure is not kept, so that the next run tries again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () =>
    (made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    }));
}

/** Sandboxes for training and for evaluations share the frame; each may be closed without it. */
const sandboxes = once(async () => {
  const { close: _shared, ...host } = browserHost((await init).sandbox, await bundledPyodide());
  return (options: SandboxOptions) => createPythonSandbox(host, options);
});
const workers = poolSize(navigator.hardwareConcurrency);
const sandbox = once(async () => (await sandboxes())({ workers }));
const grader = once(async () => graderOf(await sandbox()));

const models = once(async () => {
  const endpoint = (await init).hub;
  const hub = new Hub({
    endpoint,
    token: null,
    fetch: fetch.bind(self),
    clock: systemClock,
    stallMs: STALL_MS,
  });
  const folders = await OpfsModels.create(claim);
  return { store: createModelStore({ folders, hub, clock: systemClock }), hub: endpoint };
});

/**
 * The embedded model beside the page, or one that is stored here, by its id or by its name and the
 * run's weights.
 */
async function source(model: string, weights: RunConfig['weights']): Promise<FileSource> {
  if (model === 'nano')
    return httpSource(new URL('models/nano/', (await init).base).href, { label: 'nano' });
  return openStored((await models()).store, model, weights);
}

const tokenizers = new Map<string, () => Promise<Tokenizer>>();
async function tokenizer({
  model,
  weights,
}: Pick<RunConfig, 'model' | 'weights'>): Promise<Tokenizer> {
  const key = `${model} ${weights}`;
  let load = tokenizers.get(key);
  if (!load) {
    load = once(async () => {
      const files = await source(model, weights);
      const tokenizer = await loadTokenizer(files, await readModelConfig(files));
      for (const note of tokenizer.notes) console.warn(note);
      return tokenizer;
    });
    tokenizers.set(key, load);
  }
  return load();
}

async function problems(config: RunConfig): Promise<ProblemSets> {
  const sets = bySplit(await pageProblems((await init).base).load(config.dataset));
  return {
    train: chooseProblems(sets.train, config.train, config.seed, 'train'),
    val: chooseProblems(sets.val, config.val, config.seed, 'validation'),
    test: chooseProblems(sets.test, config.test, config.seed, 'test'),
  };
}

/**
 * One tab owns a run or fetches a model: the lock is held until the function that comes back is
 * called, or the tab is gone.
 */
function claim(name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(null);
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}

async function isHeld(name: string): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some((lock) => lock.name === name && lock.mode === 'exclusive');
}

/** Waits beside others, and lets go at once. */
async function freed(name: string): Promise<void> {
  await navigator.locks.request(name, { mode: 'shared' }, () => undefined);
}

/** Between the sessions of all tabs. */
const tabs = new BroadcastChannel('afterthought-runs');

async function openModel(config: Pick<RunConfig, 'model' | 'weights'>) {
  const files = await source(config.model, config.weights);
  const [words, chat, engine] = await Promise.all([
    tokenizer(config),
    loadChatTemplate(files),
    openEngine({
      gpu: navigator.gpu,
      source: files,
      weights: config.weights,
      tunerCache: browserTunerCache,
    }),
  ]);
  return { engine, text: policyText(config.model === 'nano' ? 'nano' : 'other', words, chat) };
}

const GIB = 2 ** 30;

/** A run's model with what its plan needs. */
async function planned(
  config: RunConfig,
  sets: ProblemSets,
  memory: number | null,
): Promise<PlanOptions & { readonly text: MethodText }> {
  const files = await source(config.model, config.weights);
  const text = policyText(
    config.model === 'nano' ? 'nano' : 'other',
    await tokenizer(config),
    await loadChatTemplate(files),
    config,
  );
  return {
    gpu: navigator.gpu,
    source: files,
    config,
    promptTokens: longestPrompt(text, sets),
    machine: machineMemory(memory),
    text,
  };
}

/** Chromium tells the machine's memory, rounded and 8 GiB at most; other browsers tell nothing. */
function machineMemory(given: number | null): MachineMemory {
  const { deviceMemory } = navigator as { readonly deviceMemory?: number };
  return { system: deviceMemory === undefined ? null : deviceMemory * GIB, given };
}

/** Of a model that is here by its files; of another by what the hub says of it. */
async function plan(config: RunConfig, memory: number | null): Promise<RunPlan> {
  const sets = await problems(config);
  const { store } = await models();
  if (config.model === 'nano' || (await findStored(store, config.model, config.weights))) {
    const found = await planRun(await planned(config, sets, memory));
    return { memory: found, storage: storagePlan(config, found, await room()), ahead: null };
  }
  const { repo, revision, wanted } = namedModel(config.model, config.weights);
  const [{ config: model }, stored] = await Promise.all([
    store.lookUp(`${repo}@${revision}`),
    store.list(),
  ]);
  const present = stored.find(({ id }) => id === modelId(repo, revision, wanted))?.bytes ?? 0;
  return planAhead({
    gpu: navigator.gpu,
    config,
    machine: machineMemory(memory),
    model,
    kept: wanted,
    present,
    sets,
    room: await room(),
  });
}

async function room(): Promise<StorageRoom> {
  const [{ quota, usage }, persisted] = await Promise.all([
    navigator.storage.estimate(),
    navigator.storage.persisted(),
  ]);
  return { free: quota === undefined ? null : Math.max(0, quota - (usage ?? 0)), persisted };
}

/** The PEFT files that a finished run has left, or that were imported. */
function adapterOf(store: BrowserStore, imported: BrowserAdapters, id: string) {
  if (BrowserAdapters.owns(id)) return imported.source(id);
  return { label: `Run ${id}`, read: (path: string) => store.peekFile(id, `adapter/${path}`) };
}

const session = once(async () => {
  const library = await BrowserStore.create();
  const adapters = await BrowserAdapters.create();
  const { offers, load, add } = pageProblems((await init).base);
  return new Session({
    library,
    adapters,
    device: () => deviceReport(navigator.gpu),
    models: await models(),
    tokenizer,
    claim: (runId) => claim(`run ${runId}`),
    held: (runId) => isHeld(`run ${runId}`),
    freed: (runId) => freed(`run ${runId}`),
    tell: (message) => tabs.postMessage(message),
    post: (message, transfer) => inbox.postMessage(message, transfer ?? []),
    plan,
    measure: async (config, memory) => {
      const options = await planned(config, await problems(config), memory);
      const { engine } = await openPlanned(options);
      try {
        return await measureStep(
          engine,
          config,
          options.promptTokens,
          () => performance.now() / 1000,
        );
      } finally {
        engine.destroy();
      }
    },
    run: {
      openModel: async (config, sets, memory = null) => {
        const options = await planned(config, sets, memory);
        const [opened] = await Promise.all([
          openPlanned(options),
          sandbox().then((s) => s.ready()),
        ]);
        return { ...opened, text: options.text, device: opened.engine.opened.info };
      },
      room,
      problems,
      grade: async (problem, completion, options) => (await grader())(problem, completion, options),
      adapterFiles: (tensors, config) =>
        writeAdapter(
          { config: config.lora, tensors },
          parseModelName(config.model)?.repo ?? config.model,
        ),
      clock: Date.now,
    },
    evaluations: {
      store: await BrowserEvaluations.create(),
      datasets: offers,
      addDataset: add,
      problems: load,
      openModel: async (model, adapter) => {
        const { engine, text } = await openModel({ model, weights: null });
        if (adapter === null) return { engine, text, adapter: 'none' };
        try {
          const { config, tensors } = await readAdapter(
            adapterOf(library, adapters, adapter),
            engine.config,
          );
          engine.loadAdapter('student', config, tensors);
        } catch (error) {
          engine.destroy();
          throw error;
        }
        return { engine, text, adapter: 'student' };
      },
      openGrader: async () => openGraderOn(await sandboxes(), { workers, evaluation: true }),
      clock: Date.now,
    },
  });
});

// The page parses what the session hands on, as it does everything.
tabs.addEventListener('message', ({ data }: MessageEvent<BetweenTabs>) => {
  session().then(
    (s) => s.hear(data),
    () => undefined, // the page's own requests say why there is no session
  );
});

inbox.addEventListener('message', (event: MessageEvent<WorkerInit | FromPage>) => {
  const message = event.data;
  if ('type' in message) return;
  session().then(
    (s) => s.receive(message),
    (error: unknown) =>
      inbox.postMessage({
        type: 'failure',
        id: message.id,
        message: error instanceof Error ? error.message : String(error),
      }),
  );
});
