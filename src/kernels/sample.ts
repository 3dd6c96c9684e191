import wgsl from '../../shaders/sample.wgsl';
import type { Kernel, KernelCase } from '../gpu/kernel.ts';
import { Layout } from './layout.ts';
import { LIB } from './libraries.ts';
import { gumbel } from './random.ts';
import { floats, normals, packRows, words } from './reference-helpers.ts';
import { writeRow, rowAt } from './rows.ts';

/**
 * Temperatures below are taken as this one: logits over them would overflow f32, and what is drawn
 * is the most likely token either way.
 */
const COLDEST = 1e-30;

/** A temperature that f32 can divide by; 0 stays. */
export function divisible(temperature: number): number {
  return temperature > 0 ? Math.max(temperature, COLDEST) : temperature;
}

export const MAX_STOP_IDS = 7;
/** A slot's words; its stop ids follow. The WGSL names the words. */
export const SLOT = new Layout(
  {
    temperature: 'f32',
    topP: 'f32',
    topK: 'u32',
    seed: 'u32',
    stream: 'u32',
    limit: 'u32',
    count: 'u32',
    done: 'u32',
    stops: 'u32',
  },
  9 + MAX_STOP_IDS,
);
/** A sampled token's words. */
export const SAMPLED = new Layout({ id: 'u32', logprob: 'f32', entropy: 'f32', running: 'u32' });

type Params = 'slots' | 'vocab' | 'step';

export const sample: Kernel<Params> = {
  name: 'sample',
  wgsl,
  lib: [LIB.rows, LIB.reduce, LIB.random],
  constants: { LANES: 64, FILTER: false },
  grid: (p) => [p.slots, 1, 1],
  cost: (p) => 200 * p.slots * p.vocab,
  floatWords: { sampled: { stride: SAMPLED.words, words: [1, 2] } },

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
      SAMPLED.write(sampled, p.step * p.slots + slot, {
        id: choice,
        logprob: scaled[choice]! - lse,
        entropy,
        running: s.done ? 0 : 1,
      });
      if (s.done) continue;
      const ended = s.count + 1 >= s.limit || s.stopIds.includes(choice);
      writeSlot(slots, slot, { ...s, count: s.count + 1, done: ended });
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
      'temperatures near the smallest float',
      33,
      [{ temperature: 1e-38 }, { temperature: 2e-45, topK: 5 }, { temperature: 1e-33, topP: 0.5 }],
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

/** A slot that goes on for ever at temperature 1: what callers change is what they are about. */
export const PLAIN_SLOT: SlotState = {
  temperature: 1,
  topP: 1,
  topK: 0,
  seed: 0,
  stream: 0,
  limit: 0xffffffff,
  count: 0,
  done: false,
  stopIds: [],
};

/** The `slots` buffer of these states. */
export function packSlots(states: readonly SlotState[]): Uint32Array<ArrayBuffer> {
  const slots = new Uint32Array(states.length * SLOT.words);
  states.forEach((state, slot) => writeSlot(slots, slot, state));
  return slots;
}

/** Puts a slot's state into the `slots` buffer. */
export function writeSlot(slots: Uint32Array, slot: number, s: SlotState): void {
  if (s.stopIds.length > MAX_STOP_IDS)
    throw new Error(`A slot holds ${MAX_STOP_IDS} stop ids; ${s.stopIds.length} were given.`);
  SLOT.write(slots, slot, {
    ...s,
    temperature: divisible(s.temperature),
    done: s.done ? 1 : 0,
    stops: s.stopIds.length,
  });
  const stops = SLOT.entry(slots, slot).subarray(SLOT.names.length);
  stops.fill(0);
  stops.set(s.stopIds);
}

export function slotAt(slots: Uint32Array, slot: number): SlotState {
  const { stops, done, ...state } = SLOT.read(slots, slot);
  const ids = SLOT.entry(slots, slot).subarray(SLOT.names.length);
  return { ...state, done: done === 1, stopIds: Array.from(ids.subarray(0, stops)) };
}

export interface SampledToken {
  readonly id: number;
  readonly logprob: number;
  readonly entropy: number;
  /** False where the slot had ended before, so that the token is nobody's. */
  readonly running: boolean;
}

/** What `slot` of `slots` drew in a step, from the words of all steps. */
export function sampledAt(
  sampled: Uint32Array,
  slots: number,
  step: number,
  slot: number,
): SampledToken {
  const token = SAMPLED.read(sampled, step * slots + slot);
  return { ...token, running: token.running === 1 };
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
  const slots = packSlots(
    states.map((state, slot) => ({
      ...PLAIN_SLOT,
      seed: 5,
      stream: slot,
      limit: 50,
      count: 1,
      ...state,
    })),
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
      sampled: new Uint32Array((step + 1) * states.length * SAMPLED.words),
    },
  };
}
