import { slice, type BufferView } from '../../gpu/memory.ts';
import type { Recorder } from '../../gpu/recorder.ts';
import { embed } from '../../kernels/embed.ts';
import { headNorm } from '../../kernels/head-norm.ts';
import type { Prologue } from '../../kernels/linear-variants.ts';
import { NO_SEGMENT } from '../../kernels/linear.ts';
import { rmsNorm } from '../../kernels/rms-norm.ts';
import { rope, ropeTable } from '../../kernels/rope.ts';
import { swiglu } from '../../kernels/swiglu.ts';
import {
  attentionKernel,
  productKernel,
  ropeNorms,
  takesIn,
  transposedKernel,
  type Variants,
} from '../../kernels/variants.ts';
import { weightConstants } from '../../kernels/weight-constants.ts';
import type { ModelConfig } from '../weights/config.ts';
import type { DeviceWeights, WeightMatrix } from '../weights/device.ts';
import type { DeviceAdapter, FusedName } from '../weights/lora.ts';
import { attentionScale, headNormEps, normEps, paddedFrequencies } from '../weights/pad.ts';
import { ropeFrequencies } from '../weights/rope.ts';
import type { Workspace } from './workspace.ts';

/** Key/value rows of one layer, (rows, kvHeads, headDim) each. */
export interface KeyValue {
  readonly k: BufferView;
  readonly v: BufferView;
}

/**
 * What products read: rows as they are, or what a norm or SwiGLU makes of them, which the products'
 * kernels then do themselves.
 */
export interface ProductInput {
  readonly x: BufferView;
  readonly prologue?: Prologue;
  readonly normWeight?: BufferView;
}

/**
 * Records the forward pass of Qwen2, Qwen3 and Llama blocks over packed rows; see docs/gpu.md for
 * the row state.
 */
export class Transformer {
  readonly turns: BufferView;
  /** Which kernels compute products and attention; {} until a tuner has chosen. */
  variants: Variants = {};

  constructor(
    readonly recorder: Recorder,
    readonly config: ModelConfig,
    readonly weights: DeviceWeights,
  ) {
    const { frequencies, attentionFactor } = ropeFrequencies({ ...config, ...config.stored });
    this.turns = recorder.memory.upload(
      'weights rope',
      ropeTable(config.maxPositions, paddedFrequencies(frequencies, config), attentionFactor),
    );
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
    this.recorder.run(
      rmsNorm,
      { rows, width: this.config.hiddenSize, eps: normEps(this.config) },
      { x, weight, y },
    );
  }

  /**
   * The norm of x for products to read: in `y`, unless they take it in. With `keep` it is in `y`
   * whatever they do.
   */
  normed(
    x: BufferView,
    weight: BufferView,
    y: BufferView,
    rows: number,
    keep = false,
  ): ProductInput {
    if (!keep && takesIn(this.variants, 'norm', rows))
      return { x, prologue: 'norm', normWeight: weight };
    this.norm(x, weight, y, rows);
    return { x: y };
  }

  /** SwiGLU of gate and up for products to read, like `normed`. */
  activated(gateUp: BufferView, y: BufferView, rows: number, keep = false): ProductInput {
    if (!keep && takesIn(this.variants, 'swiglu', rows)) return { x: gateUp, prologue: 'swiglu' };
    this.recorder.run(
      swiglu,
      { rows, width: this.config.intermediateSize },
      { gate_up: gateUp, y },
    );
    return { x: y };
  }

  /**
   * x += attention block of layer `l`, whose keys and values go to the rows' own places in `kv`.
   * With `keep` what its products read stays in the workspace for a backward pass.
   */
  attentionBlock(
    ws: Workspace,
    l: number,
    rows: number,
    kv: KeyValue,
    adapters: readonly DeviceAdapter[],
    keep = false,
  ): void {
    const layer = this.layer(l);
    const { heads, kvHeads, headDim } = this.config;
    this.project(
      ws,
      l,
      'qkv',
      this.normed(ws.x, layer.norm1, ws.norm1, rows, keep),
      ws.qkv,
      rows,
      false,
      adapters,
    );
    this.positions(ws, rows, kv, layer.queryKeyNorm);
    this.recorder.run(
      attentionKernel(this.variants, rows),
      { rows, heads, kv_heads: kvHeads, scale: attentionScale(this.config), keys: ws.mostKeys },
      { q: ws.q, k: kv.k, v: kv.v, rows: ws.rows, o: ws.o, stats: ws.stats },
      { HEAD_DIM: headDim },
    );
    this.project(ws, l, 'o', { x: ws.o }, ws.x, rows, true, adapters);
  }

