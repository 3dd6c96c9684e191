import type { Allocator } from '../../gpu/memory.ts';
import { modelTensors, type ModelConfig } from './config.ts';
import { cutShards } from './device.ts';
import { packedBytes, precisionOf, type WeightPrecision } from './format.ts';

/**
 * What the frozen weights hold on the device: matrices in shards, vectors and the table of
 * rotations in f32.
 */
export function weightBuffers(
  memory: Allocator,
  config: ModelConfig,
  precision: WeightPrecision,
  maxShardBytes: number,
): void {
  // As device.ts stacks them: q, k and v are one matrix (and one bias), gate and up
  // another.
  const stacked = new Map<string, { rows: number; readonly cols: number }>();
  for (const { name, shape } of modelTensors(config, config)) {
    const key = name
      .replace(/\.[qkv]_proj/, '.qkv')
      .replace(/\.[qk]_norm/, '.qk_norm')
      .replace(/\.(gate|up)_proj/, '.gate_up');
    const [rows = 0, cols = 1] = shape;
    const held = stacked.get(key);
    if (held) held.rows += rows;
    else stacked.set(key, { rows, cols });
  }
  for (const [name, { rows, cols }] of stacked) {
    const kept = precisionOf(name, precision);
    for (const shard of cutShards(rows, cols, kept, maxShardBytes))
      memory.alloc(`weights ${name}`, packedBytes(shard.rows, cols, kept));
  }
  memory.alloc('weights rope', 4 * config.maxPositions * config.headDim);
}
