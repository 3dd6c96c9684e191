import type { Allocator, BufferView, GpuMemory } from '../../gpu/memory.ts';
import { accumulate } from '../../kernels/accumulate.ts';
import { adamw, gradNorm, gradNormTotal, NORM_CHUNK } from '../../kernels/adamw.ts';
import { withAdapters } from '../../kernels/rows.ts';
import { resultAt } from '../../kernels/token-loss.ts';
import { recordBackward } from './backward.ts';
import type {
  OptimizerOptions,
  TokenColumns,
  TrainResult,
  TrainSequence,
  TrainStepOptions,
} from './step.ts';
import { type Head, NO_LOSS } from '../forward/head.ts';
import type { DeviceAdapter, LoraLayout } from '../weights/lora.ts';
import { packBatches, type Packed } from '../forward/packing.ts';
import { inverseZ, tokenLossOptions, tokenWords } from './loss.ts';
import { teacherRows } from './teacher.ts';
import type { Transformer } from '../forward/transformer.ts';
import { recordForward, type SequenceWorkspaces } from '../forward/sequence-pass.ts';

/** Squared norms of the chunks of an adapter's gradient. */
export function partialNorms(memory: Allocator, layout: LoraLayout): BufferView {
  return memory.alloc('adapter norm', 8 * Math.ceil(layout.words / NORM_CHUNK));
}

/** The sum of the gradients of a step's earlier parts, where it has several. */
export function earlierGradient(memory: Allocator, layout: LoraLayout): BufferView {
  return memory.alloc('adapter gradient of earlier parts', 4 * layout.words);
}

/** Optimiser steps over packed sequences. */
export class Trainer {
  #norm;
  #partials;
  /** Gradient of the parts of a step before the present one. */
  #total;

  constructor(
    private readonly memory: GpuMemory,
    private readonly model: Transformer,
    private readonly head: Head,
    private readonly workspaces: SequenceWorkspaces,
    private readonly tick: () => void,
  ) {
    this.#norm = memory.alloc('adapter norm', 16);
    this.#partials = memory.alloc('adapter norm', 16);
    this.#total = memory.alloc('adapter gradient of earlier parts', 16);
  }

