import type { Allocator } from '../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import { shardRows } from './device-weights.ts';

export type WeightPrecision = 'f32' | 'f16' | 'q8' | 'q4';

/** Bytes of a row of `cols` inputs: in q8 and q4 blocks of 32 with a scale of two bytes. */
function rowBytes(cols: number, precision: WeightPrecision): number {
  const blocks = Math.ceil(cols / 32);
  return { f32: 4 * cols, f16: 2 * cols, q8: 34 * blocks, q4: 18 * blocks }[precision];
}

/** What the frozen weights hold on the device: matrices in shards, vectors and the table of rotations in f32. */
export function weightBuffers(memory: Allocator, config: ModelConfig, precision: WeightPrecision, maxShardBytes: number): void {
  const { hiddenSize: d, intermediateSize: ffn, vocabSize } = config;
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  const matrix = (label: string, rows: number, cols: number, kept = precision) => {
    const bytes = rowBytes(cols, kept);
    const most = shardRows(bytes, maxShardBytes);
    for (let first = 0; first < rows; first += most) memory.alloc(`weights ${label}`, bytes * Math.min(most, rows - first));
  };
  const vector = (label: string, length: number) => memory.alloc(`weights ${label}`, 4 * length);
  for (let layer = 0; layer < config.layers; layer++) {
    vector('norm', d);
    vector('norm', d);
    matrix('qkv', q + 2 * kv, d);
    if (config.attentionBias) vector('bias', q + 2 * kv);
    matrix('o', d, q);
    matrix('gate/up', 2 * ffn, d);
    matrix('down', d, ffn);
  }
  // Token tables lose too much in 4 bits.
  const table = precision === 'q4' ? 'q8' : precision;
  matrix('embedding', vocabSize, d, table);
  if (!config.tiedEmbeddings) matrix('head', vocabSize, d, table);
  vector('norm', d);
  vector('rope', config.maxPositions * config.headDim);
}
