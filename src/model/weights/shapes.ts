import { modelTensors, type ModelConfig } from './config.ts';

/** What Qwen2.5's configurations have in common. */
const QWEN25 = {
  architectures: ['Qwen2ForCausalLM'],
  attention_dropout: 0,
  bos_token_id: 151643,
  eos_token_id: 151645,
  hidden_act: 'silu',
  initializer_range: 0.02,
  max_position_embeddings: 32768,
  model_type: 'qwen2',
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  sliding_window: 32768,
  tie_word_embeddings: true,
  use_cache: true,
  use_sliding_window: false,
  vocab_size: 151936,
};
const QWEN25_HALF = {
  ...QWEN25,
  hidden_size: 896,
  intermediate_size: 4864,
  max_window_layers: 24,
  num_attention_heads: 14,
  num_hidden_layers: 24,
};

const SMOLLM2 = {
  architectures: ['LlamaForCausalLM'],
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: 'silu',
  max_position_embeddings: 8192,
  mlp_bias: false,
  model_type: 'llama',
  pad_token_id: 2,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 100_000,
  tie_word_embeddings: true,
  use_cache: true,
  vocab_size: 49152,
};

const QWEN3 = {
  architectures: ['Qwen3ForCausalLM'],
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: 151643,
  eos_token_id: 151645,
  head_dim: 128,
  hidden_act: 'silu',
  initializer_range: 0.02,
  max_position_embeddings: 40960,
  max_window_layers: 28,
  model_type: 'qwen3',
  num_attention_heads: 16,
  num_hidden_layers: 28,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 1_000_000,
  sliding_window: null,
  tie_word_embeddings: true,
  use_cache: true,
  use_sliding_window: false,
  vocab_size: 151936,
};

/**
 * config.json of published instruction-tuned models, without the fields that describe their
 * training.
 */
export const SHAPES = {
  'qwen2.5-coder-0.5b': QWEN25_HALF,
  'qwen2.5-coder-1.5b': {
    ...QWEN25,
    hidden_size: 1536,
    intermediate_size: 8960,
    max_window_layers: 28,
    num_attention_heads: 12,
    num_hidden_layers: 28,
  },
  'qwen2.5-coder-3b': {
    ...QWEN25,
    hidden_size: 2048,
    intermediate_size: 11008,
    max_window_layers: 36,
    num_attention_heads: 16,
    num_hidden_layers: 36,
  },
  'qwen2.5-0.5b': QWEN25_HALF,
  'qwen3-0.6b': { ...QWEN3, hidden_size: 1024, intermediate_size: 3072 },
  'qwen3-1.7b': { ...QWEN3, hidden_size: 2048, intermediate_size: 6144 },
  'smollm2-135m': {
    ...SMOLLM2,
    hidden_size: 576,
    intermediate_size: 1536,
    num_attention_heads: 9,
    num_hidden_layers: 30,
    num_key_value_heads: 3,
  },
  'smollm2-360m': {
    ...SMOLLM2,
    hidden_size: 960,
    intermediate_size: 2560,
    num_attention_heads: 15,
    num_hidden_layers: 32,
    num_key_value_heads: 5,
  },
} as const satisfies Record<string, object>;
export type ShapeName = keyof typeof SHAPES;
export const SHAPE_NAMES = Object.keys(SHAPES) as ShapeName[];

export function parameterCount(config: ModelConfig): number {
  return modelTensors(config).reduce((sum, { shape }) => sum + elements(shape), 0);
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
