import type { Allocator, BufferView, GpuMemory } from '../../gpu/memory.ts';
import { gatherRows, gatherRowsBackward } from '../../kernels/gather-rows.ts';
import { kdLoss, teacherChunk, type TeacherEntries } from '../../kernels/kd-loss.ts';
import { rmsNormBackward } from '../../kernels/rms-norm.ts';
import { CLIP_ALONE, NO_FLOOR, RESULT, TOKEN, tokenLoss } from '../../kernels/token-loss.ts';
import { vocabularyConstants } from '../../kernels/variants.ts';
import type { ModelConfig } from '../weights/config.ts';
import { normEps } from '../weights/pad.ts';
import type { Transformer } from './transformer.ts';

/** What the distillation kernel follows, and whether it is renormalised. */
export interface TeacherRows extends TeacherEntries {
  readonly renorm: boolean;
}

export interface TokenLossOptions {
  readonly nll: boolean;
  readonly epsLow: number;
  readonly epsHigh: number;
  readonly cap: number;
  readonly floor: number;
  /** Parameters of the kernel, src/kernels/token-loss.ts. */
  readonly surrogate: number;
  readonly limit: number;
  readonly capMasks: number;
  readonly estimator: number;
}

export const NO_LOSS: TokenLossOptions = {
  nll: true,
  epsLow: 0,
  epsHigh: 0,
  cap: 0,
  floor: NO_FLOOR,
  surrogate: CLIP_ALONE.surrogate,
  limit: CLIP_ALONE.limit,
  capMasks: CLIP_ALONE.cap_masks,
  estimator: CLIP_ALONE.estimator,
};

/** The kernel's parameters of these options. */
export function lossParams({ nll, epsLow, epsHigh, capMasks, ...same }: TokenLossOptions) {
  return { ...same, nll: nll ? 1 : 0, eps_low: epsLow, eps_high: epsHigh, cap_masks: capMasks };
}

/** Words of logits a chunk may hold. */
const CHUNK_WORDS = 4 << 20;

/** Predicted tokens of a chunk. */
export function headChunk({ vocabSize }: ModelConfig): number {
  return Math.min(256, Math.max(8, Math.floor(CHUNK_WORDS / vocabSize)));
}

/** What a chunk passes through. */
export function headBuffers(memory: Allocator, config: ModelConfig) {
  const floats = (label: string, width: number) =>
    memory.alloc(`head ${label}`, 4 * headChunk(config) * width);
  const { hiddenSize, vocabSize } = config;
  return {
    gathered: floats('x', hiddenSize),
    normed: floats('norm', hiddenSize),
    dNormed: floats('dnorm', hiddenSize),
    dGathered: floats('dx', hiddenSize),
    logits: floats('logits', vocabSize),
  };
}

/** What is told and found out of each of `capacity` predicted tokens. */
export function entryBuffers(memory: Allocator, capacity: number) {
  const words = (label: string, width: number) =>
    memory.alloc(`head ${label}`, 4 * width * capacity);
  return {
    tokens: words('tokens', TOKEN.words),
    sources: words('sources', 1),
    results: words('results', RESULT.words),
  };
}

/** A teacher's k likeliest tokens for each token of a chunk. */
export function teacherBuffers(memory: Allocator, config: ModelConfig, k: number) {
  const words = (label: string, width: number) =>
    memory.alloc(`head ${label}`, 4 * width * headChunk(config));
  return {
    ids: words('teacher ids', k),
    logprobs: words('teacher log-probs', k + 1),
    support: words('support', k),
  };
}

/**
 * Where the derivative with respect to the last layer's output is added: `dx` of `rows` rows, by
 * `spans` of the tokens each predicts.
 */
export interface OutputGradient {
  readonly rows: number;
  readonly spans: BufferView;
  readonly dx: BufferView;
}

/**
 * Final norm, output head and token loss over chunks of predicted tokens, so that a (tokens,
 * vocabulary) matrix is never stored.
 */
export class Head {
  readonly #chunk: number;
  readonly #gathered: BufferView;
  readonly #normed: BufferView;
  readonly #dNormed: BufferView;
  readonly #dGathered: BufferView;
  readonly logits: BufferView;
  #tokens: BufferView;
  #sources: BufferView;
  #results: BufferView;
  #capacity = 0;
  #teacherIds: BufferView;
  #teacherLogprobs: BufferView;
  #support: BufferView;
  #teacherK = 0;

  constructor(
    private readonly memory: GpuMemory,
    private readonly model: Transformer,
  ) {
    this.#chunk = headChunk(model.config);
    const buffers = headBuffers(memory, model.config);
    this.#gathered = buffers.gathered;
    this.#normed = buffers.normed;
    this.#dNormed = buffers.dNormed;
    this.#dGathered = buffers.dGathered;
    this.logits = buffers.logits;
    this.#tokens = this.#sources = this.#results = memory.alloc('head tokens', 16);
    this.#teacherIds = this.#teacherLogprobs = this.#support = memory.alloc('head teacher', 16);
  }

