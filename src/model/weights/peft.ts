import type { ModelConfig, Widths } from './config.ts';
import { LORA_TARGETS, type AdapterTensors, type LoraConfig, type LoraTarget } from './adapter.ts';
import { parseModelJson } from './model-file.ts';
import {
  ADAPTER_CONFIG,
  moduleName,
  parseAdapterConfig,
  type AdapterRules,
} from './peft-config.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import type { FileSource } from './source.ts';

/** Beside adapter_config.json, the other file of a PEFT adapter folder. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

export interface Adapter {
  readonly config: LoraConfig;
  readonly tensors: AdapterTensors;
}

/** PEFT's name of one LoRA factor: A is (rank, in), B is (out, rank). */
export function loraTensorName(layer: number, target: LoraTarget, factor: 'A' | 'B'): string {
  return `base_model.model.${moduleName(layer, target)}.lora_${factor}.weight`;
}

/**
 * Inputs and outputs of a projection.
 * @param widths as the model's files have them, or as the device keeps them (the model itself)
 */
export function projectionSize(
  model: ModelConfig,
  target: LoraTarget,
  widths: Widths = model.stored,
): { readonly inputs: number; readonly outputs: number } {
  const { hiddenSize, intermediateSize, headDim } = widths;
  const q = model.heads * headDim;
  const kv = model.kvHeads * headDim;
  switch (target) {
    case 'q':
      return { inputs: hiddenSize, outputs: q };
    case 'k':
    case 'v':
      return { inputs: hiddenSize, outputs: kv };
    case 'o':
      return { inputs: q, outputs: hiddenSize };
    case 'gate':
    case 'up':
      return { inputs: hiddenSize, outputs: intermediateSize };
    case 'down':
      return { inputs: intermediateSize, outputs: hiddenSize };
  }
}

/**
 * Reads a PEFT folder. Its modules may differ in rank and scale, and some layers may have none: the
 * tensors that are handed on have one rank and one scale, padded with zeros, which compute the same.
 * With `model`, every tensor it needs is checked for presence and shape. All floats become f32.
 */
export async function readAdapter(
  source: Pick<FileSource, 'label' | 'read'>,
  model?: ModelConfig,
): Promise<Adapter> {
  const [json, weights] = await Promise.all([
    source.read(ADAPTER_CONFIG),
    source.read(ADAPTER_WEIGHTS),
  ]);
  if (!json)
    throw new Error(
      `${source.label} has no ${ADAPTER_CONFIG}. Choose a folder that PEFT or this lab wrote.`,
    );
  if (!weights)
    throw new Error(`${source.label} has no ${ADAPTER_WEIGHTS}. Save the adapter as safetensors.`);
  const rules = parseAdapterConfig(
    parseModelJson(json, `${ADAPTER_CONFIG} of ${source.label}`).value,
  );
  const tensors = canonicalNames(readSafetensors(weights, ADAPTER_WEIGHTS));
  const adapter = uniform(rules, tensors, model);
  for (const [name, { data }] of adapter.tensors) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0)
      throw new Error(
        `${ADAPTER_WEIGHTS} of ${source.label} holds ${data[at]} in ${name}, so the adapter is ` +
          'damaged: its training diverged, or its numbers are beyond f32. Take another.',
      );
  }
  return adapter;
}

/**
 * PEFT's names of the factors, whatever wrapping or adapter's name they were saved under; other
 * tensors keep theirs.
 */
function canonicalNames(stored: AdapterTensors): AdapterTensors {
  const tensors: AdapterTensors = new Map();
  for (const [name, tensor] of stored) {
    const [, module, factor] =
      /^(?:base_model\.model\.)?((?:model\.)?layers\..*)\.lora_([AB])(?:\.[^.]+)?\.weight$/.exec(
        name,
      ) ?? [];
    const known =
      module === undefined
        ? name
        : `base_model.model.${module.replace(/^layers/, 'model.layers')}.lora_${factor}.weight`;
    if (tensors.has(known))
      throw new Error(`The adapter holds ${known} under two names; save one adapter alone.`);
    tensors.set(known, tensor);
  }
  return tensors;
}

