import { slice, type BufferView } from '../gpu/memory.ts';
import type { Recorder } from '../gpu/recorder.ts';
import { embed } from '../kernels/embed.ts';
import { headNorm } from '../kernels/head-norm.ts';
import { NO_SEGMENT } from '../kernels/linear.ts';
import { rmsNorm } from '../kernels/rms-norm.ts';
import { rope, ropeTable } from '../kernels/rope.ts';
import { swiglu } from '../kernels/swiglu.ts';
import { attentionKernel, productKernel, transposedKernel, type Variants } from '../kernels/variants.ts';
import { weightConstants } from '../kernels/weight-constants.ts';
import type { ModelConfig } from './config.ts';
import type { DeviceWeights, WeightMatrix } from './device-weights.ts';
import type { DeviceAdapter, FusedName } from './lora.ts';
import type { Workspace } from './workspace.ts';

/** Key/value rows of one layer, (rows, kvHeads, headDim) each. */
export interface KeyValue {
  readonly k: BufferView;
  readonly v: BufferView;
}

/** Records the forward pass of Qwen2, Qwen3 and Llama blocks over packed rows; see docs/gpu.md for the row state. */
export class Transformer {
  readonly turns: BufferView;
  /** Which kernels compute products and attention; {} until a tuner has chosen. */
  variants: Variants = {};

  constructor(
    readonly recorder: Recorder,
    readonly config: ModelConfig,
    readonly weights: DeviceWeights,
  ) {
    this.turns = recorder.memory.upload('weights rope', ropeTable(config.maxPositions, config.headDim, config.ropeTheta));
  }

  /** x = embedding of each row's token. */
  embed(ws: Workspace, rows: number): void {
    const table = this.weights.embedding;
    for (const shard of table.shards) {
      this.recorder.run(
        embed,
        { rows, width4: table.cols / 4, first_row: shard.firstRow, shard_rows: shard.rows },
        { table: shard.view, rows: ws.rows, x: ws.x },
        weightConstants(table.precision),
      );
    }
  }

  norm(x: BufferView, weight: BufferView, y: BufferView, rows: number): void {
    this.recorder.run(rmsNorm, { rows, width: this.config.hiddenSize, eps: this.config.rmsNormEps }, { x, weight, y });
  }

  /** x += attention block of layer `l`, whose keys and values go to the rows' own places in `kv`. */
  attentionBlock(ws: Workspace, l: number, rows: number, kv: KeyValue, adapters: readonly DeviceAdapter[]): void {
    const layer = this.layer(l);
    const { heads, kvHeads, headDim } = this.config;
    this.norm(ws.x, layer.norm1, ws.norm1, rows);
    this.project(ws, l, 'qkv', ws.norm1, ws.qkv, rows, false, adapters);
    const shape = { rows, heads, kv_heads: kvHeads, head_dim: headDim };
    const normed = ws.headNormed;
    if (normed && layer.queryKeyNorm) {
      this.recorder.run(headNorm, { ...shape, eps: this.config.rmsNormEps }, { qkv: ws.qkv, weight: layer.queryKeyNorm, y: normed });
    }
    this.recorder.run(
      rope,
      shape,
      { qkv: normed ?? ws.qkv, rows: ws.rows, table: this.turns, q: ws.q, k: kv.k, v: kv.v },
    );
    this.recorder.run(
      attentionKernel(this.variants, rows),
      { rows, heads, kv_heads: kvHeads, scale: 1 / Math.sqrt(headDim), keys: ws.mostKeys },
      { q: ws.q, k: kv.k, v: kv.v, rows: ws.rows, o: ws.o, stats: ws.stats },
      { HEAD_DIM: headDim },
    );
    this.project(ws, l, 'o', ws.o, ws.x, rows, true, adapters);
  }

  /** act = SwiGLU of the second half of layer `l`; `down` also adds its product to x. */
  mlpBlock(ws: Workspace, l: number, rows: number, adapters: readonly DeviceAdapter[], down = true): void {
    this.norm(ws.x, this.layer(l).norm2, ws.norm2, rows);
    this.project(ws, l, 'gateUp', ws.norm2, ws.gateUp, rows, false, adapters);
    this.recorder.run(swiglu, { rows, width: this.config.intermediateSize }, { gate_up: ws.gateUp, y: ws.act });
    if (down) this.project(ws, l, 'down', ws.act, ws.x, rows, true, adapters);
  }

