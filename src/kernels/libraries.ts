/** The shared files that kernels name as their `lib`, each by its path. */
import type { ShaderPart } from '../gpu/shader.ts';
import anyWeights from '../../shaders/lib/any_weights.wgsl';
import attention from '../../shaders/lib/attention.wgsl';
import attentionForward from '../../shaders/lib/attention_forward.wgsl';
import attentionKeyValueBackward from '../../shaders/lib/attention_key_value_backward.wgsl';
import attentionQueries from '../../shaders/lib/attention_queries.wgsl';
import attentionQueryBackward from '../../shaders/lib/attention_query_backward.wgsl';
import attentionRows from '../../shaders/lib/attention_rows.wgsl';
import attentionTile from '../../shaders/lib/attention_tile.wgsl';
import block from '../../shaders/lib/block.wgsl';
import loraWeight from '../../shaders/lib/lora_weight.wgsl';
import product from '../../shaders/lib/product.wgsl';
import prologue from '../../shaders/lib/prologue.wgsl';
import random from '../../shaders/lib/random.wgsl';
import reduce from '../../shaders/lib/reduce.wgsl';
import rowWeights from '../../shaders/lib/row_weights.wgsl';
import rows from '../../shaders/lib/rows.wgsl';
import subgroupRows from '../../shaders/lib/subgroup_rows.wgsl';
import tokens from '../../shaders/lib/tokens.wgsl';
import transposed from '../../shaders/lib/transposed.wgsl';
import weights from '../../shaders/lib/weights.wgsl';

const lib = (name: string, text: string): ShaderPart => ({
  file: `shaders/lib/${name}.wgsl`,
  text,
});

export const LIB = {
  anyWeights: lib('any_weights', anyWeights),
  attention: lib('attention', attention),
  attentionForward: lib('attention_forward', attentionForward),
  attentionKeyValueBackward: lib('attention_key_value_backward', attentionKeyValueBackward),
  attentionQueries: lib('attention_queries', attentionQueries),
  attentionQueryBackward: lib('attention_query_backward', attentionQueryBackward),
  attentionRows: lib('attention_rows', attentionRows),
  attentionTile: lib('attention_tile', attentionTile),
  block: lib('block', block),
  loraWeight: lib('lora_weight', loraWeight),
  product: lib('product', product),
  prologue: lib('prologue', prologue),
  random: lib('random', random),
  reduce: lib('reduce', reduce),
  rowWeights: lib('row_weights', rowWeights),
  rows: lib('rows', rows),
  subgroupRows: lib('subgroup_rows', subgroupRows),
  tokens: lib('tokens', tokens),
  transposed: lib('transposed', transposed),
  weights: lib('weights', weights),
} as const;
