import type { BufferView } from '../../gpu/memory.ts';
import { headNormBackward } from '../../kernels/head-norm.ts';
import { NO_SEGMENT } from '../../kernels/linear.ts';
import { loraHiddenBackward } from '../../kernels/lora.ts';
import { rmsNormBackward } from '../../kernels/rms-norm.ts';
import { ropeBackward } from '../../kernels/rope.ts';
import { swigluBackward } from '../../kernels/swiglu.ts';
import { attentionBackwardKernels, loraGradientKernel } from '../../kernels/variants.ts';
import { elementAt } from '../../lib/defined.ts';
import type { DeviceAdapter, FusedName } from '../weights/lora.ts';
import { attentionScale, headNormEps, normEps } from '../weights/pad.ts';
import type { Transformer } from '../forward/transformer.ts';
import type { TrainWorkspace } from '../forward/workspace.ts';

/**
 * Backward pass from `ws.dx`, the gradient of the last layer's output, to the adapter's gradient
 * (added to what is there). Each layer is computed again from its kept input; base weights are
 * frozen, so only inputs and LoRA pairs get gradients, and the first layer's input none, unless
 * `toInput` asks for it in `ws.dx`.
 */
export function recordBackward(
  model: Transformer,
  ws: TrainWorkspace,
  rows: number,
  adapter: DeviceAdapter,
  toInput = false,
): void {
  const { recorder, config } = model;
  const { heads, kvHeads, headDim, hiddenSize } = config;
  const attentionBackward = attentionBackwardKernels(model.variants, rows);
  const normShape = { rows, width: hiddenSize, eps: normEps(config) };
  const attentionShape = {
    rows,
    heads,
    kv_heads: kvHeads,
    scale: attentionScale(config),
    keys: ws.mostKeys,
  };
  for (let l = config.layers - 1; l >= 0; l--) {
    const layer = model.layer(l);
    recorder.copy(elementAt(ws.checkpoints, l), ws.x, 4 * rows * hiddenSize);
    model.attentionBlock(ws, l, rows, ws, [adapter], true);
    model.mlpBlock(ws, l, rows, [adapter], true);
    model.loraHidden(ws, l, 'down', { x: ws.act }, rows, adapter);

    backwardProject(model, ws, l, 'down', ws.act, ws.dx, ws.dAct, rows, adapter);
    recorder.run(
      swigluBackward,
      { rows, width: config.intermediateSize },
      { gate_up: ws.gateUp, dy: ws.dAct, d_gate_up: ws.dGateUp },
    );
    backwardProject(model, ws, l, 'gateUp', ws.norm2, ws.dGateUp, ws.dNorm, rows, adapter);
    recorder.run(rmsNormBackward, normShape, {
      x: ws.x,
      weight: layer.norm2,
      dy: ws.dNorm,
      dx: ws.dx,
    });

    backwardProject(model, ws, l, 'o', ws.o, ws.dx, ws.dO, rows, adapter);
    recorder.run(
      attentionBackward.query,
      attentionShape,
      { q: ws.q, k: ws.k, v: ws.v, rows: ws.rows, o: ws.o, d_o: ws.dO, stats: ws.stats, dq: ws.dq },
      { HEAD_DIM: headDim },
    );
    recorder.run(
      attentionBackward.keyValue,
      attentionShape,
      {
        q: ws.q,
        k: ws.k,
        v: ws.v,
        keys: ws.keys,
        d_o: ws.dO,
        stats: ws.stats,
        dk: ws.dk,
        dv: ws.dv,
      },
      { HEAD_DIM: headDim },
    );
    const headShape = { rows, heads, kv_heads: kvHeads, head_dim: headDim };
    const normed = ws.headNormed;
    recorder.run(ropeBackward, headShape, {
      dq: ws.dq,
      dk: ws.dk,
      dv: ws.dv,
      rows: ws.rows,
      table: model.turns,
      dqkv: normed ?? ws.dqkv,
    });
    if (normed && layer.queryKeyNorm) {
      recorder.run(
        headNormBackward,
        { ...headShape, eps: headNormEps(config) },
        { qkv: ws.qkv, weight: layer.queryKeyNorm, dy: normed, dqkv: ws.dqkv },
      );
    }
    const first = l === 0 && !toInput;
    backwardProject(model, ws, l, 'qkv', ws.norm1, ws.dqkv, first ? null : ws.dNorm, rows, adapter);
    if (!first)
      recorder.run(rmsNormBackward, normShape, {
        x: elementAt(ws.checkpoints, l),
        weight: layer.norm1,
        dy: ws.dNorm,
        dx: ws.dx,
      });
  }
}

/**
 * Gradient of one fused product: its input (unless null), and its LoRA pair. `x` is the product's
 * input.
 */
function backwardProject(
  model: Transformer,
  ws: TrainWorkspace,
  l: number,
  name: FusedName,
  x: BufferView,
  dy: BufferView,
  dx: BufferView | null,
  rows: number,
  adapter: DeviceAdapter,
): void {
  const { recorder } = model;
  const pair = adapter.layout.layers[l]?.[name];
  if (dx) model.productBackward(model.layer(l)[name], dy, dx, rows, false);
  if (!pair) return;
  const { rank } = adapter.layout;
  const { segment1, segment2, segments, inner, outer } = pair;
  recorder.run(
    loraHiddenBackward,
    {
      rows,
      cols: outer,
      rank,
      segments,
      segment1,
      segment2,
      adapter: adapter.index,
      scale: adapter.scale,
    },
    { dy, b: adapter.b(pair), rows: ws.rows, dh: ws.dh },
  );
  if (dx) model.productBackward(adapter.a(pair), ws.dh, dx, rows, true);
  const gradient = loraGradientKernel(model.variants, rows);
  recorder.run(
    gradient,
    {
      rows,
      outer,
      width4: rank / 4,
      a_stride: outer,
      c_stride4: (segments * rank) / 4,
      segment1,
      segment2,
      adapter: adapter.index,
      scale: adapter.scale,
    },
    { a: dy, c: ws.h[name], rows: ws.rows, grad: adapter.gradB(pair) },
  );
  recorder.run(
    gradient,
    {
      rows,
      outer: segments * rank,
      width4: inner / 4,
      a_stride: segments * rank,
      c_stride4: inner / 4,
      segment1: NO_SEGMENT,
      segment2: NO_SEGMENT,
      adapter: adapter.index,
      scale: 1,
    },
    { a: ws.dh, c: x, rows: ws.rows, grad: adapter.gradA(pair) },
  );
}
