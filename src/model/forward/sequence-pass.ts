import type { Allocator, BufferView, GpuMemory } from '../../gpu/memory.ts';
import { mostKeys } from '../../kernels/rows.ts';
import { elementAt } from '../../lib/defined.ts';
import type { ModelConfig } from '../weights/config.ts';
import type { DeviceAdapter, LoraLayout } from '../weights/lora.ts';
import type { Packed } from './packing.ts';
import type { Transformer } from './transformer.ts';
import { SequenceWorkspace, TrainWorkspace } from './workspace.ts';

/**
 * The workspace for passes over whole sequences, kept between them. Scoring and training share one:
 * one of each would be more memory.
 */
export class SequenceWorkspaces {
  #workspace: SequenceWorkspace | null = null;

  constructor(
    private readonly memory: GpuMemory,
    private readonly model: Transformer,
  ) {}

  /** For a forward pass over at least `rows` rows, with h buffers that fit `adapter`. */
  async forForward(rows: number, adapter: DeviceAdapter | null): Promise<SequenceWorkspace> {
    if (this.#workspace && fits(this.#workspace, rows, adapter)) return this.#workspace;
    return this.#workspace instanceof TrainWorkspace
      ? this.#replace(TrainWorkspace, rows, adapter)
      : this.#replace(SequenceWorkspace, rows, adapter);
  }

  /** For a forward and a backward pass. */
  async forTraining(rows: number, adapter: DeviceAdapter): Promise<TrainWorkspace> {
    return this.#workspace instanceof TrainWorkspace && fits(this.#workspace, rows, adapter)
      ? this.#workspace
      : this.#replace(TrainWorkspace, rows, adapter);
  }

  /** Writes a micro-batch's row state, and what the backward pass needs where there is room. */
  upload(ws: SequenceWorkspace, packed: Packed): void {
    this.model.recorder.submit();
    this.memory.write(ws.rows, packed.rows);
    ws.mostKeys = mostKeys(packed.rows);
    if (!(ws instanceof TrainWorkspace)) return;
    this.memory.write(ws.keys, packed.keys);
    this.memory.write(ws.spans, packed.spans);
  }

  /** The old one goes first: there may be no room for both. */
  async #replace<W extends SequenceWorkspace>(
    Made: new (
      memory: Allocator,
      config: ModelConfig,
      rows: number,
      layout: LoraLayout | null,
    ) => W,
    rows: number,
    adapter: DeviceAdapter | null,
  ): Promise<W> {
    this.model.recorder.submit();
    this.#workspace?.free();
    this.model.recorder.forgetBindGroups();
    this.#workspace = null;
    const workspace = this.memory.whole(
      () => new Made(this.memory, this.model.config, rows, adapter?.layout ?? null),
    );
    await this.memory.settle();
    this.#workspace = workspace;
    return workspace;
  }
}

function fits(ws: SequenceWorkspace, rows: number, adapter: DeviceAdapter | null): boolean {
  return ws.capacity >= rows && ws.loraRank >= (adapter?.layout.rank ?? 4);
}

/**
 * Records the forward pass over packed rows. It leaves the last layer's output in `ws.x`, and the
 * input of every layer, (rows, hiddenSize) each, in `checkpoints`.
 */
export function recordForward(
  model: Transformer,
  ws: SequenceWorkspace,
  rows: number,
  adapters: readonly DeviceAdapter[],
  checkpoints: readonly BufferView[] | null,
): void {
  model.embed(ws, rows);
  for (let l = 0; l < model.config.layers; l++) {
    if (checkpoints)
      model.recorder.copy(ws.x, elementAt(checkpoints, l), 4 * rows * model.config.hiddenSize);
    model.attentionBlock(ws, l, rows, ws, adapters);
    model.mlpBlock(ws, l, rows, adapters);
  }
}
