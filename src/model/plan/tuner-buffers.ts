/** What measuring variants takes of a device's memory, and what stands in it. */
import type { Allocator, GpuMemory } from '../../gpu/memory.ts';
import { KEY, packKeys } from '../../kernels/attention-keys.ts';
import { ROW } from '../../kernels/rows.ts';
import { packSlots, PLAIN_SLOT, SAMPLED, SLOT } from '../../kernels/sample.ts';
import { packTokens, PLAIN_TOKEN, RESULT, TOKEN } from '../../kernels/token-loss.ts';
import type { ModelConfig } from '../weights/config.ts';

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
    keys: words('keys', KEY.words * rows),
    stats: words('stats', 2 * rows * config.heads),
    rows: words('rows', Math.max(rows, VOCABULARY_ROWS) * ROW.words),
    dq: words('dq', rows * queries),
    dk: words('dk', rows * keys),
    dv: words('dv', rows * keys),
    tokens: words('tokens', VOCABULARY_ROWS * TOKEN.words),
    results: words('results', VOCABULARY_ROWS * RESULT.words),
    slots: words('slots', VOCABULARY_ROWS * SLOT.words),
    sampled: words('sampled', VOCABULARY_ROWS * SAMPLED.words),
  };
}

export type TunerBuffers = ReturnType<typeof tunerBuffers>;

/** Writes what kernels read of rows, tokens and slots; numbers are whatever the memory holds. */
export function fillTunerBuffers(memory: GpuMemory, b: TunerBuffers, rows: number): void {
  memory.write(b.rows, rowsWithPrefix(rows));
  memory.write(
    b.keys,
    packKeys(
      Array.from({ length: rows }, (_, row) => ({
        ownEnd: Math.min(rows, row + KEYS),
        childrenStart: 0,
        childrenEnd: 0,
      })),
    ),
  );
  const each = Array.from({ length: VOCABULARY_ROWS });
  memory.write(b.tokens, packTokens(each.map(() => ({ ...PLAIN_TOKEN, advantage: 1 }))));
  // at its limit already, so that its row stays
  memory.write(b.slots, packSlots(each.map(() => ({ ...PLAIN_SLOT, seed: 1, limit: 0 }))));
}

/** Rows that attend to the same prefix of KEYS rows and to themselves. */
function rowsWithPrefix(count: number): Uint32Array {
  return ROW.pack(
    Array.from({ length: count }, (_, row) => ({
      token: 0,
      position: 0,
      kv: row,
      prefixStart: 0,
      prefixLen: KEYS,
      ownStart: KEYS + row,
      ownLen: 1,
      adapter: 0,
    })),
  );
}