  get chunk(): number {
    return this.#chunk;
  }

  /**
   * Records the pass over `count` entries of the last layer's output `x`; `tokens` is (count, 11)
   * words, `sources` the row of each. With a teacher its loss takes the place of the token loss,
   * whose other figures stay.
   */
  record(
    x: BufferView,
    tokens: Uint32Array,
    sources: Uint32Array,
    loss: TokenLossOptions,
    gradient: OutputGradient | null,
    teacher: TeacherRows | null = null,
  ): void {
    const { recorder, config, weights } = this.model;
    const entries = sources.length;
    this.#reserve(entries);
    // Queue order: writes land before the submits that follow, and everything recorded earlier has
    // been submitted.
    recorder.submit();
    this.memory.write(this.#tokens, tokens);
    this.memory.write(this.#sources, sources);
    const width4 = config.hiddenSize / 4;
    for (let first = 0; first < entries; first += this.#chunk) {
      const count = Math.min(this.#chunk, entries - first);
      recorder.run(
        gatherRows,
        { count, width4, first },
        { x, index: this.#sources, y: this.#gathered },
      );
      this.model.norm(this.#gathered, weights.finalNorm, this.#normed, count);
      this.model.product(weights.head, { x: this.#normed }, this.logits, count, {
        accumulate: false,
        bias: null,
        lora: null,
      });
      recorder.run(
        tokenLoss,
        {
          count,
          vocab: config.vocabSize,
          first,
          gradient: gradient && !teacher ? 1 : 0,
          ...lossParams(loss),
        },
        { logits: this.logits, tokens: this.#tokens, results: this.#results },
        vocabularyConstants(this.model.variants),
      );
      if (teacher) this.#distil(teacher, first, count);
      if (!gradient) continue;
      this.model.productBackward(weights.head, this.logits, this.#dNormed, count, false);
      recorder.clear(this.#dGathered);
      recorder.run(
        rmsNormBackward,
        { rows: count, width: config.hiddenSize, eps: normEps(config) },
        { x: this.#gathered, weight: weights.finalNorm, dy: this.#dNormed, dx: this.#dGathered },
      );
      recorder.run(
        gatherRowsBackward,
        { rows: gradient.rows, width4, first, count },
        { dy: this.#dGathered, spans: gradient.spans, dx: gradient.dx },
      );
    }
  }

  /** Results of the last `record`; `resultAt` reads them. */
  async results(entries: number): Promise<Float32Array> {
    return this.model.recorder.readF32({ ...this.#results, size: 4 * RESULT.words * entries });
  }

  /** The teacher's rows go to the device chunk by chunk: k can be as large as the vocabulary. */
  #distil(teacher: TeacherRows, first: number, count: number): void {
    const { recorder, config } = this.model;
    const { k, renorm } = teacher;
    this.#reserveTeacher(k);
    recorder.submit(); // what was recorded reads the chunk before
    const { ids, logprobs } = teacherChunk(teacher, first, count);
    this.memory.write(this.#teacherIds, ids);
    this.memory.write(this.#teacherLogprobs, logprobs);
    recorder.run(
      kdLoss,
      { count, vocab: config.vocabSize, first, k, renorm: renorm ? 1 : 0 },
      {
        logits: this.logits,
        tokens: this.#tokens,
        teacher_ids: this.#teacherIds,
        teacher_logprobs: this.#teacherLogprobs,
        support: this.#support,
        results: this.#results,
      },
      vocabularyConstants(this.model.variants),
    );
  }

  #reserveTeacher(k: number): void {
    if (k <= this.#teacherK) return;
    this.model.recorder.submit();
    for (const view of [this.#teacherIds, this.#teacherLogprobs, this.#support])
      this.memory.free(view);
    this.model.recorder.forgetBindGroups();
    this.#teacherK = k;
    const { ids, logprobs, support } = teacherBuffers(this.memory, this.model.config, k);
    [this.#teacherIds, this.#teacherLogprobs, this.#support] = [ids, logprobs, support];
  }

  #reserve(entries: number): void {
    if (entries <= this.#capacity) return;
    this.model.recorder.submit();
    for (const view of [this.#tokens, this.#sources, this.#results]) this.memory.free(view);
    this.model.recorder.forgetBindGroups();
    this.#capacity = Math.ceil(entries / 256) * 256;
    const { tokens, sources, results } = entryBuffers(this.memory, this.#capacity);
    [this.#tokens, this.#sources, this.#results] = [tokens, sources, results];
  }
}
