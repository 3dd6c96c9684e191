import { describe, expect, test } from 'vitest';
import { modelTensors, parseModelConfig } from './config.ts';

/** Qwen2.5-Coder-1.5B's published config.json (transformers 4 spelling). */
const qwen = {
  architectures: ['Qwen2ForCausalLM'],
  attention_dropout: 0.0,
  bos_token_id: 151643,
  eos_token_id: 151643,
  hidden_act: 'silu',
  hidden_size: 1536,
  intermediate_size: 8960,
  max_position_embeddings: 32768,
  max_window_layers: 28,
  model_type: 'qwen2',
  num_attention_heads: 12,
  num_hidden_layers: 28,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000.0,
  sliding_window: null,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 151936,
};

/** Qwen3-0.6B's published config.json. */
const qwen3 = {
  architectures: ['Qwen3ForCausalLM'],
  attention_bias: false,
  bos_token_id: 151643,
  eos_token_id: 151645,
  head_dim: 128,
  hidden_act: 'silu',
  hidden_size: 1024,
  intermediate_size: 3072,
  max_position_embeddings: 40960,
  max_window_layers: 28,
  model_type: 'qwen3',
  num_attention_heads: 16,
  num_hidden_layers: 28,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 1000000,
  sliding_window: null,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_sliding_window: false,
  vocab_size: 151936,
};

const llama = {
  model_type: 'llama',
  attention_bias: false,
  mlp_bias: false,
  bos_token_id: 1,
  eos_token_id: [2, 3],
  head_dim: 12,
  hidden_size: 48,
  intermediate_size: 80,
  max_position_embeddings: 512,
  num_attention_heads: 6,
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-3,
  rope_parameters: { rope_theta: 100.0, rope_type: 'default' },
  dtype: 'float32',
  vocab_size: 101,
};

