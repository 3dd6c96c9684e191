import * as v from 'valibot';
import { formatCount } from '../../lib/format.ts';
import { judgeFields, refuse } from './config-fields.ts';
import { ropeOf, RopeFields, type RopeScaling } from './rope.ts';

/** Sizes of a model's tensors that kernels need in multiples of 4. */
export interface Widths {
  readonly hiddenSize: number;
  readonly headDim: number;
  readonly intermediateSize: number;
}

/**
 * What config.json decides about a supported architecture. Sizes are counts, never bytes; those of
 * Widths are as the device keeps them, padded with zeros (pad.ts).
 */
export interface ModelConfig extends Widths {
  readonly architecture: 'qwen2' | 'llama' | 'qwen3';
  readonly vocabSize: number;
  /** As the model's files have them. */
  readonly stored: Widths;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Longest sequence that is taken, in tokens. */
  readonly maxPositions: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  /** The output head is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  /** q, k and v have a bias. */
  readonly attentionBias: boolean;
  /** o has a bias. */
  readonly outputBias: boolean;
  /** gate, up and down have a bias. */
  readonly mlpBias: boolean;
  /** Every query and key head has its own RMS norm before RoPE. */
  readonly queryKeyNorm: boolean;
  /** Ids that end a text, of config.json and generation_config.json together; may be empty. */
  readonly eosIds: readonly number[];
  readonly bosId: number | null;
  /** Sentences about what config.json says and is passed over. */
  readonly notices: readonly string[];
}

const finite = v.pipe(v.number(), v.finite());
const integer = v.pipe(v.number(), v.integer());
const positive = v.pipe(integer, v.minValue(1));
const tokenIds = v.nullish(v.union([integer, v.array(integer)]));

const FIELDS = {
  model_type: v.string(),
  vocab_size: positive,
  hidden_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: v.nullish(positive),
  head_dim: v.nullish(positive),
  intermediate_size: positive,
  max_position_embeddings: positive,
  original_max_position_embeddings: v.nullish(positive),
  rms_norm_eps: v.nullish(v.pipe(finite, v.minValue(0)), 1e-6),
  rope_theta: v.nullish(v.pipe(finite, v.gtValue(0))),
  rope_scaling: v.nullish(RopeFields),
  rope_parameters: v.nullish(RopeFields),
  tie_word_embeddings: v.nullish(v.boolean(), false),
  hidden_act: v.nullish(v.string(), 'silu'),
  attention_bias: v.nullish(v.boolean(), false),
  mlp_bias: v.nullish(v.boolean(), false),
  use_sliding_window: v.nullish(v.boolean()),
  sliding_window: v.nullish(integer),
  max_window_layers: v.nullish(integer),
  layer_types: v.nullish(v.array(v.string())),
  partial_rotary_factor: v.nullish(finite, 1),
  bos_token_id: v.nullish(v.union([integer, v.array(integer)])),
  eos_token_id: tokenIds,
  quantization_config: v.optional(v.unknown()),
  quantization: v.optional(v.unknown()),
};
const ConfigJson = v.looseObject(FIELDS);
type ConfigJson = v.InferOutput<typeof ConfigJson>;

/** Far beyond every published model of these kinds; what exceeds them is damage. */
const MOST = {
  vocab_size: 2 ** 24,
  hidden_size: 2 ** 17,
  num_hidden_layers: 1000,
  num_attention_heads: 4096,
  head_dim: 4096,
  intermediate_size: 2 ** 20,
  max_position_embeddings: 2 ** 28,
} as const satisfies Partial<Record<keyof typeof FIELDS, number>>;

/** What the table of rotations may take on the device, in bytes: one binding. */
const ROPE_TABLE_BYTES = 2 ** 27;

/** transformers' default, where config.json leaves head_dim out. */
const QWEN3_HEAD_DIM = 128;

const GenerationConfigJson = v.looseObject({ eos_token_id: tokenIds });

/**
 * Parses config.json (transformers 4 or 5) and, if given, generation_config.json, whose end-of-text
 * ids are added. Throws a sentence that names the field and its value where the lab does not
 * support the model.
 */
