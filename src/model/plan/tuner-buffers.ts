/** What measuring variants takes of a device's memory, and what stands in it. */
import type { Allocator, GpuMemory } from '../../gpu/memory.ts';
import { ROW_WORDS, writeRow } from '../../kernels/rows.ts';
import { SAMPLED_WORDS, SLOT_WORDS, writeSlot } from '../../kernels/sample.ts';
import { RESULT_WORDS, TOKEN_WORDS, writeToken } from '../../kernels/token-loss.ts';
import type { ModelConfig } from '../config.ts';

/** Attention is measured with this many keys a row. */
export const KEYS = 512;
/** Sums over the vocabulary are measured on a group of this many rows. */
export const VOCABULARY_ROWS = 10;
/** LoRA is measured at this rank, as for q, k and v. */
export const LORA_RANK = 16;
export const LORA_OUTPUTS = 3 * LORA_RANK;
/** Beyond so many rows no product takes in what comes before it. */
const PROLOGUE_ROWS = 128;

/** How many of a piece's outputs are measured: more fill no device better, and need more room. */
export function tunedOutputs(outputs: number): number {
  return Math.min(outputs, 16_384);
}

/** The shape of what is measured: the first piece of the widest product of a layer, gate and up. */
export interface TunedShape {
  readonly inner: number;
  readonly outputs: number;
}

/**
 * What measuring passes of up to `rows` rows takes; it is given back before a run takes its own.
 */
export function tunerBuffers(
  memory: Allocator,
  config: ModelConfig,
  { inner, outputs }: TunedShape,
  rows: number,
) {
  const words = (label: string, count: number) => memory.alloc(`tuner ${label}`, 4 * count);
  const [queries, keys] = [config.heads * config.headDim, config.kvHeads * config.headDim];
  const qkv = queries + 2 * keys;
  const gateUp = Math.min(rows, PROLOGUE_ROWS) * 2 * config.intermediateSize;
  return {
    x: words('x', Math.max(rows * Math.max(inner, qkv), gateUp)),
    y: words(
      'y',
      Math.max(rows * Math.max(outputs, qkv), gateUp, VOCABULARY_ROWS * config.vocabSize),
    ),
    a: words('a', Math.max(LORA_OUTPUTS * inner, LORA_RANK * config.intermediateSize)),
    h: words('h', rows * LORA_OUTPUTS),
    gradient: words('gradient', Math.max(LORA_OUTPUTS * inner, LORA_RANK * outputs)),
    k: words('k', (KEYS + rows) * keys),
    v: words('v', (KEYS + rows) * keys),
    keys: words('keys', 4 * rows),
    stats: words('stats', 2 * rows * config.heads),
    rows: words('rows', Math.max(rows, VOCABULARY_ROWS) * ROW_WORDS),
    dq: words('dq', rows * queries),
    dk: words('dk', rows * keys),
    dv: words('dv', rows * keys),
    tokens: words('tokens', VOCABULARY_ROWS * TOKEN_WORDS),
    results: words('results', VOCABULARY_ROWS * RESULT_WORDS),
    slots: words('slots', VOCABULARY_ROWS * SLOT_WORDS),
    sampled: words('sampled', VOCABULARY_ROWS * SAMPLED_WORDS),
  };
}

export type TunerBuffers = ReturnType<typeof tunerBuffers>;

/** Writes what kernels read of rows, tokens and slots; numbers are whatever the memory holds. */
export function fillTunerBuffers(memory: GpuMemory, b: TunerBuffers, rows: number): void {
  memory.write(b.rows, rowsWithPrefix(rows));
  memory.write(
    b.keys,
    Uint32Array.from({ length: 4 * rows }, (_, i) =>
      i % 4 === 0 ? Math.min(rows, Math.floor(i / 4) + KEYS) : 0,
    ),
  );
  const tokens = new Uint32Array(VOCABULARY_ROWS * TOKEN_WORDS);
  const slots = new Uint32Array(VOCABULARY_ROWS * SLOT_WORDS);
  for (let i = 0; i < VOCABULARY_ROWS; i++) {
    writeToken(tokens, i, {
      id: 0,
      tau: 1,
      advantage: 1,
      old: null,
      sampler: null,
      reference: null,
      weight: 1,
      klWeight: 0,
    });
    // at its limit already, so that its row stays
    writeSlot(slots, i, {
      temperature: 1,
      topP: 1,
      topK: 0,
      seed: 1,
      stream: 0,
      limit: 0,
      count: 0,
      done: false,
      stopIds: [],
    });
  }
  memory.write(b.tokens, tokens);
  memory.write(b.slots, slots);
}

/** Rows that attend to the same prefix of KEYS rows and to themselves. */
function rowsWithPrefix(count: number): Uint32Array {
  const words = new Uint32Array(count * ROW_WORDS);
  for (let row = 0; row < count; row++) {
    writeRow(words, row, {
      token: 0,
      position: 0,
      kv: row,
      prefixStart: 0,
      prefixLen: KEYS,
      ownStart: KEYS + row,
      ownLen: 1,
      adapter: 0,
    });
  }
  return words;
}
