import wgsl from '../../shaders/sample.wgsl';
import type { Kernel, KernelCase } from '../gpu/kernel.ts';
import { LIB } from './libraries.ts';
import { gumbel } from './random.ts';
import { floats, fromBits, normals, packRows, rowAt, toBits, words } from './reference-helpers.ts';
import { writeRow } from './rows.ts';

/** Words of one slot's state and of one sampled token; the WGSL names them. */
export const SLOT_WORDS = 16;
/** Word of a slot's state that is 1 once it has ended. */
export const SLOT_DONE = 7;
export const SAMPLED_WORDS = 4;
export const MAX_STOP_IDS = 7;

type Params = 'slots' | 'vocab' | 'step';

export const sample: Kernel<Params> = {
  name: 'sample',
  wgsl,
  lib: [LIB.rows, LIB.reduce, LIB.random],
  constants: { LANES: 64, FILTER: false },
  grid: (p) => [p.slots, 1, 1],
  cost: (p) => 200 * p.slots * p.vocab,
  floatWords: { sampled: { stride: SAMPLED_WORDS, words: [1, 2] } },

  reference(io, p, constants) {
    const [logits, slots, rows, sampled] = [
      floats(io, 'logits'),
      words(io, 'slots'),
      words(io, 'rows'),
      words(io, 'sampled'),
    ];
    for (let slot = 0; slot < p.slots; slot++) {
      const s = slotAt(slots, slot);
      const tau = s.temperature === 0 ? 1 : s.temperature;
      const scaled = Array.from(
        logits.subarray(slot * p.vocab, (slot + 1) * p.vocab),
        (logit) => logit / tau,
      );
      const lse = logSumExp(scaled);
      const floor = constants['FILTER'] === true ? filterFloor(scaled, s.topK, s.topP) : -Infinity;
      let choice = -1;
      let best = -Infinity;
      scaled.forEach((logit, token) => {
        const score = logit + (s.temperature > 0 ? gumbel(s.seed, s.stream, s.count, token) : 0);
        if (logit >= floor && score > best) [choice, best] = [token, score];
      });
      const entropy = -scaled.reduce(
        (sum, logit) => sum + Math.exp(logit - lse) * (logit - lse),
        0,
      );
      sampled.set(
        [choice, toBits(scaled[choice]! - lse), toBits(entropy), s.done ? 0 : 1],
        (p.step * p.slots + slot) * SAMPLED_WORDS,
      );
      if (s.done) continue;
      const ended = s.count + 1 >= s.limit || s.stopIds.includes(choice);
      slots[slot * SLOT_WORDS + 6] = s.count + 1;
      slots[slot * SLOT_WORDS + SLOT_DONE] = ended ? 1 : 0;
      const row = rowAt(rows, slot);
      const moved = { position: row.position + 1, kv: row.kv + 1, ownLen: row.ownLen + 1 };
      writeRow(rows, slot, { ...row, token: choice, ...(ended ? {} : moved) });
    }
  },

  cases: () => [
    sampleCase('one slot, one token', 1, [{}]),
    sampleCase('a few tokens at several temperatures', 5, [
      { temperature: 0.3 },
      { temperature: 1.7 },
      {},
    ]),
    sampleCase('beyond a workgroup, counters differ', 150, [
      { count: 0 },
      { count: 7 },
      { stream: 3 },
      { seed: 9 },
      { seed: 0xffffffff },
      { count: 4000, limit: 9000 },
    ]),
    sampleCase(
      'greedy, with a tie between the first and a later lane',
      131,
      [{ temperature: 0 }, { temperature: 0 }],
      { tie: true, step: 2 },
    ),
    sampleCase('done slots stay as they are, others stop', 5, [
      { done: true },
      { stopIds: [0, 1, 2, 3, 4] },
      { stopIds: [7, 8] },
      { count: 49 },
      { count: 48 },
    ]),
    sampleCase(
      'a stop id that is not drawn is no end; seven stop ids',
      40,
      [{ stopIds: [40, 41, 42, 43, 44, 45, 46] }, { stopIds: [], done: true }],
      { lanes: 4 },
    ),
    sampleCase('top-k', 33, [{ topK: 1 }, { topK: 5 }, { topK: 33 }, { topK: 99 }, { topK: 0 }], {
      filter: true,
    }),
    sampleCase(
      'top-p',
      150,
      [{ topP: 0.1 }, { topP: 0.7, temperature: 0.6 }, { topP: 1 }, { topP: 0.95, temperature: 2 }],
      { filter: true },
    ),
    sampleCase(
      'top-k, then top-p of what it left; greedy',
      70,
      [
        { topK: 9, topP: 0.6 },
        { topK: 3, topP: 0.9, temperature: 0 },
        { topK: 30, topP: 0.3 },
      ],
      { filter: true, lanes: 16 },
    ),
  ],
};