describe('parseModelConfig', () => {
  test('reads a Qwen2.5 config in the spelling of transformers 4', () => {
    expect(parseModelConfig(qwen)).toEqual({
      architecture: 'qwen2',
      vocabSize: 151936,
      hiddenSize: 1536,
      layers: 28,
      heads: 12,
      kvHeads: 2,
      headDim: 128,
      intermediateSize: 8960,
      stored: { hiddenSize: 1536, headDim: 128, intermediateSize: 8960 },
      maxPositions: 32768,
      rmsNormEps: 1e-6,
      ropeTheta: 1e6,
      ropeScaling: { type: 'default' },
      tiedEmbeddings: true,
      attentionBias: true,
      outputBias: false,
      mlpBias: false,
      queryKeyNorm: false,
      eosIds: [151643],
      bosId: 151643,
      notices: [],
    });
  });

  test('reads a Llama config in the spelling of transformers 5, with its own head_dim', () => {
    expect(parseModelConfig(llama)).toMatchObject({
      architecture: 'llama',
      headDim: 12,
      kvHeads: 2,
      ropeTheta: 100,
      rmsNormEps: 1e-3,
      tiedEmbeddings: false,
      attentionBias: false,
      eosIds: [2, 3],
      bosId: 1,
    });
  });

  test(
    'reads a Qwen3 config: no biases, norms of queries and keys, heads wider than their ' +
      'share of the hidden size',
    () => {
      expect(parseModelConfig(qwen3)).toMatchObject({
        architecture: 'qwen3',
        hiddenSize: 1024,
        heads: 16,
        kvHeads: 8,
        headDim: 128,
        tiedEmbeddings: true,
        attentionBias: false,
        queryKeyNorm: true,
      });
      expect(parseModelConfig({ ...qwen3, head_dim: undefined, hidden_size: 1000 }).headDim).toBe(
        128,
      );
      expect(parseModelConfig({ ...qwen3, attention_bias: true })).toMatchObject({
        attentionBias: true,
        outputBias: true,
        mlpBias: false,
      });
    },
  );

  test('adds the end-of-text ids of generation_config.json, each once', () => {
    expect(parseModelConfig(qwen, { eos_token_id: [151645, 151643] }).eosIds).toEqual([
      151643, 151645,
    ]);
    expect(parseModelConfig({ ...llama, eos_token_id: null }, { eos_token_id: 7 }).eosIds).toEqual([
      7,
    ]);
  });

  test('accepts a sliding window that is not used and a rope_scaling of type default', () => {
    expect(parseModelConfig({ ...qwen, sliding_window: 32768 }).heads).toBe(12);
    expect(parseModelConfig({ ...qwen, rope_scaling: { type: 'default' } }).ropeTheta).toBe(1e6);
    expect(
      parseModelConfig({ ...qwen, rope_scaling: null, layer_types: ['full_attention'] }).ropeTheta,
    ).toBe(1e6);
  });

  test('accepts windows that no sequence outgrows or no layer has', () => {
    const windowed = { ...qwen, use_sliding_window: true };
    expect(parseModelConfig({ ...windowed, sliding_window: 32768 }).heads).toBe(12);
    expect(parseModelConfig({ ...windowed, sliding_window: 4096 }).heads).toBe(12);
    expect(() =>
      parseModelConfig({ ...windowed, sliding_window: 4096, max_window_layers: 27 }),
    ).toThrow('use_sliding_window = true');
  });

  test('obeys biases of Llama, silu by its other name, and every rope scaling it knows', () => {
    expect(parseModelConfig({ ...llama, attention_bias: true, mlp_bias: true })).toMatchObject({
      attentionBias: true,
      outputBias: true,
      mlpBias: true,
    });
    expect(parseModelConfig({ ...llama, hidden_act: 'swish' }).notices).toEqual([]);
    const scaled = (rope_scaling: object, more = {}) =>
      parseModelConfig({ ...llama, rope_parameters: null, rope_theta: 5e5, rope_scaling, ...more });
    expect(scaled({ type: 'linear', factor: 4 })).toMatchObject({
      ropeTheta: 5e5,
      ropeScaling: { type: 'linear', factor: 4 },
    });
    const original = { original_max_position_embeddings: 128 };
    const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    expect(scaled({ ...llama3, ...original }).ropeScaling).toEqual({
      type: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalPositions: 128,
    });
    expect(scaled({ rope_type: 'yarn', factor: 4, ...original }).ropeScaling).toEqual({
      type: 'yarn',
      factor: 4,
      attentionFactor: 0.1 * Math.log(4) + 1,
      betaFast: 32,
      betaSlow: 1,
      originalPositions: 128,
      truncate: true,
    });
    expect(scaled({ rope_type: 'yarn' }, original).ropeScaling).toMatchObject({ factor: 4 });
    expect(scaled({ type: 'dynamic', factor: 2 })).toMatchObject({
      ropeScaling: { type: 'default' },
      notices: [expect.stringContaining('changes nothing up to 512 tokens')],
    });
  });

  test('rope_scaling is taken in place of rope_parameters, which is said', () => {
    const both = parseModelConfig({ ...llama, rope_scaling: { type: 'linear', factor: 2 } });
    expect(both.ropeScaling).toEqual({ type: 'linear', factor: 2 });
    expect(both.ropeTheta).toBe(10_000);
    expect(both.notices[0]).toContain('rope_parameters');
  });

  test('says what it passes over: unknown fields, and positions beyond the table', () => {
    expect(parseModelConfig({ ...llama, note: 'mine', attention_dropout: 0.1 }).notices).toEqual([
      'config.json has fields that are passed over: note.',
    ]);
    const long = parseModelConfig({ ...qwen, max_position_embeddings: 1_010_000 });
    expect(long.maxPositions).toBe(262_144);
    expect(long.notices[0]).toContain('max_position_embeddings = 1,010,000');
  });

  test.each([
    [{ is_causal: false }, 'is_causal = false'],
    [{ attn_logit_softcapping: 50 }, 'attn_logit_softcapping = 50'],
    [{ logit_scale: 0.5 }, 'logit_scale = 0.5'],
    [{ embedding_multiplier: 12 }, 'embedding_multiplier = 12'],
    [{ residual_multiplier: 0.2 }, 'residual_multiplier = 0.2'],
    [{ num_local_experts: 8 }, 'num_local_experts = 8'],
    [{ post_norm: true }, 'post_norm = true'],
    [{ new_rope_thing: { a: 1 } }, 'new_rope_thing = {"a":1}'],
    [{ rope_scaling: { type: 'longrope', factor: 2 } }, 'rope_scaling.rope_type = "longrope"'],
    [{ rope_scaling: { type: 'yarn', factor: 2, rope_theta: 1 } }, 'rope_theta = 1'],
    [{ head_dim: 13 }, 'head_dim = 13'],
    [{ rope_scaling: { type: 'linear' } }, 'rope_scaling.factor = null'],
    [{ rope_scaling: { type: 'default', mrope_section: [1] } }, 'rope_scaling.mrope_section = [1]'],
    [{ rope_parameters: { partial_rotary_factor: 0.5 } }, 'partial_rotary_factor = 0.5'],
    [{ num_hidden_layers: 1e9 }, 'num_hidden_layers = 1,000,000,000'],
    [{ max_position_embeddings: 1e15 }, 'max_position_embeddings = 1,000,000,000,000,000'],
    [{ hidden_size: 4e12 }, 'hidden_size = 4,000,000,000,000'],
    [{ rms_norm_eps: NaN }, 'rms_norm_eps is NaN'],
    [{ rms_norm_eps: Infinity }, 'rms_norm_eps is Infinity'],
    [{ model_type: 'mistral' }, 'model_type = "mistral"'],
    [{ hidden_act: 'gelu' }, 'hidden_act = "gelu"'],
    [{ use_sliding_window: true }, 'use_sliding_window = true'],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, 'layer_types = "sliding_attention"'],
    [{ model_type: 'qwen2', attention_bias: true }, 'attention_bias = true'],
    [{ model_type: 'qwen3', mlp_bias: true }, 'mlp_bias = true'],
    [
      { rope_parameters: { rope_type: 'llama3', rope_theta: 5e5, factor: 8 } },
      'rope_parameters.low_freq_factor = null',
    ],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor = 0.5'],
    [{ num_key_value_heads: 4 }, 'num_key_value_heads = 4'],
    [{ head_dim: 9 }, 'head_dim = 9'],
    [{ head_dim: null, hidden_size: 52 }, 'hidden_size = 52'],
    [{ eos_token_id: 101 }, 'eos_token_id = 101'],
    [{ quantization_config: { bits: 4 } }, 'quantization_config = {"bits":4}'],
  ])('refuses %j and names the field with its value', (change, sentence) => {
    expect(() => parseModelConfig({ ...llama, ...change })).toThrow(sentence);
  });

  test('names a field that is missing or of the wrong type', () => {
    expect(() => parseModelConfig({ ...llama, vocab_size: undefined })).toThrow(
      'vocab_size is undefined',
    );
    expect(() => parseModelConfig({ ...llama, num_hidden_layers: 'two' })).toThrow(
      'num_hidden_layers is "two"',
    );
    expect(() => parseModelConfig('[]')).toThrow('config.json is not a model configuration');
  });
});

test(
  'modelTensors gives q/k/v biases to Qwen2 alone, head norms to Qwen3 alone and an lm_head ' +
    'to untied models alone',
  () => {
    const names = (config: unknown) =>
      modelTensors(parseModelConfig(config)).map((tensor) => tensor.name);
    expect(names(qwen)).toContain('model.layers.27.self_attn.v_proj.bias');
    expect(names(qwen)).not.toContain('lm_head.weight');
    expect(
      names(qwen3).filter((name) => name.includes('.0.self_attn.') && !name.includes('proj')),
    ).toEqual(['model.layers.0.self_attn.q_norm.weight', 'model.layers.0.self_attn.k_norm.weight']);
    expect([...names(qwen), ...names(llama)].some((name) => /[qk]_norm/.test(name))).toBe(false);
    expect(names(llama)).toContain('lm_head.weight');
    expect(names(llama).some((name) => name.endsWith('.bias'))).toBe(false);
    const o = modelTensors(parseModelConfig(llama)).find(
      (tensor) => tensor.name === 'model.layers.0.self_attn.o_proj.weight',
    );
    expect(o?.shape).toEqual([48, 72]);
  },
);
