import { stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { policyText, type MethodText, type PromptOptions } from '../data/prompts.ts';
import { nodeGpu } from '../gpu/node-gpu.ts';
import { loadChatTemplate, type ChatTemplate } from '../model/text/chat.ts';
import { openEngine, readModelConfig, type GpuEngine } from '../model/gpu-engine.ts';
import type { ModelConfig } from '../model/weights/config.ts';
import { readAdapter } from '../model/weights/peft.ts';
import { loadTokenizer, type Tokenizer } from '../model/text/tokenizer.ts';
import { WEIGHT_PRECISIONS, type WeightPrecision } from '../model/weights/format.ts';
import type { FileSource } from '../model/weights/source.ts';
import type { RunConfig } from '../schema/config.ts';
import { parseModelName } from '../storage/models.ts';
import { folderTunerCache } from '../storage/node/tuner-cache.ts';
import { UsageError, type OptionSpec } from './args.ts';
import { folderSource } from '../storage/node/folder-source.ts';
import { remark } from './io.ts';
import { hubModel } from './models.ts';

/** Flags that choose a model, shared by the commands that load one. */
export const MODEL_FLAGS = {
  model: {
    kind: 'text',
    required: true,
    value: 'nano|OWNER/NAME|FOLDER',
    help:
      'the embedded model, one of the hub (downloaded once), or a folder with config.json, ' +
      'tokenizer.json and safetensors',
  },
} as const satisfies Record<string, OptionSpec>;

export const WEIGHT_FLAGS = {
  weights: {
    kind: 'text',
    value: WEIGHT_PRECISIONS.join('|'),
    help: 'precision of the frozen weights (as stored)',
  },
  adapter: {
    kind: 'text',
    value: 'DIR',
    help: 'a LoRA adapter in PEFT format to put on the model',
  },
} as const satisfies Record<string, OptionSpec>;

/** A model as far as token ids go. */
export interface ModelFolder {
  readonly name: string;
  readonly source: FileSource;
  readonly config: ModelConfig;
}

export interface ModelFiles extends ModelFolder {
  readonly tokenizer: Tokenizer;
  readonly chat: ChatTemplate;
  readonly text: MethodText;
}

/**
 * `nano` and a hub model's name stay as they are, a folder becomes absolute; anything else is a
 * sentence.
 */
export async function resolveModel(model: string): Promise<string> {
  if (model === 'nano') return model;
  const folder = resolve(model);
  const info = await stat(folder).catch(() => null);
  if (info?.isDirectory()) return folder;
  if (parseModelName(model) && !info) return model;
  throw new UsageError(
    `--model ${model}: there is no such folder; give one with config.json, tokenizer.json and ` +
      'safetensors, a model of the hub (owner/name), or nano.',
  );
}

/**
 * Where a model is; one of the hub is fetched now. Enough for commands that take token ids: they
 * need no tokenizer.
 */
export async function openModelFolder(
  model: string,
  weights: RunConfig['weights'],
  root: string,
): Promise<ModelFolder> {
  const name = await resolveModel(model);
  const source = await sourceOf(name, weights, root);
  // No model folder, or none that is supported: said before anything is read from stdin.
  return { name, source, config: await readModelConfig(source) };
}

async function sourceOf(
  name: string,
  weights: RunConfig['weights'],
  root: string,
): Promise<FileSource> {
  const local = name === 'nano' ? nanoFolder(root) : name;
  return isAbsolute(local) ? folderSource(local) : hubModel(local, weights);
}

/** What text needs: a tokenizer.json is enough. Where there is a config.json the two must fit. */
export async function openTokenizer(
  model: string,
  root: string,
  weights: RunConfig['weights'] = null,
): Promise<Pick<ModelFiles, 'tokenizer' | 'chat'>> {
  const source = await sourceOf(await resolveModel(model), weights, root);
  const config =
    (await source.size('config.json')) === null ? undefined : await readModelConfig(source);
  return { tokenizer: await tokenizerOf(source, config), chat: await loadChatTemplate(source) };
}

/** The tokenizer, its notes said. */
async function tokenizerOf(source: FileSource, config?: ModelConfig): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(source, config);
  for (const note of tokenizer.notes) remark(note);
  return tokenizer;
}

/** Tokenizer, chat template and prompts of a model; loads no weights. */
export async function openModelFiles(
  model: string,
  weights: RunConfig['weights'],
  root: string,
  prompts?: PromptOptions,
): Promise<ModelFiles> {
  return withText(await openModelFolder(model, weights, root), root, prompts);
}

export async function withText(
  folder: ModelFolder,
  root: string,
  prompts?: PromptOptions,
): Promise<ModelFiles> {
  const { name, source, config } = folder;
  const tokenizer = await tokenizerOf(source, config);
  const chat = await loadChatTemplate(source);
  const form = name === 'nano' || name === nanoFolder(root) ? 'nano' : 'other';
  return { ...folder, tokenizer, chat, text: policyText(form, tokenizer, chat, prompts) };
}

function nanoFolder(root: string): string {
  return join(root, 'public', 'models', 'nano');
}

/**
 * Throws a sentence about token ids that `config` has no place for.
 * @param label where they come from;
 * @param more tokens that will follow them
 */
export function checkIds(
  ids: readonly number[],
  { vocabSize, maxPositions }: ModelConfig,
  label: string,
  more = 0,
): void {
  const beyond = ids.find((id) => id >= vocabSize);
  if (beyond !== undefined)
    throw new Error(
      `${label}, has token id ${beyond}, beyond the model's vocabulary of ${vocabSize}.`,
    );
  if (ids.length + more > maxPositions)
    throw new Error(
      `${label}, has ${ids.length} tokens${more ? ` to which ${more} new ones may come` : ''}, ` +
        `more than the model's context of ${maxPositions}.`,
    );
}

export function parseWeights(weights: string | undefined): WeightPrecision | null {
  const known = WEIGHT_PRECISIONS.find((precision) => precision === weights);
  if (weights !== undefined && !known)
    throw new UsageError(
      `--weights takes ${WEIGHT_PRECISIONS.join(', ')}; \`${weights}\` is none of them.`,
    );
  return known ?? null;
}

export async function loadEngine(
  files: ModelFolder,
  weights: WeightPrecision | null,
): Promise<GpuEngine> {
  const engine = await openEngine({
    gpu: nodeGpu(),
    source: files.source,
    weights,
    tunerCache: folderTunerCache(),
  });
  for (const notice of engine.notices) remark(notice);
  return engine;
}

/**
 * The model with the adapter of `folder` on it as `student`, and the name to ask for. An adapter
 * that will not do is refused before weights are loaded.
 */
export async function loadWithAdapter(
  files: ModelFolder,
  weights: WeightPrecision | null,
  folder: string | undefined,
): Promise<{ engine: GpuEngine; adapter: 'student' | 'none' }> {
  const read =
    folder === undefined ? null : await readAdapter(folderSource(resolve(folder)), files.config);
  const engine = await loadEngine(files, weights);
  if (read) engine.loadAdapter('student', read.config, read.tensors);
  return { engine, adapter: read ? 'student' : 'none' };
}
