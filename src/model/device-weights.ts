import { slice, type BufferView, type GpuMemory } from '../gpu/memory.ts';
import { f32ToF16 } from '../lib/float16.ts';
import type { ModelConfig } from './config.ts';
import type { Weights } from './weights-source.ts';

/** Rows [firstRow, firstRow + rows) of a weight matrix in a buffer of their own, because a binding may end at 128 MiB. */
export interface WeightShard {
  readonly view: BufferView;
  readonly firstRow: number;
  readonly rows: number;
}

/** A frozen (rows, cols) matrix on the device: one row an output. */
export interface WeightMatrix {
  readonly shards: readonly WeightShard[];
  readonly f16: boolean;
  readonly rows: number;
  readonly cols: number;
}

export interface LayerWeights {
  readonly norm1: BufferView;
  /** q, k and v stacked. */
  readonly qkv: WeightMatrix;
  readonly qkvBias: BufferView | null;
  /** The norms of query and key heads, (2, headDim). */
  readonly queryKeyNorm: BufferView | null;
  readonly o: WeightMatrix;
  readonly norm2: BufferView;
  /** gate and up stacked. */
  readonly gateUp: WeightMatrix;
  readonly down: WeightMatrix;
}

export interface DeviceWeights {
  readonly embedding: WeightMatrix;
  /** The embedding itself where the two are tied. */
  readonly head: WeightMatrix;
  readonly finalNorm: BufferView;
  readonly layers: readonly LayerWeights[];
  readonly dtype: 'f32' | 'f16';
}

/**
 * Converts and uploads all weights. Matrices become f32 or f16 (`dtype`; null: f16 where the file is f16, else f32, so
 * that nothing is lost); norms and biases are always f32. `maxShardBytes` bounds a shard (default: the binding limit).
 */
export async function uploadWeights(
  memory: GpuMemory,
  config: ModelConfig,
  weights: Weights,
  dtype: 'f32' | 'f16' | null,
  maxShardBytes: number,
  onProgress?: (fraction: number) => void,
): Promise<DeviceWeights> {
  const stored = weights.tensor('model.layers.0.self_attn.q_proj.weight').dtype;
  const chosen = dtype ?? (stored === 'f16' ? 'f16' : 'f32');
  const matrix = async (label: string, names: readonly string[]): Promise<WeightMatrix> => {
    const parts = await Promise.all(names.map((name) => matrixBytes(weights, name, chosen)));
    const cols = weights.tensor(names[0] ?? '').shape[1] ?? 0;
    return uploadMatrix(memory, `weights ${label}`, concat(parts), cols, chosen, maxShardBytes);
  };
  const vector = async (label: string, names: readonly string[]): Promise<BufferView> => {
    const parts = await Promise.all(names.map((name) => weights.readF32(name)));
    return memory.upload(`weights ${label}`, concat(parts.map((p) => new Uint8Array(p.buffer, p.byteOffset, p.byteLength))));
  };

  const layers: LayerWeights[] = [];
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    layers.push({
      norm1: await vector('norm', [`${at}.input_layernorm.weight`]),
      qkv: await matrix('qkv', ['q', 'k', 'v'].map((p) => `${at}.self_attn.${p}_proj.weight`)),
      qkvBias: config.attentionBias ? await vector('bias', ['q', 'k', 'v'].map((p) => `${at}.self_attn.${p}_proj.bias`)) : null,
      queryKeyNorm: config.queryKeyNorm ? await vector('norm', ['q', 'k'].map((p) => `${at}.self_attn.${p}_norm.weight`)) : null,
      o: await matrix('o', [`${at}.self_attn.o_proj.weight`]),
      norm2: await vector('norm', [`${at}.post_attention_layernorm.weight`]),
      gateUp: await matrix('gate/up', [`${at}.mlp.gate_proj.weight`, `${at}.mlp.up_proj.weight`]),
      down: await matrix('down', [`${at}.mlp.down_proj.weight`]),
    });
    onProgress?.((i + 1) / (config.layers + 1));
    await memory.settle();
  }
  const embedding = await matrix('embedding', ['model.embed_tokens.weight']);
  const head = config.tiedEmbeddings ? embedding : await matrix('head', ['lm_head.weight']);
  const finalNorm = await vector('norm', ['model.norm.weight']);
  await memory.settle();
  onProgress?.(1);
  return { embedding, head, finalNorm, layers, dtype: chosen };
}

async function matrixBytes(weights: Weights, name: string, dtype: 'f32' | 'f16'): Promise<Uint8Array> {
  const stored = weights.tensor(name).dtype;
  if (stored === dtype) return weights.read(name);
  const values = await weights.readF32(name);
  if (dtype === 'f32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return new Uint8Array(Uint16Array.from(values, f32ToF16).buffer);
}

function uploadMatrix(memory: GpuMemory, label: string, bytes: Uint8Array, cols: number, dtype: 'f32' | 'f16', maxShardBytes: number): WeightMatrix {
  const rowBytes = cols * (dtype === 'f16' ? 2 : 4);
  const rows = bytes.byteLength / rowBytes;
  const perShard = shardRows(rowBytes, maxShardBytes);
  const shards: WeightShard[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += perShard) {
    const count = Math.min(perShard, rows - firstRow);
    shards.push({ view: memory.upload(label, bytes.subarray(firstRow * rowBytes, (firstRow + count) * rowBytes)), firstRow, rows: count });
  }
  return { shards, f16: dtype === 'f16', rows, cols };
}

/** Most rows of a shard: multiples of 64 keep every range that is cut beside one (bias, LoRA's B) bindable at its offset. */
export function shardRows(rowBytes: number, maxShardBytes: number): number {
  return Math.max(64, Math.floor(maxShardBytes / rowBytes / 64) * 64);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const only = parts[0];
  if (parts.length === 1 && only) return only;
  const out = new Uint8Array(parts.reduce((n, p) => n + p.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

/** A whole view as a one-shard f32 matrix: LoRA's A is multiplied by the same kernel as the frozen weights. */
export function matrixOf(view: BufferView, wordOffset: number, rows: number, cols: number): WeightMatrix {
  return { shards: [{ view: slice(view, wordOffset, rows * cols), firstRow: 0, rows }], f16: false, rows, cols };
}