  /** y (+)= x Wᵀ + bias + LoRA of each row's adapter. */
  private project(
    ws: Workspace,
    l: number,
    name: FusedName,
    x: BufferView,
    y: BufferView,
    rows: number,
    accumulate: boolean,
    adapters: readonly DeviceAdapter[],
  ): void {
    const layer = this.layer(l);
    const bias = name === 'qkv' ? layer.qkvBias : null;
    const [first, ...others] = adapters;
    if (first) this.loraHidden(ws, l, name, x, rows, first);
    this.product(layer[name], x, y, rows, { accumulate, bias, lora: first ? { ws, l, name, adapter: first } : null });
    for (const adapter of others) {
      this.loraHidden(ws, l, name, x, rows, adapter);
      this.product(layer[name], x, y, rows, { accumulate: true, bias: null, lora: { ws, l, name, adapter }, loraOnly: true });
    }
  }

  /** h = x Aᵀ of one fused product. */
  loraHidden(ws: Workspace, l: number, name: FusedName, x: BufferView, rows: number, adapter: DeviceAdapter): void {
    const pair = adapter.layout.layers[l]?.[name];
    if (pair) this.product(adapter.a(pair), x, ws.h[name], rows, { accumulate: false, bias: null, lora: null });
  }

  /** y (+)= x Wᵀ (+ bias + LoRA), shard by shard. */
  product(
    w: WeightMatrix,
    x: BufferView,
    y: BufferView,
    rows: number,
    options: {
      readonly accumulate: boolean;
      readonly bias: BufferView | null;
      readonly lora: { readonly ws: Workspace; readonly l: number; readonly name: FusedName; readonly adapter: DeviceAdapter } | null;
      readonly loraOnly?: boolean;
    },
  ): void {
    const { lora, bias } = options;
    const pair = lora?.adapter.layout.layers[lora.l]?.[lora.name];
    const { kernel, constants } = productKernel(this.variants, w.precision, rows);
    for (const shard of w.shards) {
      const local = (output: number) => (output === NO_SEGMENT ? NO_SEGMENT : Math.max(0, output - shard.firstRow));
      this.recorder.run(
        kernel,
        {
          rows,
          inner4: options.loraOnly ? 0 : w.cols / 4,
          cols: shard.rows,
          y_stride: w.rows,
          y_offset: shard.firstRow,
          accumulate: options.accumulate ? 1 : 0,
          use_bias: bias ? 1 : 0,
          rank: lora && pair ? lora.adapter.layout.rank : 0,
          h_stride: lora && pair ? pair.segments * lora.adapter.layout.rank : 0,
          segment1: pair ? local(pair.segment1) : NO_SEGMENT,
          segment2: pair ? local(pair.segment2) : NO_SEGMENT,
          adapter: lora?.adapter.index ?? 0,
          scale: lora?.adapter.scale ?? 0,
        },
        {
          x,
          w: shard.view,
          bias: bias ? slice(bias, shard.firstRow, shard.rows) : undefined,
          h: lora?.ws.h[lora.name],
          b: lora && pair ? lora.adapter.b(pair, shard.firstRow, shard.rows) : undefined,
          rows: lora?.ws.rows,
          y,
        },
        constants,
      );
    }
  }

  /** dx (+)= dy W, shard by shard. */
  productBackward(w: WeightMatrix, dy: BufferView, dx: BufferView, rows: number, accumulate: boolean): void {
    const { kernel, constants } = transposedKernel(this.variants, w.precision, rows);
    w.shards.forEach((shard, i) => {
      this.recorder.run(
        kernel,
        { rows, inner4: w.cols / 4, cols: shard.rows, dy_stride: w.rows, dy_offset: shard.firstRow, accumulate: accumulate || i > 0 ? 1 : 0 },
        { dy, w: shard.view, dx },
        constants,
      );
    });
  }

  layer(l: number): DeviceWeights['layers'][number] {
    const layer = this.weights.layers[l];
    if (!layer) throw new Error(`Layer ${l} was asked for; the model has ${this.config.layers}.`);
    return layer;
  }
}
