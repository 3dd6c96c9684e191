import { slice, type Allocator, type BufferView, type GpuMemory } from '../../gpu/memory.ts';
import { mostKeys, ROW, writeRow } from '../../kernels/rows.ts';
import { MAX_STOP_IDS, sample, SAMPLED, sampledAt, SLOT, slotAt } from '../../kernels/sample.ts';
import { vocabularyConstants } from '../../kernels/variants.ts';
import type { ModelConfig } from '../weights/config.ts';
import { ADAPTER_INDEX } from '../weights/adapter.ts';
import type { Completion, GenerateOptions, GenerateRequest } from './request.ts';
import type { DeviceAdapter } from '../weights/lora.ts';
import { RowAllocator } from './row-allocator.ts';
import { SlotTable } from './slot-table.ts';
import type { KeyValue, Transformer } from '../forward/transformer.ts';
import { Workspace } from '../forward/workspace.ts';

/**
 * Decode steps in a block: stop rules act and slots are refilled between blocks only, so the
 * schedule is fixed.
 */
const BLOCK = 8;
/** Prompt rows computed in one pass. */
const PREFILL_ROWS = 256;

/** Rows of the activations that prompts and slots pass through. */
export function decodeRows(slots: number): number {
  return Math.max(PREFILL_ROWS, slots);
}