  /**
   * q, and k and v at their rows' places, from the fused row: heads normed where the model does
   * that, then turned.
   */
  private positions(
    ws: Workspace,
    rows: number,
    kv: KeyValue,
    queryKeyNorm: BufferView | null,
  ): void {
    const { heads, kvHeads, headDim } = this.config;
    const eps = headNormEps(this.config);
    const shape = { rows, heads, kv_heads: kvHeads, head_dim: headDim, eps };
    const within = queryKeyNorm !== null && ropeNorms(this.variants, rows);
    const normed = within ? null : ws.headNormed;
    if (normed && queryKeyNorm)
      this.recorder.run(headNorm, shape, { qkv: ws.qkv, weight: queryKeyNorm, y: normed });
    this.recorder.run(
      rope,
      shape,
      {
        qkv: normed ?? ws.qkv,
        rows: ws.rows,
        table: this.turns,
        q: ws.q,
        k: kv.k,
        v: kv.v,
        weight: queryKeyNorm ?? undefined,
      },
      { HEAD_NORM: within },
    );
  }

  /**
   * x += second half of layer `l`. With `keep` what its products read stays in the workspace for a
   * backward pass, which has no use for x, so the down product is left out.
   */
  mlpBlock(
    ws: Workspace,
    l: number,
    rows: number,
    adapters: readonly DeviceAdapter[],
    keep = false,
  ): void {
    this.project(
      ws,
      l,
      'gateUp',
      this.normed(ws.x, this.layer(l).norm2, ws.norm2, rows, keep),
      ws.gateUp,
      rows,
      false,
      adapters,
    );
    const activated = this.activated(ws.gateUp, ws.act, rows, keep);
    if (!keep) this.project(ws, l, 'down', activated, ws.x, rows, true, adapters);
  }

  /** y (+)= input Wᵀ + bias + LoRA of each row's adapter. */
  private project(
    ws: Workspace,
    l: number,
    name: FusedName,
    input: ProductInput,
    y: BufferView,
    rows: number,
    accumulate: boolean,
    adapters: readonly DeviceAdapter[],
  ): void {
    const layer = this.layer(l);
    const bias = layer.bias[name];
    const [first, ...others] = adapters;
    if (first) this.loraHidden(ws, l, name, input, rows, first);
    this.product(layer[name], input, y, rows, {
      accumulate,
      bias,
      lora: first ? { ws, l, name, adapter: first } : null,
    });
    for (const adapter of others) {
      this.loraHidden(ws, l, name, input, rows, adapter);
      // Nothing of the input is read.
      this.product(layer[name], { x: input.x }, y, rows, {
        accumulate: true,
        bias: null,
        lora: { ws, l, name, adapter },
        loraOnly: true,
      });
    }
  }

  /** h = input Aᵀ of one fused product. */
  loraHidden(
    ws: Workspace,
    l: number,
    name: FusedName,
    input: ProductInput,
    rows: number,
    adapter: DeviceAdapter,
  ): void {
    const pair = adapter.layout.layers[l]?.[name];
    if (pair)
      this.product(adapter.a(pair), input, ws.h[name], rows, {
        accumulate: false,
        bias: null,
        lora: null,
      });
  }

  /** y (+)= input Wᵀ (+ bias + LoRA), shard by shard. */
  product(
    w: WeightMatrix,
    input: ProductInput,
    y: BufferView,
    rows: number,
    options: {
      readonly accumulate: boolean;
      readonly bias: BufferView | null;
      readonly lora: {
        readonly ws: Workspace;
        readonly l: number;
        readonly name: FusedName;
        readonly adapter: DeviceAdapter;
      } | null;
      readonly loraOnly?: boolean;
    },
  ): void {
    const { lora, bias } = options;
    const pair = lora?.adapter.layout.layers[lora.l]?.[lora.name];
    const { kernel, constants } = productKernel(this.variants, w.precision, rows, input.prologue);
    for (const shard of w.shards) {
      const local = (output: number) =>
        output === NO_SEGMENT ? NO_SEGMENT : Math.max(0, output - shard.firstRow);
      const params = {
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
        eps: normEps(this.config),
      };
      this.recorder.run(
        kernel,
        params,
        {
          x: input.x,
          norm_weight: input.normWeight,
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
  productBackward(
    w: WeightMatrix,
    dy: BufferView,
    dx: BufferView,
    rows: number,
    accumulate: boolean,
  ): void {
    const { kernel, constants } = transposedKernel(this.variants, w.precision, rows);
    w.shards.forEach((shard, i) => {
      this.recorder.run(
        kernel,
        {
          rows,
          inner4: w.cols / 4,
          cols: shard.rows,
          dy_stride: w.rows,
          dy_offset: shard.firstRow,
          accumulate: accumulate || i > 0 ? 1 : 0,
        },
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
