import { nodeGpu } from '../../../gpu/node-gpu.ts';
import type { BufferView } from '../../../gpu/memory.ts';
import { recordBackward } from '../../../model/train/backward.ts';
import { mostKeys } from '../../../kernels/rows.ts';
import type { Variants } from '../../../kernels/variants.ts';
import { openEngine, type GpuEngine } from '../../../model/gpu-engine.ts';
import {
  DeviceAdapter,
  fromTensors,
  loraLayout,
  toTensors,
  type LoraLayout,
} from '../../../model/weights/lora.ts';
import { packBatches } from '../../../model/forward/packing.ts';
import { loraTensorName } from '../../../model/weights/peft.ts';
import { measureVariants } from '../../../model/plan/measure-variants.ts';
import { TrainWorkspace } from '../../../model/forward/workspace.ts';
import {
  BLOCK_LORA,
  blockModel,
  PROJECTIONS,
  projections,
  type BlockNumbers,
  type BlockShape,
  type ProjectionName,
} from './block.ts';
import type { Side } from './side.ts';

/** What both sides must agree on. */
export interface BlockResult {
  readonly y: Float32Array;
  readonly dx: Float32Array;
  /** Gradients of LoRA's pairs; empty without. */
  readonly dA: Readonly<Partial<Record<ProjectionName, Float32Array>>>;
  readonly dB: Readonly<Partial<Record<ProjectionName, Float32Array>>>;
}

export interface OurBlock {
  /** What the tuner chose by measuring, here on a software adapter too. */
  readonly kernels: Variants;
  readonly forward: Side;
  readonly forwardBackward: Side;
  readonly read: () => Promise<BlockResult>;
  readonly close: () => void;
}

/**
 * The lab's own block: what a layer of the trainer records, forward alone and with its backward
 * pass.
 */
export async function ourBlock(
  shape: BlockShape,
  numbers: BlockNumbers,
  lora: boolean,
): Promise<OurBlock> {
  const engine = await openEngine({
    gpu: nodeGpu(),
    source: blockModel(shape, numbers),
    weights: 'f32',
  });
  const { model, config, opened } = engine;
  engine.variants = await measureVariants(opened, model, 0.1, [shape.rows]);
  const { memory, recorder } = opened;
  const adapter = lora ? loraOf(engine, shape, numbers) : noAdapter(engine);
  const { rows, width } = shape;
  const ws = new TrainWorkspace(memory, config, rows, adapter.layout);
  const [packed] = packBatches(
    [{ group: 0, prompt: Array.from({ length: rows }, (_, i) => i % 64), completion: [0] }],
    rows,
    adapter.index,
  );
  if (!packed) throw new Error('A block of no rows cannot be packed.');
  memory.write(ws.rows, packed.rows);
  ws.mostKeys = mostKeys(packed.rows);
  memory.write(ws.keys, packed.keys);
  const x = memory.upload('block x', numbers.x);
  const dy = memory.upload('block dy', numbers.dy);
  const y = memory.alloc('block y', 4 * rows * width);
  const [checkpoint] = ws.checkpoints;
  if (!checkpoint) throw new Error('A workspace of one layer has no checkpoint.');
  const copy = (from: BufferView, to: BufferView) => recorder.copy(from, to, 4 * rows * width);
  const finish = () => recorder.finish();
  await memory.settle();
  return {
    kernels: engine.variants,
    forward: {
      run: () => {
        copy(x, ws.x);
        model.attentionBlock(ws, 0, rows, ws, [adapter]);
        model.mlpBlock(ws, 0, rows, [adapter]);
      },
      finish,
    },
    forwardBackward: {
      // The backward pass computes its layer from the kept input, but for the last product; with
      // that it is both passes.
      run: () => {
        copy(x, checkpoint);
        copy(dy, ws.dx);
        recorder.clear(adapter.grad);
        recordBackward(model, ws, rows, adapter, true);
        copy(ws.x, y);
        model.product(model.layer(0).down, { x: ws.act }, y, rows, {
          accumulate: true,
          bias: null,
          lora: { ws, l: 0, name: 'down', adapter },
        });
      },
      finish,
    },
    read: async () => {
      const [out, dx] = await recorder.read([y, { ...ws.dx, size: 4 * rows * width }]);
      const pairs = lora
        ? gradients(adapter.layout, await recorder.readF32(adapter.grad))
        : { dA: {}, dB: {} };
      return { y: new Float32Array(out ?? []), dx: new Float32Array(dx ?? []), ...pairs };
    },
    close: () => engine.destroy(),
  };
}

function loraOf(
  { opened, config }: GpuEngine,
  shape: BlockShape,
  numbers: BlockNumbers,
): DeviceAdapter {
  const all = projections(shape);
  const layout = loraLayout(config, { ...BLOCK_LORA, targets: PROJECTIONS });
  const tensors = new Map(
    PROJECTIONS.flatMap((name) => [
      [
        loraTensorName(0, name, 'A'),
        { shape: [BLOCK_LORA.rank, all[name].inputs], data: numbers.a[name] },
      ],
      [
        loraTensorName(0, name, 'B'),
        { shape: [all[name].outputs, BLOCK_LORA.rank], data: numbers.b[name] },
      ],
    ]),
  );
  return new DeviceAdapter(opened.memory, layout, 1, fromTensors(layout, tensors));
}

/** An adapter on no product: the backward pass is that to the input alone. */
function noAdapter({ opened, config: model }: GpuEngine): DeviceAdapter {
  const layout: LoraLayout = {
    model,
    config: { rank: 4, alpha: 4, targets: [] },
    rank: 4,
    layers: [],
    words: 64,
  };
  return new DeviceAdapter(opened.memory, layout, 1, new Float32Array(64));
}

function gradients(layout: LoraLayout, flat: Float32Array): Pick<BlockResult, 'dA' | 'dB'> {
  const tensors = toTensors(layout, flat);
  const of = (half: 'A' | 'B') =>
    Object.fromEntries(
      PROJECTIONS.map((name) => [
        name,
        tensors.get(loraTensorName(0, name, half))?.data ?? new Float32Array(),
      ]),
    );
  return { dA: of('A'), dB: of('B') };
}