/** What sampling keeps for each slot. */
export function slotBuffers(memory: Allocator, config: ModelConfig, slots: number) {
  const words = (label: string, width: number) =>
    memory.alloc(`decode ${label}`, 4 * width * slots);
  return {
    slots: words('slots', SLOT.words),
    sampled: words('sampled', SAMPLED.words * BLOCK),
    logits: words('logits', config.vocabSize),
    /** Where the slots' rows wait while prompts are computed. */
    aside: words('rows', ROW.words),
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

export function keyValueBuffers(memory: Allocator, config: ModelConfig, rows: number): KeyValue[] {
  const bytes = 4 * rows * config.kvHeads * config.headDim;
  return Array.from({ length: config.layers }, () => ({
    k: memory.alloc('kv keys', bytes),
    v: memory.alloc('kv values', bytes),
  }));
}

/** One completion in the making. */
interface Job {
  readonly request: GenerateRequest;
  readonly index: number;
  readonly sample: number;
  readonly ids: number[];
  readonly logprobs: number[];
  readonly entropy: number[];
  /** First of its own key/value rows. */
  own: number;
}

/** A request whose prompt's keys and values are on the device while any of its samples runs. */
interface Prefix {
  readonly start: number;
  waiting: number;
}

/** Steps handed to the device: who had each slot, and what will be read back. */
interface Block {
  readonly jobs: readonly (Job | null)[];
  readonly words: Promise<ArrayBuffer[]>;
}

/**
 * Batched decoding: slots share one pass over the weights, samples of a request share their
 * prompt's keys and values, token ids stay on the device within a block of steps. The last prompt
 * token is each slot's first input, so that a prompt of one token needs no special case.
 */
export class Generator {
  #kv: { rows: number; layers: KeyValue[] } | null = null;
  #ws: Workspace | null = null;
  #buffers: ReturnType<typeof slotBuffers> | null = null;
  #capacity = 0;

  /**
   * @param lookahead blocks handed to the device before the oldest one is looked at. 1 keeps a
   *   GPU busy during the read-back; stop rules then act a block late, whose tokens are thrown
   *   away. 0 suits a software adapter, where nothing is gained by waiting less and the rows of
   *   ended slots need not be computed. Completions are the same.
   */
  constructor(
    private readonly memory: GpuMemory,
    private readonly model: Transformer,
    private readonly lookahead: 0 | 1,
    private readonly tick: () => void,
  ) {}

  /**
   * Completions in order of request and sample, at most `maxSlots` at a time. `adapters` are those
   * any request names; rows of others skip them.
   */
  async run(
    requests: readonly GenerateRequest[],
    maxSlots: number,
    adapters: readonly DeviceAdapter[],
    options: GenerateOptions,
  ): Promise<Completion[]> {
    const { config, recorder } = this.model;
    for (const r of requests) check(r, config.maxPositions, config.vocabSize);
    const jobs: Job[] = requests.flatMap((request, index) =>
      Array.from({ length: request.samples }, (_, s) => ({
        request,
        index,
        sample: s,
        ids: [],
        logprobs: [],
        entropy: [],
        own: 0,
      })),
    );
    const most = Math.min(maxSlots, jobs.length);
    if (most === 0) return [];
    const { ws, buffers, rows: kvRows } = await this.#prepare(requests, most, adapters);
    // Every running completion has a place of the same length; prompts come after those.
    const longest = Math.max(...requests.map((r) => r.maxTokens));
    const mostContext = Math.max(...requests.map((r) => r.prompt.length + r.maxTokens));
    const places = new RowAllocator(0, most * longest);
    const promptRows = new RowAllocator(most * longest, kvRows - 1);
    const nowhere = kvRows - 1;
    const prefixes = new Map<number, Prefix>();
    const table = new SlotTable<Job>(most);
    const done: Completion[] = [];
    const inFlight: Block[] = [];
    let next = 0;
    let generated = 0;

    /** Gives free slots to the jobs that wait, in order; returns the prompts that are new. */
    const refill = (): { prompt: readonly number[]; start: number; adapter: number }[] => {
      const fresh: { prompt: readonly number[]; start: number; adapter: number }[] = [];
      for (let job = jobs[next]; job; job = jobs[next]) {
        const slot = table.free();
        if (slot === null) break;
        const r = job.request;
        const adapter = ADAPTER_INDEX[r.adapter];
        let prefix = prefixes.get(job.index);
        if (!prefix) {
          prefix = { start: promptRows.take(Math.max(1, r.prompt.length - 1)), waiting: r.samples };
          prefixes.set(job.index, prefix);
          fresh.push({ prompt: r.prompt, start: prefix.start, adapter });
        }
        job.own = places.take(longest);
        table.put(
          slot,
          job,
          {
            token: r.prompt[r.prompt.length - 1] ?? 0,
            position: r.prompt.length - 1,
            kv: job.own,
            prefixStart: prefix.start,
            prefixLen: r.prompt.length - 1,
            ownStart: job.own,
            ownLen: 1,
            adapter,
          },
          {
            temperature: r.temperature,
            topP: r.topP,
            topK: r.topK,
            seed: r.seed,
            stream: r.stream + job.sample,
            limit: r.maxTokens,
            count: 0,
            done: false,
            stopIds: r.stopIds,
          },
        );
        next += 1;
      }
      return fresh;
    };

    /** Takes a block's tokens over; jobs that ended leave their slots. */
    const take = async (block: Block): Promise<void> => {
      const [sampled, state, rows] = await block.words;
      this.tick();
      if (!sampled || !state || !rows) throw new Error('A read-back came back short.');
      if (inFlight.length === 0) table.read(new Uint32Array(rows), new Uint32Array(state));
      const words = new Uint32Array(sampled);
      const states = new Uint32Array(state);
      block.jobs.forEach((job, slot) => {
        // A job that was stopped here goes on for the blocks that were in flight; their tokens are
        // nobody's.
        if (!job || table.jobs[slot] !== job) return;
        for (let step = 0; step < BLOCK; step++) {
          const token = sampledAt(words, block.jobs.length, step, slot);
          if (!token.running) break;
          job.ids.push(token.id);
          job.logprobs.push(token.logprob);
          job.entropy.push(token.entropy);
          generated += 1;
        }
        const r = job.request;
        const ended = slotAt(states, slot).done;
        const stopped = r.stopWhen?.(job.ids) ?? false;
        if (!ended && !stopped) return;
        const last = job.ids[job.ids.length - 1] ?? -1;
        const completion: Completion = {
          request: job.index,
          sample: job.sample,
          ids: job.ids,
          logprobs: Float32Array.from(job.logprobs),
          entropy: Float32Array.from(job.entropy),
          finish: r.stopIds.includes(last) ? 'eos' : stopped ? 'stop' : 'length',
        };
        done.push(completion);
        options.onCompletion?.(completion);
        table.clear(slot, nowhere);
        places.release(job.own);
        const prefix = prefixes.get(job.index);
        if (prefix && --prefix.waiting === 0) {
          promptRows.release(prefix.start);
          prefixes.delete(job.index);
        }
      });
      options.onTokens?.(generated);
    };

    for (;;) {
      options.signal?.throwIfAborted();
      // With nothing in flight the host knows every slot, and rows that nobody waits for need not
      // be computed.
      if (inFlight.length === 0) table.compact();
      const fresh = refill();
      if (fresh.length > 0) this.#prefill(ws, buffers.aside, fresh, adapters);
      if (table.occupied > 0) {
        recorder.submit();
        const slots = table.length;
        table.upload(
          (words, at) => this.memory.write(ws.rows, words, at),
          (words, at) => this.memory.write(buffers.slots, words, at),
        );
        ws.mostKeys = mostContext;
        const filter = table.jobs.some(
          (job) =>
            job && (job.request.topK > 0 || job.request.topP < 1) && job.request.temperature > 0,
        );
        for (let step = 0; step < BLOCK; step++)
          this.#step(ws, buffers, slots, step, filter, adapters);
        const words = recorder.read([
          slice(buffers.sampled, 0, BLOCK * slots * SAMPLED.words),
          slice(buffers.slots, 0, slots * SLOT.words),
          slice(ws.rows, 0, slots * ROW.words),
        ]);
        // whoever takes the block gets the error; nobody takes it after an abort
        words.catch(() => undefined);
        inFlight.push({ jobs: table.jobs.slice(), words });
      } else if (inFlight.length === 0) break;
      const oldest = inFlight[0];
      if (oldest && (inFlight.length > this.lookahead || table.occupied === 0)) {
        inFlight.shift();
        await take(oldest);
      }
    }
    return done.sort((a, b) => a.request - b.request || a.sample - b.sample);
  }

  /** One token for every slot. */
  #step(
    ws: Workspace,
    buffers: ReturnType<typeof slotBuffers>,
    slots: number,
    step: number,
    filter: boolean,
    adapters: readonly DeviceAdapter[],
  ): void {
    this.#layers(ws, slots, adapters);
    const { weights, config, recorder } = this.model;
    const normed = this.model.normed(ws.x, weights.finalNorm, ws.norm1, slots);
    this.model.product(weights.head, normed, buffers.logits, slots, {
      accumulate: false,
      bias: null,
      lora: null,
    });
    recorder.run(
      sample,
      { slots, vocab: config.vocabSize, step },
      { ...buffers, rows: ws.rows },
      { FILTER: filter, ...vocabularyConstants(this.model.variants) },
    );
  }

  /**
   * Keys and values of prompts (all but their last token), in passes of at most PREFILL_ROWS rows.
   */
  #prefill(
    ws: Workspace,
    aside: BufferView,
    prompts: readonly { prompt: readonly number[]; start: number; adapter: number }[],
    adapters: readonly DeviceAdapter[],
  ): void {
    const { recorder } = this.model;
    recorder.copy(ws.rows, aside, aside.size);
    const words = new Uint32Array(PREFILL_ROWS * ROW.words);
    let count = 0;
    const flush = () => {
      if (count === 0) return;
      recorder.submit();
      const rows = words.subarray(0, count * ROW.words);
      this.memory.write(ws.rows, rows);
      ws.mostKeys = mostKeys(rows);
      this.#layers(ws, count, adapters);
      count = 0;
    };
    for (const { prompt, start, adapter } of prompts) {
      for (let position = 0; position + 1 < prompt.length; position++) {
        writeRow(words, count, {
          token: prompt[position] ?? 0,
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
    recorder.copy(aside, ws.rows, aside.size);
  }

  #layers(ws: Workspace, rows: number, adapters: readonly DeviceAdapter[]): void {
    this.model.embed(ws, rows);
    this.#kv?.layers.forEach((kv, l) => {
      this.model.attentionBlock(ws, l, rows, kv, adapters);
      this.model.mlpBlock(ws, l, rows, adapters);
    });
  }

  /**
   * Buffers for the widest moment of these requests; what earlier ones left is kept where it is
   * large enough.
   */
  async #prepare(
    requests: readonly GenerateRequest[],
    slots: number,
    adapters: readonly DeviceAdapter[],
  ): Promise<{ ws: Workspace; buffers: ReturnType<typeof slotBuffers>; rows: number }> {
    const rows = keyValueRows(
      requests.map((r) => r.prompt.length),
      Math.max(...requests.map((r) => r.maxTokens)),
      slots,
    );
    const rank = Math.max(4, ...adapters.map((a) => a.layout.rank));
    const { config, recorder } = this.model;
    if (!this.#kv || this.#kv.rows < rows) {
      recorder.submit();
      for (const kv of this.#kv?.layers ?? []) {
        this.memory.free(kv.k);
        this.memory.free(kv.v);
      }
      recorder.forgetBindGroups();
      this.#kv = null;
      this.#kv = {
        rows,
        layers: this.memory.whole(() => keyValueBuffers(this.memory, config, rows)),
      };
    }
    if (!this.#buffers || this.#capacity < slots) {
      recorder.submit();
      Object.values(this.#buffers ?? {}).forEach((view) => this.memory.free(view));
      recorder.forgetBindGroups();
      this.#buffers = null;
      this.#buffers = this.memory.whole(() => slotBuffers(this.memory, config, slots));
      this.#capacity = slots;
    }
    const capacity = decodeRows(slots);
    if (!this.#ws || this.#ws.loraRank < rank || this.#ws.capacity < capacity) {
      recorder.submit();
      this.#ws?.free();
      recorder.forgetBindGroups();
      this.#ws = null;
      this.#ws = this.memory.whole(() => new Workspace(this.memory, config, capacity, rank));
    }
    await this.memory.settle();
    return { ws: this.#ws, buffers: this.#buffers, rows: this.#kv.rows };
  }
}

function check(r: GenerateRequest, context: number, vocab: number): void {
  if (r.prompt.length === 0)
    throw new Error('A prompt has no token; at least one is needed to predict from.');
  if (r.prompt.length + r.maxTokens > context) {
    throw new Error(
      `A prompt of ${r.prompt.length} tokens and ${r.maxTokens} new ones exceed the model's ` +
        `context of ${context}. Shorten the prompt or ask for fewer tokens.`,
    );
  }
  const beyond = r.prompt.find((id) => id < 0 || id >= vocab);
  if (beyond !== undefined)
    throw new Error(
      `Token id ${beyond} is beyond the model's vocabulary of ${vocab}: the tokenizer does not belong to this model.`,
    );
  if (r.stopIds.length > MAX_STOP_IDS)
    throw new Error(
      `${r.stopIds.length} stop ids were given; at most ${MAX_STOP_IDS} are supported.`,
    );
}