/** One module of an adapter's file. */
interface Module {
  readonly layer: number;
  readonly target: LoraTarget;
  readonly rank: number;
  readonly alpha: number;
}

/** The adapter with one rank and one scale: the largest, and the most common. */
function uniform(rules: AdapterRules, tensors: AdapterTensors, model?: ModelConfig): Adapter {
  const layers = model?.layers ?? layerCount(tensors);
  const modules: Module[] = [];
  const expected = new Set<string>();
  for (let layer = 0; layer < layers; layer++) {
    for (const target of LORA_TARGETS) {
      const module = moduleName(layer, target);
      if (!rules.hasAdapter(module)) continue;
      const rank = rules.rankOf(module);
      const size = model && projectionSize(model, target);
      for (const factor of ['A', 'B'] as const) {
        const name = loraTensorName(layer, target, factor);
        expected.add(name);
        checkShape(name, get(tensors, name).shape, factor, rank, size);
      }
      modules.push({ layer, target, rank, alpha: rules.alphaOf(module) });
    }
  }
  if (modules.length === 0)
    throw new Error(
      `${ADAPTER_CONFIG} names no projection of ${model ? 'this model' : 'the layers in its file'}. ` +
        'The adapter was made for another model.',
    );
  const rank = Math.max(...modules.map((module) => module.rank));
  refuseSurplus(tensors, expected, `rank ${rank}, ${layers} layers`);
  const scale = mostCommon(modules.map(scaleOf));
  const targets = LORA_TARGETS.filter((target) => modules.some((m) => m.target === target));
  const out: AdapterTensors = new Map();
  for (let layer = 0; layer < layers; layer++) {
    for (const target of targets) {
      const module = modules.find((m) => m.layer === layer && m.target === target);
      const like = module ?? modules.find((m) => m.target === target)!;
      for (const factor of ['A', 'B'] as const) {
        const name = loraTensorName(layer, target, factor);
        const stored = get(tensors, loraTensorName(like.layer, target, factor));
        const factorScale = factor === 'B' && module ? scaleOf(module) / scale : 1;
        out.set(name, padded(stored, factor, rank, module ? factorScale : 0));
      }
    }
  }
  // Exactly as it is written, where there is a module that says so.
  const alpha = modules.find((m) => m.rank === rank && scaleOf(m) === scale)?.alpha ?? scale * rank;
  return { config: { rank, alpha, targets }, tensors: out };
}

/** A factor times `by`, with rows (A) or columns (B) of zeros up to `rank`. */
function padded(
  { shape, data }: { readonly shape: readonly number[]; readonly data: Float32Array },
  factor: 'A' | 'B',
  rank: number,
  by: number,
): { readonly shape: readonly number[]; readonly data: Float32Array } {
  const [rows = 0, cols = 0] = shape;
  const [outRows, outCols] = factor === 'A' ? [rank, cols] : [rows, rank];
  if (by === 1 && outRows === rows && outCols === cols) return { shape, data };
  const out = new Float32Array(outRows * outCols);
  for (let row = 0; by !== 0 && row < rows; row++)
    for (let col = 0; col < cols; col++) out[row * outCols + col] = by * data[row * cols + col]!;
  return { shape: [outRows, outCols], data: out };
}

function scaleOf({ alpha, rank }: Module): number {
  return alpha / rank;
}

function mostCommon(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}

/**
 * The files of a PEFT folder, f32, tensors in the order of layers and projections.
 * @param baseModel what `base_model_name_or_path` shall say, or null
 */
