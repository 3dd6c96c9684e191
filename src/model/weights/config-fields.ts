/**
 * What fields of config.json beside those that config.ts obeys mean for the forward pass. A field
 * that changes it, or may, is refused by name; what is passed over is said once.
 */

/** Fields that leave a forward pass as it is, whatever they say; dropout of any name is another. */
const HARMLESS: ReadonlySet<string> = new Set([
  // what the folder is and who wrote it
  ...['_name_or_path', 'name_or_path', 'architectures', 'auto_map', 'custom_pipelines'],
  ...['transformers_version', 'transformers.js_config', 'unsloth_version', 'unsloth_fixed'],
  ...['is_llama_config', 'finetuning_task', 'task_specific_params', 'problem_type', '_commit_hash'],
  // how it is computed, not what
  ...['torch_dtype', 'dtype', 'use_cache', 'use_bfloat16', 'torchscript', 'pretraining_tp'],
  ...['_attn_implementation', '_attn_implementation_autoset', 'attn_implementation'],
  ...[
    '_experts_implementation',
    '_flash_attn_2_enabled',
    'use_flash_attention_2',
    'use_flash_attn',
  ],
  ...['chunk_size_feed_forward', 'gradient_checkpointing', 'return_dict', 'output_attentions'],
  ...['output_hidden_states', 'output_scores', 'return_dict_in_generate', 'tf_legacy_loss'],
  ...['base_model_tp_plan', 'base_model_pp_plan', 'tensor_parallel_size'],
  // training and initialisation
  ...['initializer_range', 'initializer_factor', 'neftune_noise_alpha', 'tie_encoder_decoder'],
  // tokens and labels
  ...['pad_token_id', 'sep_token_id', 'cls_token_id', 'mask_token_id', 'unk_token_id'],
  ...['decoder_start_token_id', 'tokenizer_class', 'prefix', 'id2label', 'label2id', 'num_labels'],
  ...['model_max_length', 'max_sequence_length', 'max_seq_len', 'seq_length', 'max_length'],
  // generation's settings, which the lab takes from its own
  ...['min_length', 'do_sample', 'early_stopping', 'num_beams', 'num_beam_groups', 'temperature'],
  ...['diversity_penalty', 'top_k', 'top_p', 'typical_p', 'repetition_penalty', 'length_penalty'],
  ...['no_repeat_ngram_size', 'encoder_no_repeat_ngram_size', 'bad_words_ids', 'suppress_tokens'],
  ...['num_return_sequences', 'forced_bos_token_id', 'forced_eos_token_id', 'max_new_tokens'],
  ...['remove_invalid_values', 'exponential_decay_length_penalty', 'begin_suppress_tokens'],
  // obeyed or refused with sliding_window (config.ts)
  'max_window_layers',
]);

/**
 * Fields that transformers or other architectures obey, with the values beside null that leave the
 * forward pass as it is.
 */
const MATTERING: Readonly<Record<string, readonly unknown[]>> = {
  is_causal: [true],
  is_decoder: [true, false],
  is_encoder_decoder: [false],
  add_cross_attention: [false],
  cross_attention_hidden_size: [],
  pruned_heads: [],
  attn_logit_softcapping: [],
  final_logit_softcapping: [],
  logit_scale: [1],
  logits_scaling: [1],
  attention_multiplier: [],
  embedding_multiplier: [1],
  residual_multiplier: [1],
  rope_interleaved: [false],
  rope_ratio: [1],
  use_mrope: [false],
  use_qk_norm: [false],
  qk_layernorm: [false],
  type_vocab_size: [],
};

/** Words in the name of an unknown field that make it likely to change the forward pass. */
const TELLING = new RegExp(
  '(^|_)(' +
    'activation|act|alibi|attention|attn|bias|bidirectional|cap|capping|causal|clip|conv\\w*|' +
    'experts?|gate|gating|heads?|kv|latent|layers?|layernorm|lora|mask|mlp|moe|mrope|mtp|' +
    'multiplier|norm\\w*|parallel|position\\w*|query|qk\\w*|quant\\w*|bits|resid\\w*|rope|' +
    'rotary|router|scal\\w*|share\\w*|sink\\w*|sliding|softcap\\w*|softmax|sparse|tie|window' +
    ')(_|$)',
);

export interface FieldsVerdict {
  /** A field that may change the forward pass and that nothing here obeys. */
  readonly refused: string | null;
  /** Fields that are passed over, which nothing is known of. */
  readonly ignored: readonly string[];
}

/** Judges the fields of a config.json that are not among those `obeyed`. */
export function judgeFields(
  json: Readonly<Record<string, unknown>>,
  obeyed: ReadonlySet<string>,
): FieldsVerdict {
  const others = Object.entries(json).filter(
    ([name]) => !obeyed.has(name) && !HARMLESS.has(name) && !/dropout|_pdrop$/.test(name),
  );
  const matters = ([name, value]: readonly [string, unknown]) => {
    if (value === null || value === undefined) return false;
    const neutral = Object.hasOwn(MATTERING, name) ? MATTERING[name] : undefined;
    if (neutral) return !neutral.includes(value) && !isEmptyObject(value);
    return TELLING.test(name) && !isEmpty(value);
  };
  return {
    refused: others.find(matters)?.[0] ?? null,
    ignored: others
      .filter(([name, value]) => !Object.hasOwn(MATTERING, name) && !isEmpty(value))
      .map(([name]) => name),
  };
}

function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === false ||
    value === 0 ||
    value === '' ||
    isEmptyObject(value)
  );
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Refuses a model for a field of its config.json. */
export function refuse(field: string, value: unknown, advice: string): never {
  throw new Error(
    `This model is not supported: config.json has ${field} = ${JSON.stringify(value)}. ${advice}`,
  );
}