export function parseModelConfig(json: unknown, generationConfig?: unknown): ModelConfig {
  const config = parseFields('config.json', ConfigJson, json);
  const generation =
    generationConfig === undefined
      ? {}
      : parseFields('generation_config.json', GenerationConfigJson, generationConfig);

  const architecture = config.model_type;
  if (architecture !== 'qwen2' && architecture !== 'llama' && architecture !== 'qwen3')
    refuse('model_type', architecture, 'Choose a Qwen2, Qwen2.5, Qwen3 or Llama model.');
  for (const [field, most] of Object.entries(MOST)) {
    const value = config[field as keyof typeof MOST];
    if (typeof value === 'number' && value > most)
      throw new Error(
        `config.json has ${field} = ${formatCount(value)}; models that the lab runs have at ` +
          `most ${formatCount(most)}. The file is damaged: fetch the model again.`,
      );
  }
  if (config.hidden_act !== 'silu' && config.hidden_act !== 'swish')
    refuse('hidden_act', config.hidden_act, 'Only silu (also called swish) is supported.');
  refuseSlidingWindows(config);
  if (architecture === 'qwen2' && config.attention_bias)
    refuse('attention_bias', true, 'Qwen2 models have biases on q, k and v, and no others.');
  if (architecture !== 'llama' && config.mlp_bias)
    refuse('mlp_bias', true, 'Only Llama models have biases on gate, up and down projections.');
  if (config.partial_rotary_factor !== 1)
    refuse('partial_rotary_factor', config.partial_rotary_factor, 'Only 1 is supported.');
  for (const field of ['quantization_config', 'quantization'] as const) {
    const value = config[field];
    if (value !== undefined && value !== null)
      refuse(field, value, 'Take the unquantised weights (f32, f16 or bf16).');
  }
  const { refused, ignored } = judgeFields(config, new Set(Object.keys(FIELDS)));
  if (refused !== null)
    refuse(
      refused,
      config[refused],
      'The lab does not compute what this field may ask for. If the model does not need it, take ' +
        'the field out.',
    );
  const notices =
    ignored.length === 0
      ? []
      : [`config.json has fields that are passed over: ${ignored.join(', ')}.`];

  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads ?? heads;
  const hiddenSize = config.hidden_size;
  if (heads % kvHeads !== 0)
    refuse('num_key_value_heads', kvHeads, `It must divide num_attention_heads = ${heads}.`);
  const givenHeadDim = config.head_dim ?? (architecture === 'qwen3' ? QWEN3_HEAD_DIM : undefined);
  if (givenHeadDim === undefined && hiddenSize % heads !== 0) {
    refuse(
      'hidden_size',
      hiddenSize,
      `Without head_dim it must be a multiple of num_attention_heads = ${heads}.`,
    );
  }
  const headDim = givenHeadDim ?? hiddenSize / heads;
  if (headDim % 2 !== 0) refuse('head_dim', headDim, 'Rotary embeddings need an even one.');
  const stored = { hiddenSize, headDim, intermediateSize: config.intermediate_size };

  const eosIds = [...new Set([...idList(config.eos_token_id), ...idList(generation.eos_token_id)])];
  const bosId = idList(config.bos_token_id)[0] ?? null;
  for (const [field, id] of [
    ...eosIds.map((id) => ['eos_token_id', id] as const),
    ...(bosId === null ? [] : [['bos_token_id', bosId] as const]),
  ]) {
    if (id < 0 || id >= config.vocab_size)
      refuse(
        field,
        id,
        `Token ids run from 0 to ${config.vocab_size - 1} (vocab_size ${config.vocab_size}).`,
      );
  }
  const positions = config.max_position_embeddings;
  const maxPositions = Math.min(positions, Math.floor(ROPE_TABLE_BYTES / (4 * headDim)));
  if (maxPositions < positions)
    notices.push(
      `config.json has max_position_embeddings = ${formatCount(positions)}; sequences of up to ` +
        `${formatCount(maxPositions)} tokens are taken.`,
    );
  const biases = architecture !== 'qwen2' && config.attention_bias;
  return {
    architecture,
    vocabSize: config.vocab_size,
    ...paddedWidths(stored),
    stored,
    layers: config.num_hidden_layers,
    heads,
    kvHeads,
    maxPositions,
    rmsNormEps: config.rms_norm_eps,
    ...ropeOf(config, notices),
    tiedEmbeddings: config.tie_word_embeddings,
    attentionBias: architecture === 'qwen2' || biases,
    outputBias: biases,
    mlpBias: config.mlp_bias,
    queryKeyNorm: architecture === 'qwen3',
    eosIds,
    bosId,
    notices,
  };
}