export function writeAdapter(
  { config, tensors }: Adapter,
  baseModel: string | null,
): { [ADAPTER_CONFIG]: string; [ADAPTER_WEIGHTS]: Uint8Array<ArrayBuffer> } {
  checkAdapter(config, tensors);
  const json = {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: config.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: config.rank,
    rank_pattern: {},
    revision: null,
    target_modules: config.targets.map((target) => `${target}_proj`),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  };
  const ordered = Array.from({ length: layerCount(tensors) }, (_, layer) =>
    tensorNames(config, layer),
  ).flat();
  return {
    [ADAPTER_CONFIG]: `${JSON.stringify(json, null, 2)}\n`,
    [ADAPTER_WEIGHTS]: writeSafetensors(ordered.map((name) => [name, get(tensors, name)] as const)),
  };
}

function tensorNames(config: LoraConfig, layer: number): string[] {
  return LORA_TARGETS.filter((target) => config.targets.includes(target)).flatMap((target) => [
    loraTensorName(layer, target, 'A'),
    loraTensorName(layer, target, 'B'),
  ]);
}

/** Layers of the largest models; a name that counts on is none of a layer. */
const MOST_LAYERS = 1000;

/** At least one, so that an empty adapter lacks something. */
function layerCount(tensors: AdapterTensors): number {
  const indices = [...tensors.keys()].map((name) =>
    Number(/\.layers\.(\d+)\./.exec(name)?.[1] ?? 0),
  );
  return Math.min(MOST_LAYERS, indices.reduce((largest, index) => Math.max(largest, index), 0) + 1);
}

function get(
  tensors: AdapterTensors,
  name: string,
): { readonly shape: readonly number[]; readonly data: Float32Array } {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`The adapter lacks ${name}.`);
  return tensor;
}

/** Every layer has both factors of every target, of the right rank, and nothing else. */
function checkAdapter(config: LoraConfig, tensors: AdapterTensors): void {
  const layers = layerCount(tensors);
  const expected = new Set<string>();
  for (let layer = 0; layer < layers; layer++) {
    for (const target of config.targets) {
      for (const factor of ['A', 'B'] as const) {
        const name = loraTensorName(layer, target, factor);
        expected.add(name);
        checkShape(name, get(tensors, name).shape, factor, config.rank);
      }
    }
  }
  refuseSurplus(
    tensors,
    expected,
    `rank ${config.rank}, ${layers} layers, targets ${config.targets.join(', ')}`,
  );
}

/** A is (rank, in), B is (out, rank); without `size` the other dimension is free. */
function checkShape(
  name: string,
  shape: readonly number[],
  factor: 'A' | 'B',
  rank: number,
  size?: ReturnType<typeof projectionSize>,
): void {
  const wanted =
    factor === 'A' ? [rank, size?.inputs ?? shape[1]] : [size?.outputs ?? shape[0], rank];
  if (shape.length === 2 && shape.join() === wanted.join()) return;
  throw new Error(
    `${name} has shape [${shape.join(', ')}], expected [${wanted.join(', ')}]. The adapter is for ` +
      'another model or rank.',
  );
}

/** What tensors that are no factor of LoRA belong to. */
const OTHERS: readonly (readonly [name: RegExp, what: string])[] = [
  [/lora_magnitude_vector/, 'of DoRA, which is not supported'],
  [
    /lora_embedding_|embed_tokens|lm_head/,
    'of the embedding or the output head, which get no adapter',
  ],
  [/bias/, 'a bias, which plain LoRA has none of'],
  [/modules_to_save|norm/, 'of a module that was trained as a whole (modules_to_save)'],
];

function refuseSurplus(
  tensors: AdapterTensors,
  expected: ReadonlySet<string>,
  asked: string,
): void {
  const surplus = [...tensors.keys()].find((name) => !expected.has(name));
  if (surplus === undefined) return;
  const what = OTHERS.find(([pattern]) => pattern.test(surplus))?.[1];
  throw new Error(
    `The adapter has a tensor that is not expected: ${surplus}${what ? `, ${what}` : ''} (${asked}).`,
  );
}
