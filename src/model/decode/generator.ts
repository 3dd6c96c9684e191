import type { GpuMemory } from '../../gpu/memory.ts';
import type { KeyValue, Transformer } from '../forward/transformer.ts';
import { Workspace } from '../forward/workspace.ts';
import type { DeviceAdapter } from '../weights/lora.ts';
import {
  decodeRows,
  keyValueBuffers,
  keyValueRows,
  slotBuffers,
  type SlotBuffers,
} from './buffers.ts';
import { DecodePass } from './device-pass.ts';
import {
  checkRequest,
  type Completion,
  type GenerateOptions,
  type GenerateRequest,
} from './request.ts';
import { DecodeSession } from './session.ts';

/**
 * Batched decoding: slots share one pass over the weights, samples of a request share their
 * prompt's keys and values, token ids stay on the device within a block of steps. The last prompt
 * token is each slot's first input, so that a prompt of one token needs no special case. Buffers
 * are kept between calls.
 */
export class Generator {
  #kv: { readonly rows: number; readonly layers: readonly KeyValue[] } | null = null;
  #workspace: Workspace | null = null;
  #slotBuffers: SlotBuffers | null = null;
  #slotCapacity = 0;

  /**
   * @param lookahead blocks handed to the device before the oldest one is looked at. 1 keeps a
   *   GPU busy during the read-back; stop rules then act a block late, whose tokens are thrown
   *   away. 0 suits a software adapter, where nothing is gained by waiting less and the rows of
   *   ended slots need not be computed. Completions are the same.
   * @param tick called between blocks; throws where the device has failed
   */
  constructor(
    private readonly memory: GpuMemory,
    private readonly model: Transformer,
    private readonly lookahead: 0 | 1,
    private readonly tick: () => void,
  ) {}

  /**
   * Completions in order of request and sample, at most `maxSlots` at a time. `adapters` are those
   * any request names; rows of others skip them. Throws a sentence for a request that cannot be
   * computed.
   */
  async run(
    requests: readonly GenerateRequest[],
    maxSlots: number,
    adapters: readonly DeviceAdapter[],
    options: GenerateOptions,
  ): Promise<Completion[]> {
    for (const request of requests) checkRequest(request, this.model.config);
    const samples = requests.reduce((sum, r) => sum + r.samples, 0);
    const slots = Math.min(maxSlots, samples);
    if (slots === 0) return [];
    const { workspace, buffers, kv } = await this.#reserve(requests, slots, adapters);
    const pass = new DecodePass(this.memory, this.model, workspace, buffers, kv.layers, adapters);
    const session = new DecodeSession(pass, requests, {
      ...options,
      slots,
      keyValueRows: kv.rows,
      lookahead: this.lookahead,
      tick: this.tick,
    });
    return session.run();
  }

  /**
   * Buffers for the widest moment of these requests; what earlier ones left is kept where it is
   * large enough.
   */
  async #reserve(
    requests: readonly GenerateRequest[],
    slots: number,
    adapters: readonly DeviceAdapter[],
  ) {
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
    if (!this.#slotBuffers || this.#slotCapacity < slots) {
      recorder.submit();
      Object.values(this.#slotBuffers ?? {}).forEach((view) => this.memory.free(view));
      recorder.forgetBindGroups();
      this.#slotBuffers = null;
      this.#slotBuffers = this.memory.whole(() => slotBuffers(this.memory, config, slots));
      this.#slotCapacity = slots;
    }
    const capacity = decodeRows(slots);
    if (
      !this.#workspace ||
      this.#workspace.loraRank < rank ||
      this.#workspace.capacity < capacity
    ) {
      recorder.submit();
      this.#workspace?.free();
      recorder.forgetBindGroups();
      this.#workspace = null;
      this.#workspace = this.memory.whole(() => new Workspace(this.memory, config, capacity, rank));
    }
    await this.memory.settle();
    return { workspace: this.#workspace, buffers: this.#slotBuffers, kv: this.#kv };
  }
}
