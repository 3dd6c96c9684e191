import type { Allocator } from '../../gpu/memory.ts';
import { ROW } from '../../kernels/rows.ts';
import { SAMPLED, SLOT } from '../../kernels/sample.ts';
import type { KeyValue } from '../forward/transformer.ts';
import type { ModelConfig } from '../weights/config.ts';

/**
 * Decode steps in a block: stop rules act and slots are refilled between blocks only, so the
 * schedule is fixed.
 */
export const BLOCK_STEPS = 8;
/** Prompt rows computed in one pass. */
export const PREFILL_ROWS = 256;

/** Rows of the activations that prompts and slots pass through. */
export function decodeRows(slots: number): number {
  return Math.max(PREFILL_ROWS, slots);
}

/**
 * What sampling keeps for each slot: state, sampled tokens of a block, logits (slots, vocabulary).
 */
export function slotBuffers(memory: Allocator, config: ModelConfig, slots: number) {
  const words = (label: string, width: number) =>
    memory.alloc(`decode ${label}`, 4 * width * slots);
  return {
    slots: words('slots', SLOT.words),
    sampled: words('sampled', SAMPLED.words * BLOCK_STEPS),
    logits: words('logits', config.vocabSize),
    /** Where the slots' rows wait while prompts are computed. */
    savedRows: words('rows', ROW.words),
  };
}

/**
 * Rows of keys and values at the widest moment: every slot its longest completion, and the longest
 * prompts that can be there together. Prompts get twice that, which leaves the first-fit allocator
 * room for its gaps. The last row is read by nobody.
 */
export function keyValueRows(prompts: readonly number[], maxTokens: number, slots: number): number {
  const widest = prompts.map((length) => Math.max(1, length - 1)).sort((a, b) => b - a);
  return 1 + slots * maxTokens + 2 * widest.slice(0, slots).reduce((sum, rows) => sum + rows, 0);
}

/** Keys and values of every layer, (rows, kvHeads, headDim) each. */
export function keyValueBuffers(memory: Allocator, config: ModelConfig, rows: number): KeyValue[] {
  const bytes = 4 * rows * config.kvHeads * config.headDim;
  return Array.from({ length: config.layers }, () => ({
    k: memory.alloc('kv keys', bytes),
    v: memory.alloc('kv values', bytes),
  }));
}

export type SlotBuffers = ReturnType<typeof slotBuffers>;
