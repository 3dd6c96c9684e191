import * as v from 'valibot';

/** What config.json decides about a supported architecture. Sizes are counts, never bytes. */
export interface ModelConfig {
  readonly architecture: 'qwen2' | 'llama' | 'qwen3';
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly maxPositions: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** The output head is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  /** q, k and v have a bias (o never has). */
  readonly attentionBias: boolean;
  /** Every query and key head has its own RMS norm before RoPE. */
  readonly queryKeyNorm: boolean;
  /** Ids that end a text, of config.json and generation_config.json together; may be empty. */
  readonly eosIds: readonly number[];
  readonly bosId: number | null;
}

const integer = v.pipe(v.number(), v.integer());
const positive = v.pipe(integer, v.minValue(1));
const tokenIds = v.nullish(v.union([integer, v.array(integer)]));

/** transformers 4 writes `rope_theta` and `rope_scaling`, transformers 5 `rope_parameters`. */
const RopeFields = v.looseObject({
  rope_type: v.nullish(v.string()),
  type: v.nullish(v.string()),
  rope_theta: v.nullish(v.number()),
});

const ConfigJson = v.looseObject({
  model_type: v.string(),
  vocab_size: positive,
  hidden_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: v.nullish(positive),
  head_dim: v.nullish(positive),
  intermediate_size: positive,
  max_position_embeddings: positive,
  rms_norm_eps: v.nullish(v.pipe(v.number(), v.minValue(0)), 1e-6),
  rope_theta: v.nullish(v.number()),
  rope_scaling: v.nullish(RopeFields),
  rope_parameters: v.nullish(RopeFields),
  tie_word_embeddings: v.nullish(v.boolean(), false),
  hidden_act: v.nullish(v.string(), 'silu'),
  attention_bias: v.nullish(v.boolean(), false),
  mlp_bias: v.nullish(v.boolean(), false),
  use_sliding_window: v.nullish(v.boolean(), false),
  layer_types: v.nullish(v.array(v.string())),
  partial_rotary_factor: v.nullish(v.number(), 1),
  bos_token_id: v.nullish(v.union([integer, v.array(integer)])),
  eos_token_id: tokenIds,
});

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
  if (config.hidden_act !== 'silu')
    refuse('hidden_act', config.hidden_act, 'Only silu is supported.');
  if (config.use_sliding_window)
    refuse('use_sliding_window', true, 'Only full attention is supported.');
  const layerType = config.layer_types?.find((type) => type !== 'full_attention');
  if (layerType !== undefined)
    refuse('layer_types', layerType, 'Only full attention is supported.');
  if (architecture !== 'qwen2' && config.attention_bias) {
    refuse(
      'attention_bias',
      true,
      'In Llama and Qwen3 models it puts a bias on o_proj, which is not supported.',
    );
  }
  if (config.mlp_bias)
    refuse('mlp_bias', true, 'Only bias-free gate, up and down projections are supported.');
  if (config.partial_rotary_factor !== 1)
    refuse('partial_rotary_factor', config.partial_rotary_factor, 'Only 1 is supported.');
  for (const field of ['quantization_config', 'quantization'] as const) {
    const value = config[field];
    if (value !== undefined && value !== null)
      refuse(field, value, 'Take the unquantised weights (f32, f16 or bf16).');
  }
  for (const field of ['rope_scaling', 'rope_parameters'] as const) {
    const rope = config[field];
    const type = rope?.rope_type ?? rope?.type ?? 'default';
    if (type !== 'default')
      refuse(
        `${field}.rope_type`,
        type,
        'Only unscaled rotary embeddings ("default") are supported.',
      );
    const partial: unknown = rope?.['partial_rotary_factor'] ?? 1;
    if (partial !== 1) refuse(`${field}.partial_rotary_factor`, partial, 'Only 1 is supported.');
  }

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
  const multiplesOfFour = {
    hidden_size: hiddenSize,
    intermediate_size: config.intermediate_size,
    head_dim: headDim,
  };
  for (const [field, value] of Object.entries(multiplesOfFour)) {
    if (value % 4 !== 0) refuse(field, value, 'It must be a multiple of 4.');
  }
  const ropeTheta =
    config.rope_parameters?.rope_theta ??
    config.rope_scaling?.rope_theta ??
    config.rope_theta ??
    10_000;
  if (!(ropeTheta > 0)) refuse('rope_theta', ropeTheta, 'It must be positive.');

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

  return {
    architecture,
    vocabSize: config.vocab_size,
    hiddenSize,
    layers: config.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    intermediateSize: config.intermediate_size,
    maxPositions: config.max_position_embeddings,
    rmsNormEps: config.rms_norm_eps,
    ropeTheta,
    tiedEmbeddings: config.tie_word_embeddings,
    attentionBias: architecture === 'qwen2',
    queryKeyNorm: architecture === 'qwen3',
    eosIds,
    bosId,
  };
}

/**
 * Name and shape, rows first, of every tensor the model reads; a tied model has no `lm_head.weight`
 * of its own.
 */
export function modelTensors(
  config: ModelConfig,
): { readonly name: string; readonly shape: readonly number[] }[] {
  const { hiddenSize: d, intermediateSize: ffn, vocabSize } = config;
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
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
      for (const proj of ['q', 'k']) add(`self_attn.${proj}_norm.weight`, config.headDim);
    add('self_attn.o_proj.weight', d, q);
    add('post_attention_layernorm.weight', d);
    add('mlp.gate_proj.weight', ffn, d);
    add('mlp.up_proj.weight', ffn, d);
    add('mlp.down_proj.weight', d, ffn);
  }
  tensors.push({ name: 'model.norm.weight', shape: [d] });
  if (!config.tiedEmbeddings) tensors.push({ name: 'lm_head.weight', shape: [vocabSize, d] });
  return tensors;
}

function idList(ids: number | number[] | null | undefined): number[] {
  return typeof ids === 'number' ? [ids] : (ids ?? []);
}

function refuse(field: string, value: unknown, advice: string): never {
  throw new Error(
    `This model is not supported: config.json has ${field} = ${JSON.stringify(value)}. ${advice}`,
  );
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
