import { slice, type GpuMemory } from '../../gpu/memory.ts';
import { mostKeys, ROW, writeRow } from '../../kernels/rows.ts';
import { sample, SAMPLED, SLOT } from '../../kernels/sample.ts';
import { vocabularyConstants } from '../../kernels/variants.ts';
import { elementAt } from '../../lib/defined.ts';
import type { KeyValue, Transformer } from '../forward/transformer.ts';
import type { Workspace } from '../forward/workspace.ts';
import type { DeviceAdapter } from '../weights/lora.ts';
import { BLOCK_STEPS, PREFILL_ROWS, type SlotBuffers } from './buffers.ts';
import type { SlotTable } from './slot-table.ts';

/** A prompt whose keys and values are to be computed, and where they go. */
export interface PromptRows {
  readonly prompt: readonly number[];
  /** First of its key/value rows. */
  readonly start: number;
  /** Index of the adapter it is read with. */
  readonly adapter: number;
}

/** What the device knows after a block, in the words of kernels/sample.ts and kernels/rows.ts. */
export interface BlockResult {
  /** (BLOCK_STEPS, slots) sampled tokens. */
  readonly sampled: Uint32Array;
  /** States and rows by slot. */
  readonly states: Uint32Array;
  readonly rows: Uint32Array;
}

/** The device's part of a session: the passes over prompts and over blocks of decode steps. */
export class DecodePass {
  constructor(
    private readonly memory: GpuMemory,
    private readonly model: Transformer,
    private readonly ws: Workspace,
    private readonly buffers: SlotBuffers,
    private readonly kv: readonly KeyValue[],
    private readonly adapters: readonly DeviceAdapter[],
  ) {}

  /**
   * Keys and values of prompts (all but their last token), in passes of at most PREFILL_ROWS rows.
   */
  prefill(prompts: readonly PromptRows[]): void {
    const { recorder } = this.model;
    const { ws } = this;
    const { savedRows } = this.buffers;
    recorder.copy(ws.rows, savedRows, savedRows.size);
    const words = new Uint32Array(PREFILL_ROWS * ROW.words);
    let count = 0;
    const flush = () => {
      if (count === 0) return;
      recorder.submit();
      const rows = words.subarray(0, count * ROW.words);
      this.memory.write(ws.rows, rows);
      ws.mostKeys = mostKeys(rows);
      this.#layers(count);
      count = 0;
    };
    for (const { prompt, start, adapter } of prompts) {
      for (let position = 0; position + 1 < prompt.length; position++) {
        writeRow(words, count, {
          token: elementAt(prompt, position),
          position,
          kv: start + position,
          prefixStart: 0,
          prefixLen: 0,
          ownStart: start,
          ownLen: position + 1,
          adapter,
        });
        count += 1;
        if (count === PREFILL_ROWS) flush();
      }
    }
    flush();
    recorder.copy(savedRows, ws.rows, savedRows.size);
  }

  /**
   * BLOCK_STEPS tokens for every slot in use, read back once the device is done. `context` bounds
   * the keys of a row; `filter` says that some slot has top-k or top-p.
   */
  async decodeBlock<T>(
    slots: SlotTable<T>,
    context: number,
    filter: boolean,
  ): Promise<BlockResult> {
    const { recorder } = this.model;
    const { ws, buffers } = this;
    const count = slots.length;
    recorder.submit();
    slots.upload(
      (words, offset) => this.memory.write(ws.rows, words, offset),
      (words, offset) => this.memory.write(buffers.slots, words, offset),
    );
    ws.mostKeys = context;
    for (let step = 0; step < BLOCK_STEPS; step++) this.#step(count, step, filter);
    const [sampled, states, rows] = await recorder.read([
      slice(buffers.sampled, 0, BLOCK_STEPS * count * SAMPLED.words),
      slice(buffers.slots, 0, count * SLOT.words),
      slice(ws.rows, 0, count * ROW.words),
    ]);
    if (!sampled || !states || !rows) throw new Error('A read-back came back short.');
    return {
      sampled: new Uint32Array(sampled),
      states: new Uint32Array(states),
      rows: new Uint32Array(rows),
    };
  }

  /** One token for every slot. */
  #step(slots: number, step: number, filter: boolean): void {
    const { ws, buffers } = this;
    const { weights, config, recorder, variants } = this.model;
    this.#layers(slots);
    const normed = this.model.normed(ws.x, weights.finalNorm, ws.norm1, slots);
    this.model.product(weights.head, normed, buffers.logits, slots, {
      accumulate: false,
      bias: null,
      lora: null,
    });
    recorder.run(
      sample,
      { slots, vocab: config.vocabSize, step },
      {
        slots: buffers.slots,
        sampled: buffers.sampled,
        logits: buffers.logits,
        rows: ws.rows,
      },
      { FILTER: filter, ...vocabularyConstants(variants) },
    );
  }

  #layers(rows: number): void {
    this.model.embed(this.ws, rows);
    this.kv.forEach((kv, l) => {
      this.model.attentionBlock(this.ws, l, rows, kv, this.adapters);
      this.model.mlpBlock(this.ws, l, rows, this.adapters);
    });
  }
}