/** Multiples of 4; a head is padded in each of its halves, which turn together. */
function paddedWidths({ hiddenSize, headDim, intermediateSize }: Widths): Widths {
  const four = (size: number) => Math.ceil(size / 4) * 4;
  return {
    hiddenSize: four(hiddenSize),
    headDim: four(headDim),
    intermediateSize: four(intermediateSize),
  };
}

/** A window that no sequence can outgrow, or that no layer has, is full attention. */
function refuseSlidingWindows(config: ConfigJson): void {
  const { layer_types: types, sliding_window: window, num_hidden_layers: layers } = config;
  const other = types?.find((type) => type !== 'full_attention' && type !== 'sliding_attention');
  if (other !== undefined) refuse('layer_types', other, 'Only full attention is supported.');
  const reaches = window != null && window < config.max_position_embeddings;
  if (
    types?.includes('sliding_attention') &&
    (reaches || window == null || !config.use_sliding_window)
  )
    refuse('layer_types', 'sliding_attention', 'Only full attention is supported.');
  if (types || !reaches) {
    if (config.use_sliding_window && window == null)
      refuse('use_sliding_window', true, 'sliding_window does not say how wide the window is.');
    return;
  }
  const from = config.max_window_layers ?? 28;
  if (config.use_sliding_window && (config.model_type === 'llama' || from < layers))
    refuse('use_sliding_window', true, 'Only full attention is supported.');
  if (config.use_sliding_window == null && config.model_type === 'llama')
    refuse('sliding_window', window, 'Only full attention is supported.');
}

/**
 * Name and shape, rows first, of every tensor the model reads; a tied model has no `lm_head.weight`
 * of its own.
 * @param widths as stored, or as the device keeps them (the configuration itself)
 */
export function modelTensors(
  config: ModelConfig,
  widths: Widths = config.stored,
): { readonly name: string; readonly shape: readonly number[] }[] {
  const { vocabSize } = config;
  const { hiddenSize: d, intermediateSize: ffn, headDim } = widths;
  const q = config.heads * headDim;
  const kv = config.kvHeads * headDim;
  const tensors = [{ name: 'model.embed_tokens.weight', shape: [vocabSize, d] }];
  for (let layer = 0; layer < config.layers; layer++) {
    const add = (name: string, ...shape: number[]) =>
      tensors.push({ name: `model.layers.${layer}.${name}`, shape });
    add('input_layernorm.weight', d);
    for (const [proj, rows] of [
      ['q', q],
      ['k', kv],
      ['v', kv],
    ] as const) {
      add(`self_attn.${proj}_proj.weight`, rows, d);
      if (config.attentionBias) add(`self_attn.${proj}_proj.bias`, rows);
    }
    if (config.queryKeyNorm)
      for (const proj of ['q', 'k']) add(`self_attn.${proj}_norm.weight`, headDim);
    add('self_attn.o_proj.weight', d, q);
    if (config.outputBias) add('self_attn.o_proj.bias', d);
    add('post_attention_layernorm.weight', d);
    for (const [proj, rows, cols] of [
      ['gate', ffn, d],
      ['up', ffn, d],
      ['down', d, ffn],
    ] as const) {
      add(`mlp.${proj}_proj.weight`, rows, cols);
      if (config.mlpBias) add(`mlp.${proj}_proj.bias`, rows);
    }
  }
  tensors.push({ name: 'model.norm.weight', shape: [d] });
  if (!config.tiedEmbeddings) tensors.push({ name: 'lm_head.weight', shape: [vocabSize, d] });
  return tensors;
}

function idList(ids: number | number[] | null | undefined): number[] {
  return typeof ids === 'number' ? [ids] : (ids ?? []);
}

function parseFields<T extends v.GenericSchema>(
  file: string,
  schema: T,
  json: unknown,
): v.InferOutput<T> {
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue);
  throw new Error(
    field === null
      ? `${file} is not a model configuration: ${issue.message}.`
      : `${file} cannot be used: ${field} is ${issue.received}, expected ${issue.expected ?? 'another value'}.`,
  );
}