  async step(
    adapter: DeviceAdapter,
    microBatchRows: number,
    options: TrainStepOptions,
  ): Promise<TrainResult> {
    const { sequences, loss } = options;
    const { recorder } = this.model;
    const batches = packBatches(sequences, microBatchRows, adapter.index);
    const weights = inverseZ(loss, sequences, batches);
    const ws = await this.workspaces.forTraining(
      Math.max(microBatchRows, ...batches.map((b) => b.count)),
      adapter,
    );
    const columns = sequences.map((s): TokenColumns => {
      const zeros = () => new Float32Array(s.completion.length);
      return { logprobs: zeros(), entropy: zeros(), kl: zeros(), ratio: zeros(), loss: zeros() };
    });
    const sums = { loss: 0, kl: 0, entropy: 0, clipped: 0, tokens: 0, gap: 0, gapTokens: 0 };
    const parts = Math.max(...batches.map((b) => b.part)) + 1;
    const partNorms: number[] = [];

    recorder.clear(adapter.grad);
    for (const [b, packed] of batches.entries()) {
      options.signal?.throwIfAborted();
      let reference: Float32Array | null = null;
      if (options.reference) {
        // Row state without an adapter: the reference is the base model, on the same packing.
        this.workspaces.upload(ws, {
          ...packed,
          rows: withAdapters(packed.rows, () => 0),
        });
        recordForward(this.model, ws, packed.count, [], null);
        this.head.record(
          ws.x,
          tokenWords(packed, sequences, weights, loss, null),
          packed.sources,
          NO_LOSS,
          null,
        );
        reference = await this.head.results(packed.sources.length);
      }
      this.workspaces.upload(ws, packed);
      recorder.clear(ws.dx);
      recordForward(this.model, ws, packed.count, [adapter], ws.checkpoints);
      const teacher =
        loss.kind === 'kd'
          ? teacherRows(packed, sequences, this.model.config.vocabSize, loss.mode === 'renorm')
          : null;
      const outputGradient = { rows: packed.count, spans: ws.spans, dx: ws.dx };
      this.head.record(
        ws.x,
        tokenWords(packed, sequences, weights, loss, reference),
        packed.sources,
        tokenLossOptions(loss),
        outputGradient,
        teacher,
      );
      recordBackward(this.model, ws, packed.count, adapter);
      const results = await this.head.results(packed.sources.length);
      await this.memory.settle();
      this.tick();
      collect(packed, sequences, results, columns, sums);
      if (parts > 1 && batches[b + 1]?.part !== packed.part)
        partNorms.push(await this.#endPart(adapter, packed.part, parts));
    }
    const { gradNorm: norm, skipped } = await this.#update(adapter, options.optimizer);
    const mean = (sum: number, count: number) => (count > 0 ? sum / count : 0);
    return {
      loss: sums.loss,
      gradNorm: norm,
      partNorms: parts > 1 ? partNorms : [norm],
      kl: mean(sums.kl, sums.tokens),
      entropy: mean(sums.entropy, sums.tokens),
      clipRatio: mean(sums.clipped, sums.tokens),
      tokens: sums.tokens,
      samplerGap: sums.gapTokens > 0 ? sums.gap / sums.gapTokens : null,
      skipped,
      columns,
    };
  }

  /**
   * The norm of a part's gradient; what was there before it is added, and the last part leaves the
   * sum.
   */
  async #endPart(adapter: DeviceAdapter, part: number, parts: number): Promise<number> {
    const { recorder } = this.model;
    const count = adapter.layout.words;
    const { grad } = adapter;
    this.#recordNorm(adapter);
    const [norm = 0] = await recorder.readF32({ ...this.#norm, size: 4 });
    if (part === 0) {
      if (this.#total.size < grad.size) {
        this.memory.free(this.#total);
        recorder.forgetBindGroups();
        this.#total = earlierGradient(this.memory, adapter.layout);
      }
      recorder.copy(grad, this.#total, 4 * count);
    } else if (part < parts - 1) recorder.run(accumulate, { count }, { x: grad, y: this.#total });
    else recorder.run(accumulate, { count }, { x: this.#total, y: grad });
    if (part < parts - 1) recorder.clear(grad);
    return norm;
  }

  /**
   * L2 norm of the adapter's gradient and the number of its entries that are not finite, into
   * `#norm`.
   */
  #recordNorm(adapter: DeviceAdapter): void {
    const { recorder } = this.model;
    const count = adapter.layout.words;
    const groups = Math.ceil(count / NORM_CHUNK);
    if (this.#partials.size < 8 * groups) {
      this.memory.free(this.#partials);
      recorder.forgetBindGroups();
      this.#partials = partialNorms(this.memory, adapter.layout);
    }
    recorder.run(
      gradNorm,
      { count, per_group: NORM_CHUNK },
      { grad: adapter.grad, partials: this.#partials },
    );
    recorder.run(gradNormTotal, { groups }, { partials: this.#partials, norm: this.#norm });
  }

  async #update(
    adapter: DeviceAdapter,
    o: OptimizerOptions,
  ): Promise<{ gradNorm: number; skipped: boolean }> {
    const { recorder } = this.model;
    const count = adapter.layout.words;
    this.#recordNorm(adapter);
    const step = adapter.steps + 1;
    recorder.run(
      adamw,
      {
        count,
        learning_rate: o.learningRate,
        beta1: o.beta1,
        beta2: o.beta2,
        epsilon: o.epsilon,
        weight_decay: o.weightDecay,
        clip_norm: o.clipNorm,
        correction1: 1 - o.beta1 ** step,
        correction2: 1 - o.beta2 ** step,
      },
      {
        grad: adapter.grad,
        norm: this.#norm,
        theta: adapter.theta,
        moment1: adapter.moment1,
        moment2: adapter.moment2,
      },
    );
    const [norm = 0, bad = 0] = await recorder.readF32({ ...this.#norm, size: 8 });
    const skipped = bad > 0;
    if (!skipped) adapter.steps = step;
    return { gradNorm: norm, skipped };
  }
}

function collect(
  packed: Packed,
  sequences: readonly TrainSequence[],
  results: Float32Array,
  columns: readonly TokenColumns[],
  sums: {
    loss: number;
    kl: number;
    entropy: number;
    clipped: number;
    tokens: number;
    gap: number;
    gapTokens: number;
  },
): void {
  packed.sources.forEach((_, e) => {
    const i = packed.items[e] ?? 0;
    const position = packed.positions[e] ?? 0;
    const s = sequences[i];
    const column = columns[i];
    if (!s || !column) return;
    const { logprob, entropy, loss, ratio, divergence, clipped } = resultAt(results, e);
    column.logprobs[position] = logprob;
    column.entropy[position] = entropy;
    column.ratio[position] = ratio;
    column.loss[position] = loss;
    column.kl[position] = divergence;
    const sampler = s.samplerLogprobs?.[position];
    if (sampler !== undefined) {
      sums.gap += Math.abs(sampler - logprob);
      sums.gapTokens += 1;
    }
    if (s.masked) return;
    sums.loss += loss;
    sums.kl += divergence;
    sums.entropy += entropy;
    sums.clipped += clipped;
    sums.tokens += 1;
  });
}
