import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../model/weights/config.ts';
import { groupWork, layersFlops, trainFlops } from './flops.ts';

const config = parseModelConfig({
  model_type: 'qwen2',
  vocab_size: 10,
  hidden_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  num_key_value_heads: 1,
  intermediate_size: 8,
  max_position_embeddings: 16,
  tie_word_embeddings: true,
});

describe('operations counted by hand', () => {
  it('a group shares its prompt: two completions of three tokens after two', () => {
    // Rows: 2 of the prompt, 2 of each completion. Pairs: 1 + 2, and (2 + 1) + (2 + 2) of each.
    expect(groupWork(2, 3, 2)).toEqual({ rows: 6, pairs: 17, predicted: 6 });
  });

  it('a forward pass takes two operations a weight and row, and attention two products', () => {
    // Weights: q/k/v 12 · 4, o 4 · 4, gate/up 16 · 4, down 4 · 8.
    expect(layersFlops(config, { rows: 3, pairs: 6 })).toBe(2 * 3 * 160 + 2 * 2 * 4 * 6);
  });

  it('a training step has no gradient for frozen weights nor for the first input', () => {
    const weights = 2 * 6 * 160;
    const lora = 2 * 6 * 4 * (3 * 4 + 12 + (4 + 4) + (2 * 4 + 16) + (8 + 4));
    const attention = 2 * 4 * 17;
    const head = 2 * 6 * 4 * 10;
    const firstInput = 2 * 6 * 48 + 2 * 6 * 4 * 12;
    const useful = 2 * weights - firstInput + 3 * lora + 6 * attention + 2 * head;
    const again = weights - 2 * 6 * 32 + lora - 2 * 6 * 4 * 4 + 5 * attention;
    expect(trainFlops(config, groupWork(2, 3, 2), 4)).toEqual({ useful, computed: useful + again });
  });
});
