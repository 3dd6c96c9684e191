import type { Allocator } from '../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import { cutShards } from './device-weights.ts';
import { packedBytes, precisionOf, type WeightPrecision } from './weight-format.ts';

/** What the frozen weights hold on the device: matrices in shards, vectors and the table of rotations in f32. */
export function weightBuffers(memory: Allocator, config: ModelConfig, precision: WeightPrecision, maxShardBytes: number): void {
  const { hiddenSize: d, intermediateSize: ffn, vocabSize } = config;
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  const matrix = (label: string, rows: number, cols: number, kept = precision) => {
    for (const shard of cutShards(rows, cols, kept, maxShardBytes)) memory.alloc(`weights ${label}`, packedBytes(shard.rows, cols, kept));
  };
  const vector = (label: string, length: number) => memory.alloc(`weights ${label}`, 4 * length);
  for (let layer = 0; layer < config.layers; layer++) {
    vector('norm', d);
    vector('norm', d);
    matrix('qkv', q + 2 * kv, d);
    if (config.attentionBias) vector('bias', q + 2 * kv);
    if (config.queryKeyNorm) for (let i = 0; i < 2; i++) vector('norm', config.headDim);
    matrix('o', d, q);
    matrix('gate/up', 2 * ffn, d);
    matrix('down', d, ffn);
  }
  const table = precisionOf('model.embed_tokens.weight', precision);
  matrix('embedding', vocabSize, d, table);
  if (!config.tiedEmbeddings) matrix('head', vocabSize, d, table);
  vector('norm', d);
  vector('rope', config.maxPositions * config.headDim);
}
