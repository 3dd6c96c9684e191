import { sampledAt, slotAt } from '../../kernels/sample.ts';
import { elementAt, expectDefined } from '../../lib/defined.ts';
import { ADAPTER_INDEX } from '../weights/adapter.ts';
import { BLOCK_STEPS } from './buffers.ts';
import type { BlockResult, DecodePass, PromptRows } from './device-pass.ts';
import type { Completion, GenerateOptions, GenerateRequest } from './request.ts';
import { RowAllocator } from './row-allocator.ts';
import { SlotTable } from './slot-table.ts';

/** One completion in the making. */
interface Job {
  readonly request: GenerateRequest;
  readonly requestIndex: number;
  readonly sample: number;
  readonly ids: number[];
  readonly logprobs: number[];
  readonly entropy: number[];
  /** First of its own key/value rows. */
  ownStart: number;
}

/** A request whose prompt's keys and values are on the device while any of its samples runs. */
interface Prefix {
  readonly start: number;
  /** Samples that have not ended. */
  unfinished: number;
}

/** A block of decode steps handed to the device: who had each slot, and what comes back. */
interface Block {
  readonly jobs: readonly (Job | null)[];
  readonly result: Promise<BlockResult>;
}

export interface SessionOptions extends GenerateOptions {
  readonly slots: number;
  /** Rows of keys and values there are, as `keyValueRows` counts them. */
  readonly keyValueRows: number;
  /** Blocks handed to the device before the oldest one is looked at. */
  readonly lookahead: 0 | 1;
  /** Throws where the device has failed. */
  readonly tick: () => void;
}

/**
 * One call of `generate`: which completion has which slot and key/value rows, block after block.
 * The schedule depends on the requests and the tokens drawn, never on time.
 */
export class DecodeSession {
  /** In order of request and sample; those from `#next` on wait for a slot. */
  readonly #jobs: readonly Job[];
  #next = 0;
  readonly #slots: SlotTable<Job>;
  /** Rows of completions, all of the same length; prompts come after those. */
  readonly #ownRows: RowAllocator;
  readonly #promptRows: RowAllocator;
  /** A row that nobody reads. */
  readonly #spareRow: number;
  readonly #prefixes = new Map<number, Prefix>();
  readonly #inFlight: Block[] = [];
  readonly #completions: Completion[] = [];
  #generated = 0;
  /** Most new tokens of any request, and most tokens with its prompt. */
  readonly #longest: number;
  readonly #context: number;

  constructor(
    private readonly pass: DecodePass,
    requests: readonly GenerateRequest[],
    private readonly options: SessionOptions,
  ) {
    const { slots, keyValueRows } = options;
    this.#jobs = jobsOf(requests);
    this.#longest = Math.max(...requests.map((r) => r.maxTokens));
    this.#context = Math.max(...requests.map((r) => r.prompt.length + r.maxTokens));
    this.#slots = new SlotTable(slots);
    this.#spareRow = keyValueRows - 1;
    this.#ownRows = new RowAllocator(0, slots * this.#longest);
    this.#promptRows = new RowAllocator(slots * this.#longest, this.#spareRow);
  }