export interface SlotState {
  /** 0: greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 0: off. */
  readonly topK: number;
  readonly seed: number;
  readonly stream: number;
  readonly limit: number;
  /** Tokens so far: the counter of the random numbers. */
  readonly count: number;
  readonly done: boolean;
  readonly stopIds: readonly number[];
}

/** Puts a slot's state into the `slots` buffer. */
export function writeSlot(slots: Uint32Array, slot: number, s: SlotState): void {
  if (s.stopIds.length > MAX_STOP_IDS)
    throw new Error(`A slot holds ${MAX_STOP_IDS} stop ids; ${s.stopIds.length} were given.`);
  slots.set(
    [
      toBits(s.temperature),
      toBits(s.topP),
      s.topK,
      s.seed,
      s.stream,
      s.limit,
      s.count,
      s.done ? 1 : 0,
      s.stopIds.length,
      ...s.stopIds,
    ],
    slot * SLOT_WORDS,
  );
}

function slotAt(slots: Uint32Array, slot: number): SlotState {
  const at = slots.subarray(slot * SLOT_WORDS, (slot + 1) * SLOT_WORDS);
  return {
    temperature: fromBits(at[0]!),
    topP: fromBits(at[1]!),
    topK: at[2]!,
    seed: at[3]!,
    stream: at[4]!,
    limit: at[5]!,
    count: at[6]!,
    done: at[7] === 1,
    stopIds: Array.from(at.subarray(9, 9 + at[8]!)),
  };
}

function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/**
 * Smallest logit that may be drawn: of the k largest, the fewest that hold `topP` of their mass.
 */
function filterFloor(scaled: readonly number[], topK: number, topP: number): number {
  const kept = scaled.toSorted((a, b) => b - a).slice(0, topK === 0 ? scaled.length : topK);
  const mass = kept.reduce((sum, logit) => sum + Math.exp(logit - kept[0]!), 0);
  let reached = 0;
  for (const logit of kept) {
    reached += Math.exp(logit - kept[0]!);
    if (reached >= topP * mass * (1 - 1e-12)) return logit;
  }
  return kept.at(-1)!;
}

function sampleCase(
  title: string,
  vocab: number,
  states: readonly Partial<SlotState>[],
  options: {
    readonly filter?: boolean;
    readonly lanes?: number;
    readonly step?: number;
    readonly tie?: boolean;
  } = {},
): KernelCase<Params> {
  const normal = normals(vocab, states.length);
  const step = options.step ?? 0;
  const logits = normal(states.length * vocab, 2);
  if (options.tie)
    states.forEach((_, slot) =>
      [3, 66, 130].forEach((token) => (logits[slot * vocab + token] = 20)),
    );
  const slots = new Uint32Array(states.length * SLOT_WORDS);
  states.forEach((state, slot) =>
    writeSlot(slots, slot, {
      temperature: 1,
      topP: 1,
      topK: 0,
      seed: 5,
      stream: slot,
      limit: 50,
      count: 1,
      done: false,
      stopIds: [],
      ...state,
    }),
  );
  return {
    title,
    params: { slots: states.length, vocab, step },
    constants: { FILTER: options.filter ?? false, LANES: options.lanes ?? 64 },
    io: {
      logits,
      slots,
      rows: packRows(
        states.map((_, slot) => ({
          token: 1,
          position: 10 + slot,
          kv: 100 * slot,
          prefixStart: 1,
          prefixLen: 9,
          ownStart: 100 * slot,
          ownLen: 1,
          adapter: 1,
        })),
      ),
      sampled: new Uint32Array((step + 1) * states.length * SAMPLED_WORDS),
    },
  };
}
