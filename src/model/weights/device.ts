import { slice, type BufferView, type GpuMemory } from '../../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import { isTiled, packedBytes, precisionOf, TILE, type WeightPrecision } from './format.ts';
import { paddedWeights } from './pad.ts';
import { matrixChunks, stackedShape } from './stream.ts';
import type { Weights } from './source.ts';

/**
 * Rows [firstRow, firstRow + rows) of a weight matrix in a buffer of their own, because a binding
 * may end at 128 MiB.
 */
export interface WeightShard {
  readonly view: BufferView;
  readonly firstRow: number;
  readonly rows: number;
}

/** A frozen (rows, cols) matrix on the device: one row an output. */
export interface WeightMatrix {
  readonly shards: readonly WeightShard[];
  readonly precision: WeightPrecision;
  readonly rows: number;
  readonly cols: number;
}

export interface LayerWeights {
  readonly norm1: BufferView;
  /** q, k and v stacked. */
  readonly qkv: WeightMatrix;
  /** Of the four fused products. */
  readonly bias: Readonly<Record<'qkv' | 'o' | 'gateUp' | 'down', BufferView | null>>;
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
  readonly precision: WeightPrecision;
}

/**
 * Bytes written before their copies on the way to the device are waited for: what loading holds on
 * the host.
 */
const IN_FLIGHT_BYTES = 64 << 20;

/**
 * Precision of the frozen matrices where none was chosen: as packed; else f16 where the file is
 * f16, else f32, so that nothing is lost.
 */
export function storedPrecision(weights: Weights): WeightPrecision {
  return (
    weights.packed ??
    (weights.tensor('model.layers.0.self_attn.q_proj.weight').dtype === 'f16' ? 'f16' : 'f32')
  );
}

/**
 * Converts (or quantises) all weights as they are read and writes them to the device, so that the
 * host holds a few chunks at a time and no copy. `maxShardBytes` bounds a shard (default: the
 * binding limit).
 */
export async function uploadWeights(
  memory: GpuMemory,
  config: ModelConfig,
  stored: Weights,
  precision: WeightPrecision,
  maxShardBytes: number,
  onProgress?: (fraction: number) => void,
): Promise<DeviceWeights> {
  const weights = paddedWeights(stored, config);
  let inFlight = 0;
  const write = async (view: BufferView, bytes: Uint8Array, offset: number) => {
    memory.write(view, bytes, offset);
    inFlight += bytes.byteLength;
    if (inFlight < IN_FLIGHT_BYTES) return;
    inFlight = 0;
    await memory.drain();
  };
  const matrix = async (label: string, names: readonly string[]): Promise<WeightMatrix> => {
    const { rows, cols } = stackedShape(weights, names);
    const kept = precisionOf(names[0] ?? '', precision);
    const shards = cutShards(rows, cols, kept, maxShardBytes).map((shard) => ({
      ...shard,
      view: memory.alloc(`weights ${label}`, packedBytes(shard.rows, cols, kept)),
    }));
    await memory.settle();
    let row = 0;
    for await (const chunk of matrixChunks(weights, names, kept)) {
      const chunkRows = Math.min(rows - row, rowsIn(chunk, cols, kept));
      for (const shard of shards) {
        const first = Math.max(row, shard.firstRow);
        const last = Math.min(row + chunkRows, shard.firstRow + shard.rows);
        if (first >= last) continue;
        const at = (r: number) => packedBytes(r, cols, kept);
        await write(
          shard.view,
          chunk.subarray(at(first - row), at(last - row)),
          at(first - shard.firstRow),
        );
      }
      row += chunkRows;
    }
    return { shards, precision: kept, rows, cols };
  };
  const vector = async (label: string, names: readonly string[]): Promise<BufferView> => {
    const { rows } = stackedShape(weights, names);
    const view = memory.alloc(`weights ${label}`, 4 * rows);
    let at = 0;
    for await (const bytes of matrixChunks(weights, names, 'f32')) {
      await write(view, bytes, at);
      at += bytes.byteLength;
    }
    return view;
  };

  const bias = async (there: boolean, modules: readonly string[]) =>
    there
      ? vector(
          'bias',
          modules.map((module) => `${module}.bias`),
        )
      : null;

  const layers: LayerWeights[] = [];
  for (let i = 0; i < config.layers; i++) {
    const at = `model.layers.${i}`;
    layers.push({
      norm1: await vector('norm', [`${at}.input_layernorm.weight`]),
      qkv: await matrix(
        'qkv',
        ['q', 'k', 'v'].map((p) => `${at}.self_attn.${p}_proj.weight`),
      ),
      bias: {
        qkv: await bias(
          config.attentionBias,
          ['q', 'k', 'v'].map((p) => `${at}.self_attn.${p}_proj`),
        ),
        o: await bias(config.outputBias, [`${at}.self_attn.o_proj`]),
        gateUp: await bias(config.mlpBias, [`${at}.mlp.gate_proj`, `${at}.mlp.up_proj`]),
        down: await bias(config.mlpBias, [`${at}.mlp.down_proj`]),
      },
      queryKeyNorm: config.queryKeyNorm
        ? await vector(
            'norm',
            ['q', 'k'].map((p) => `${at}.self_attn.${p}_norm.weight`),
          )
        : null,
      o: await matrix('o', [`${at}.self_attn.o_proj.weight`]),
      norm2: await vector('norm', [`${at}.post_attention_layernorm.weight`]),
      gateUp: await matrix('gate/up', [`${at}.mlp.gate_proj.weight`, `${at}.mlp.up_proj.weight`]),
      down: await matrix('down', [`${at}.mlp.down_proj.weight`]),
    });
    onProgress?.((i + 1) / (config.layers + 1));
  }
  const embedding = await matrix('embedding', ['model.embed_tokens.weight']);
  const head = config.tiedEmbeddings ? embedding : await matrix('head', ['lm_head.weight']);
  const finalNorm = await vector('norm', ['model.norm.weight']);
  await memory.drain();
  onProgress?.(1);
  return { embedding, head, finalNorm, layers, precision };
}

/**
 * Row ranges of at most `maxBytes`: multiples of 64 rows keep what is cut beside a shard (bias,
 * LoRA's B) bindable at its offset, and tiles whole.
 */
export function cutShards(
  rows: number,
  cols: number,
  precision: WeightPrecision,
  maxBytes: number,
): { readonly firstRow: number; readonly rows: number }[] {
  const perShard = Math.max(64, 64 * Math.floor(maxBytes / packedBytes(64, cols, precision)));
  return Array.from({ length: Math.ceil(rows / perShard) }, (_, i) => ({
    firstRow: i * perShard,
    rows: Math.min(perShard, rows - i * perShard),
  }));
}

/** Rows that a chunk holds; the last tile's padding counts. */
function rowsIn(chunk: Uint8Array, cols: number, precision: WeightPrecision): number {
  const unit = isTiled(precision) ? TILE : 1;
  return (unit * chunk.byteLength) / packedBytes(unit, cols, precision);
}

/**
 * A whole view as a one-shard f32 matrix: LoRA's A is multiplied by the same kernel as the frozen
 * weights.
 */
export function matrixOf(
  view: BufferView,
  wordOffset: number,
  rows: number,
  cols: number,
): WeightMatrix {
  return {
    shards: [{ view: slice(view, wordOffset, rows * cols), firstRow: 0, rows }],
    precision: 'f32',
    rows,
    cols,
  };
}
