import { bySplit, parseProblems } from '../data/datasets.ts';
import { chooseProblems, type ProblemSets } from '../data/order.ts';
import { policyText } from '../data/prompts.ts';
import { graderOf } from '../eval/grade.ts';
import { loadChatTemplate } from '../model/chat.ts';
import { openEngine, readModelConfig } from '../model/gpu-engine.ts';
import { writeAdapter } from '../model/peft.ts';
import { loadTokenizer, type Tokenizer } from '../model/tokenizer.ts';
import { httpSource, type FileSource } from '../model/weights-source.ts';
import { createBrowserSandbox } from '../sandbox/browser/browser-sandbox.ts';
import { poolSize } from '../sandbox/pool.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import type { RunConfig } from '../schema/config.ts';
import type { FromPage } from '../schema/protocol.ts';
import { BrowserStore } from '../storage/browser/opfs-store.ts';
import type { WorkerInit } from './connect.ts';
import { deviceReport } from './device-report.ts';
import { Session } from './session.ts';

/** The session in the browser: a dedicated worker, so that the page answers while a model trains. */
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

const sandbox = once<PythonSandbox>(async () =>
  createBrowserSandbox((await init).sandbox, { workers: poolSize(navigator.hardwareConcurrency) }),
);

async function source(model: string): Promise<FileSource> {
  if (model !== 'nano')
    throw new Error(`This version runs the embedded model in the page; ${model} can be trained from the command line.`);
  return httpSource(new URL('models/nano/', (await init).base).href, { label: 'nano' });
}

const tokenizers = new Map<string, () => Promise<Tokenizer>>();
async function tokenizer(model: string): Promise<Tokenizer> {
  let load = tokenizers.get(model);
  if (!load) {
    load = once(async () => {
      const files = await source(model);
      return loadTokenizer(files, await readModelConfig(files));
    });
    tokenizers.set(model, load);
  }
  return load();
}

async function problems(config: RunConfig): Promise<ProblemSets> {
  if (config.dataset !== 'starter')
    throw new Error(
      `This version trains on the starter problems in the page; ${config.dataset} can be used from the command line.`,
    );
  const { base } = await init;
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
  const sets = bySplit(parts.flat());
  return {
    train: chooseProblems(sets.train, config.train, config.seed, 'train'),
    val: chooseProblems(sets.val, config.val, config.seed, 'validation'),
    test: chooseProblems(sets.test, config.test, config.seed, 'test'),
  };
}

/** One tab owns a run: the lock is held until the function that comes back is called, or the tab is gone. */
function claim(runId: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(`run ${runId}`, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(null);
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}

const grader = once(async () => graderOf(await sandbox()));

const session = once(
  async () =>
    new Session({
      library: await BrowserStore.create(),
      device: () => deviceReport(navigator.gpu),
      tokenizer: (config) => tokenizer(config.model),
      claim,
      post: (message, transfer) => inbox.postMessage(message, transfer ?? []),
      run: {
        openModel: async (config) => {
          const files = await source(config.model);
          const [words, chat, engine] = await Promise.all([
            tokenizer(config.model),
            loadChatTemplate(files),
            openEngine({ gpu: navigator.gpu, source: files, weights: config.weights }),
            sandbox().then((s) => s.ready()),
          ]);
          return { engine, text: policyText('nano', words, chat), device: engine.opened.info };
        },
        problems,
        grade: async (problem, completion, options) => (await grader())(problem, completion, options),
        adapterFiles: (tensors, config) => writeAdapter({ config: config.lora, tensors }, config.model),
        clock: Date.now,
      },
    }),
);

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
