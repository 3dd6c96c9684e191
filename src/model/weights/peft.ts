import * as v from 'valibot';
import type { ModelConfig } from './config.ts';
import { LORA_TARGETS, type AdapterTensors, type LoraConfig, type LoraTarget } from './adapter.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import type { FileSource } from './source.ts';

/** The two files of a PEFT adapter folder. */
export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

export interface Adapter {
  readonly config: LoraConfig;
  readonly tensors: AdapterTensors;
}

/** Where a projection sits in its layer. */
const BLOCKS: Readonly<Record<LoraTarget, string>> = {
  q: 'self_attn',
  k: 'self_attn',
  v: 'self_attn',
  o: 'self_attn',
  gate: 'mlp',
  up: 'mlp',
  down: 'mlp',
};

/** PEFT's name of one LoRA factor: A is (rank, in), B is (out, rank). */
export function loraTensorName(layer: number, target: LoraTarget, factor: 'A' | 'B'): string {
  return `base_model.model.model.layers.${layer}.${BLOCKS[target]}.${target}_proj.lora_${factor}.weight`;
}

/** Inputs and outputs of a projection. */
export function projectionSize(
  model: ModelConfig,
  target: LoraTarget,
): { readonly inputs: number; readonly outputs: number } {
  const q = model.heads * model.headDim;
  const kv = model.kvHeads * model.headDim;
  const { hiddenSize, intermediateSize } = model;
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

const AdapterConfigJson = v.looseObject({
  peft_type: v.string(),
  r: v.pipe(v.number(), v.integer(), v.minValue(1)),
  lora_alpha: v.pipe(v.number(), v.minValue(0)),
  target_modules: v.array(v.string()),
});

/**
 * Fields that change what an adapter computes, with the values that leave it plain LoRA (besides
 * null, false and empty). Everything else in the file concerns training or book-keeping.
 */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  use_dora: [],
  // Another scale, which alpha takes in (see parseAdapterConfig).
  use_rslora: [true],
  use_qalora: [],
  use_bdlora: [],
  lora_bias: [],
  fan_in_fan_out: [],
  bias: ['none'],
  rank_pattern: [],
  alpha_pattern: [],
  modules_to_save: [],
  layers_to_transform: [],
  layer_replication: [],
  exclude_modules: [],
  target_parameters: [],
  trainable_token_indices: [],
  alora_invocation_tokens: [],
  // The other initialisations change the base weights as well.
  init_lora_weights: [true, 'gaussian', 'orthogonal', 'eva'],
};

/**
 * Parses adapter_config.json; throws a sentence naming the field and its value where it is more
 * than plain LoRA on linears.
 */
export function parseAdapterConfig(json: unknown): LoraConfig {
  const parsed = v.safeParse(AdapterConfigJson, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new Error(
      `${ADAPTER_CONFIG} cannot be used: ${v.getDotPath(issue) ?? 'it'} is ${issue.received}, ` +
        `expected ${issue.expected ?? 'another value'}.`,
    );
  }
  const config = parsed.output;
  if (config.peft_type !== 'LORA') refuse('peft_type', config.peft_type);
  for (const [field, plain] of Object.entries(PLAIN)) {
    const value = config[field];
    if (!isEmpty(value) && !plain.includes(value)) refuse(field, value);
  }
  const targets = new Set(
    config.target_modules.map((module) => {
      // PEFT writes `all-linear` as whole paths, one a layer; checkAdapter sees to it that every
      // layer has them.
      const name = module.replace(/^(?:model\.)?layers\.\d+\./, '');
      const target = LORA_TARGETS.find((target) =>
        [`${target}_proj`, `${BLOCKS[target]}.${target}_proj`].includes(name),
      );
      return target ?? refuse('target_modules', module);
    }),
  );
  if (targets.size === 0) refuse('target_modules', config.target_modules);
  // rsLoRA scales by α/√r instead of α/r: plain LoRA with an α that is √r as large.
  const alpha = config.lora_alpha * (config['use_rslora'] === true ? Math.sqrt(config.r) : 1);
  return { rank: config.r, alpha, targets: LORA_TARGETS.filter((target) => targets.has(target)) };
}

/**
 * Reads a PEFT folder. With `model`, every tensor it needs is checked for presence and shape. f16
 * and bf16 become f32.
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
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(json));
  } catch {
    throw new Error(`${ADAPTER_CONFIG} of ${source.label} is not JSON.`);
  }
  const config = parseAdapterConfig(parsed);
  const tensors = readSafetensors(weights, ADAPTER_WEIGHTS);
  checkAdapter(config, tensors, model);
  return { config, tensors };
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

/** At least one, so that an empty adapter lacks something. */
function layerCount(tensors: AdapterTensors): number {
  const indices = [...tensors.keys()].map((name) =>
    Number(/\.layers\.(\d+)\./.exec(name)?.[1] ?? 0),
  );
  return indices.reduce((largest, index) => Math.max(largest, index), 0) + 1;
}

function get(
  tensors: AdapterTensors,
  name: string,
): { readonly shape: readonly number[]; readonly data: Float32Array } {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`The adapter lacks ${name}.`);
  return tensor;
}

/**
 * Every layer has both factors of every target, of the right rank (and, with `model`, of the right
 * size), and nothing else.
 */
function checkAdapter(config: LoraConfig, tensors: AdapterTensors, model?: ModelConfig): void {
  const layers = model?.layers ?? layerCount(tensors);
  const expected = new Set<string>();
  for (let layer = 0; layer < layers; layer++) {
    for (const target of config.targets) {
      const size = model && projectionSize(model, target);
      for (const factor of ['A', 'B'] as const) {
        const name = loraTensorName(layer, target, factor);
        expected.add(name);
        const { shape } = get(tensors, name);
        const wanted =
          factor === 'A'
            ? [config.rank, size?.inputs ?? shape[1]]
            : [size?.outputs ?? shape[0], config.rank];
        if (shape.length !== 2 || shape.join() !== wanted.join()) {
          throw new Error(
            `${name} has shape [${shape.join(', ')}], expected [${wanted.join(', ')}]. The ` +
              'adapter is for another model or rank.',
          );
        }
      }
    }
  }
  const surplus = [...tensors.keys()].find((name) => !expected.has(name));
  if (surplus !== undefined) {
    throw new Error(
      `The adapter has a tensor that is not expected: ${surplus} (rank ${config.rank}, ` +
        `${layers} layers, targets ${config.targets.join(', ')}).`,
    );
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function refuse(field: string, value: unknown): never {
  throw new Error(
    `This adapter is not supported: ${ADAPTER_CONFIG} has ${field} = ${JSON.stringify(value)}. ` +
      'Plain LoRA on the q, k, v, o, gate, up and down projections is.',
  );
}
