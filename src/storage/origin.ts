import { readModelConfig } from '../model/gpu-engine.ts';
import { weightFiles, type FileSource } from '../model/weights/source.ts';
import { TEXT_FILES } from '../model/text/files.ts';
import { modelTensors, type ModelConfig } from '../model/weights/config.ts';
import type { ModelOffer, ModelPrecision } from '../schema/models.ts';
import { keptBytes } from '../model/weights/convert.ts';
import type { Hub, RemoteBody, RemoteModel } from './hub/hub.ts';
import type { Retries } from './hub/retry.ts';
import type { Plan } from './model-journal.ts';

/** Where the files of one model come from. */
export interface Origin {
  /**
   * What there is, as of now. Refuses a model that the lab cannot run before anything large comes.
   */
  plan(precision: ModelPrecision, retries: Retries, signal: AbortSignal): Promise<OriginPlan>;
  /** One try: see Hub.open. */
  open(
    plan: Pick<Plan, 'repo' | 'commit'>,
    path: string,
    from: number,
    signal: AbortSignal,
  ): Promise<RemoteBody>;
}

export type OriginPlan = Pick<Plan, 'commit' | 'licence' | 'files' | 'needs'>;

/** Beside the weights. */
const REQUIRED = ['config.json'];
/** Ids go in and come out without a tokenizer; text does not. */
const OPTIONAL = ['generation_config.json', ...TEXT_FILES];

export function hubOrigin(hub: Hub, repo: string, revision: string): Origin {
  return {
    async plan(precision, retries, signal) {
      const model = await retries.run(() => hub.model(repo, revision, signal));
      const files = new Map(model.files.map((file) => [file.path, file]));
      const source = peek(hub, model, retries, signal);
      const chosen = (await filesOf(source)).map((path) => files.get(path)!);
      return {
        commit: model.commit,
        licence: model.licence,
        files: chosen,
        needs: await needs(source, chosen, precision),
      };
    },
    open: ({ commit }, path, from, signal) => {
      if (commit === null)
        throw new Error(
          `The record of ${repo} names no commit; delete the model and fetch it again.`,
        );
      return hub.open({ repo, commit }, path, from, signal);
    },
  };
}

/** A model that is not here, as far as its list of files and its config.json tell. */
export interface RemoteLook {
  readonly offer: ModelOffer;
  readonly config: ModelConfig;
}

/** What a repository holds. Refuses a model that the lab cannot run. */
export async function lookAt(
  hub: Hub,
  repo: string,
  revision: string,
  retries: Retries,
  signal: AbortSignal,
): Promise<RemoteLook> {
  const model = await retries.run(() => hub.model(repo, revision, signal));
  const source = peek(hub, model, retries, signal);
  const sizes = await Promise.all((await filesOf(source)).map((path) => source.size(path)));
  const config = await readModelConfig(source);
  const tensors = modelTensors(config).map(({ name, shape }) => ({
    name,
    weights: shape.reduce((a, b) => a * b, 1),
  }));
  const sum = (counted: typeof tensors) =>
    counted.reduce((total, { weights }) => total + weights, 0);
  const offer = {
    repo,
    title: repo,
    parameters: sum(tensors),
    embedding: sum(
      tensors.filter(
        ({ name }) => name === 'model.embed_tokens.weight' || name === 'lm_head.weight',
      ),
    ),
    download: sizes.reduce<number>((total, size) => total + (size ?? 0), 0),
    note:
      model.licence === null
        ? 'The hub names no licence for it.'
        : `Licence, as the hub names it: ${model.licence}.`,
  };
  return { offer, config };
}

/** A range this long is read at a time. */
const READ_BYTES = 4 * 2 ** 20;

/** Files that are at hand: a folder, a drop, another stored model. */
export function localOrigin(source: FileSource): Origin {
  return {
    async plan(precision) {
      const files = await Promise.all(
        (await filesOf(source)).map(async (path) => {
          const size = (await source.size(path)) ?? 0;
          return { path, size, sha256: null, blob: null };
        }),
      );
      return { commit: null, licence: null, files, needs: await needs(source, files, precision) };
    },
    async open(_plan, path, from, signal) {
      const size = await source.size(path);
      if (size === null)
        throw new Error(`${source.label} no longer has ${path}; choose the files again.`);
      return {
        etag: null,
        from,
        size,
        chunks: ranges(source, path, from, size, signal),
        cancel: () => undefined,
      };
    },
  };
}

async function* ranges(
  source: FileSource,
  path: string,
  from: number,
  size: number,
  signal: AbortSignal,
) {
  for (let at = from; at < size; at += READ_BYTES) {
    signal.throwIfAborted();
    yield new Uint8Array(await source.readRange(path, at, Math.min(size, at + READ_BYTES)));
  }
}

/** What a plan is made from. */
type Peek = Pick<FileSource, 'label' | 'read' | 'size'>;

/**
 * Small files of a repository, read as they are asked for; they are fetched and held against their
 * hash later.
 */
function peek(hub: Hub, model: RemoteModel, retries: Retries, signal: AbortSignal): Peek {
  const sizes = new Map(model.files.map((file) => [file.path, file.size]));
  return {
    label: model.repo,
    size: async (path) => sizes.get(path) ?? null,
    async read(path) {
      if (!sizes.has(path)) return null;
      return retries.run(async () => {
        const body = await hub.open(model, path, 0, signal);
        try {
          const parts: Uint8Array<ArrayBuffer>[] = [];
          for await (const chunk of body.chunks) parts.push(chunk);
          return new Uint8Array(await new Blob(parts).arrayBuffer());
        } finally {
          body.cancel();
        }
      });
    },
  };
}

/** The files that the lab reads, those of the weights last. */
async function filesOf(source: Peek): Promise<string[]> {
  for (const path of REQUIRED) {
    if ((await source.size(path)) === null)
      throw new Error(
        `${source.label} has no ${path}; choose a model in the form that transformers writes.`,
      );
  }
  const small: string[] = [];
  for (const path of [...REQUIRED, ...OPTIONAL])
    if ((await source.size(path)) !== null) small.push(path);
  const weights = [...(await weightFiles(source)).keys()];
  for (const path of weights) {
    if ((await source.size(path)) === null)
      throw new Error(`${source.label} lacks ${path}, which its index of weights names.`);
  }
  const index = weights.includes('model.safetensors') ? [] : ['model.safetensors.index.json'];
  return [...small, ...index, ...weights];
}

/**
 * Bytes that the model will take: exact where files are kept as they are, else by the shapes that
 * its config.json implies.
 */
async function needs(
  source: Peek,
  files: Plan['files'],
  precision: ModelPrecision,
): Promise<number> {
  const config = await readModelConfig(source);
  if (precision === 'stored') return files.reduce((sum, file) => sum + file.size, 0);
  const small = files
    .filter((file) => !isWeights(file.path))
    .reduce((sum, file) => sum + file.size, 0);
  return small + keptBytes(config, precision);
}

export function isWeights(path: string): boolean {
  return path.endsWith('.safetensors');
}