  /** Completions in order of request and sample. */
  async run(): Promise<Completion[]> {
    for (;;) {
      this.options.signal?.throwIfAborted();
      // With nothing in flight the host knows every slot, and slots that nobody has need not be
      // computed.
      if (this.#inFlight.length === 0) this.#slots.compact();
      const prompts = this.#fillSlots();
      if (prompts.length > 0) this.pass.prefill(prompts);
      const running = this.#slots.occupied > 0;
      if (running) this.#inFlight.push(this.#decodeBlock());
      if (running && this.#inFlight.length <= this.options.lookahead) continue;
      const block = this.#inFlight.shift();
      if (!block) return this.#completions.sort(byRequestAndSample);
      await this.#readBack(block);
    }
  }

  /** Gives free slots to the jobs that wait, in order; returns the prompts that are new. */
  #fillSlots(): PromptRows[] {
    const prompts: PromptRows[] = [];
    for (let job = this.#jobs[this.#next]; job; job = this.#jobs[this.#next]) {
      const slot = this.#slots.free();
      if (slot === null) break;
      let prefix = this.#prefixes.get(job.requestIndex);
      if (!prefix) {
        const { prompt, samples, adapter } = job.request;
        const start = this.#promptRows.take(Math.max(1, prompt.length - 1));
        prefix = { start, unfinished: samples };
        this.#prefixes.set(job.requestIndex, prefix);
        prompts.push({ prompt, start, adapter: ADAPTER_INDEX[adapter] });
      }
      job.ownStart = this.#ownRows.take(this.#longest);
      this.#startJob(slot, job, prefix);
      this.#next += 1;
    }
    return prompts;
  }

  /** The last prompt token is the first input. */
  #startJob(slot: number, job: Job, prefix: Prefix): void {
    const { prompt, adapter, temperature, topP, topK, seed, stream, maxTokens, stopIds } =
      job.request;
    const last = prompt.length - 1;
    this.#slots.put(
      slot,
      job,
      {
        token: elementAt(prompt, last),
        position: last,
        kv: job.ownStart,
        prefixStart: prefix.start,
        prefixLen: last,
        ownStart: job.ownStart,
        ownLen: 1,
        adapter: ADAPTER_INDEX[adapter],
      },
      {
        temperature,
        topP,
        topK,
        seed,
        stream: stream + job.sample,
        limit: maxTokens,
        count: 0,
        done: false,
        stopIds,
      },
    );
  }

  #decodeBlock(): Block {
    const filter = this.#slots.jobs.some((job) => job && filters(job.request));
    const result = this.pass.decodeBlock(this.#slots, this.#context, filter);
    // Whoever reads the block back gets the error; nobody does after an abort.
    result.catch(() => undefined);
    return { jobs: this.#slots.jobs.slice(), result };
  }

  /** Takes a block's tokens over; jobs that ended leave their slots. */
  async #readBack(block: Block): Promise<void> {
    const { sampled, states, rows } = await block.result;
    this.options.tick();
    if (this.#inFlight.length === 0) this.#slots.read(rows, states);
    block.jobs.forEach((job, slot) => {
      // A job that was stopped here goes on for the blocks that were in flight; their tokens are
      // nobody's.
      if (!job || this.#slots.jobs[slot] !== job) return;
      this.#appendTokens(job, sampled, block.jobs.length, slot);
      const finish = finishOf(job, slotAt(states, slot).done);
      if (finish) this.#retire(slot, job, finish);
    });
    this.options.onTokens?.(this.#generated);
  }

  #appendTokens(job: Job, sampled: Uint32Array, slots: number, slot: number): void {
    for (let step = 0; step < BLOCK_STEPS; step++) {
      const token = sampledAt(sampled, slots, step, slot);
      if (!token.running) break;
      job.ids.push(token.id);
      job.logprobs.push(token.logprob);
      job.entropy.push(token.entropy);
      this.#generated += 1;
    }
  }

  /** Hands a completion over and frees its slot and rows, and the prompt's with its last sample. */
  #retire(slot: number, job: Job, finish: Completion['finish']): void {
    const completion: Completion = {
      request: job.requestIndex,
      sample: job.sample,
      ids: job.ids,
      logprobs: Float32Array.from(job.logprobs),
      entropy: Float32Array.from(job.entropy),
      finish,
    };
    this.#completions.push(completion);
    this.options.onCompletion?.(completion);
    this.#slots.clear(slot, this.#spareRow);
    this.#ownRows.release(job.ownStart);
    const prefix = expectDefined(this.#prefixes.get(job.requestIndex), 'The prompt of a sample');
    prefix.unfinished -= 1;
    if (prefix.unfinished > 0) return;
    this.#promptRows.release(prefix.start);
    this.#prefixes.delete(job.requestIndex);
  }
}

function jobsOf(requests: readonly GenerateRequest[]): Job[] {
  return requests.flatMap((request, requestIndex) =>
    Array.from({ length: request.samples }, (_, sample) => ({
      request,
      requestIndex,
      sample,
      ids: [],
      logprobs: [],
      entropy: [],
      ownStart: 0,
    })),
  );
}

/** Whether sampling draws from part of the vocabulary. */
function filters({ topK, topP, temperature }: GenerateRequest): boolean {
  return (topK > 0 || topP < 1) && temperature > 0;
}

/** How a completion ended, or null while it goes on. `done` is the device's word. */
function finishOf({ request, ids }: Job, done: boolean): Completion['finish'] | null {
  const stopped = request.stopWhen?.(ids) ?? false;
  if (!done && !stopped) return null;
  if (request.stopIds.includes(elementAt(ids, ids.length - 1))) return 'eos';
  return stopped ? 'stop' : 'length';
}

function byRequestAndSample(a: Completion, b: Completion): number {
  return a.request - b.request || a.sample - b.sample;
}
