import type { BufferView, GpuMemory } from '../gpu/memory.ts';
import { gatherRows, gatherRowsBackward } from '../kernels/gather-rows.ts';
import { kdLoss } from '../kernels/kd-loss.ts';
import { rmsNormBackward } from '../kernels/rms-norm.ts';
import { NO_FLOOR, RESULT_WORDS, tokenLoss, TOKEN_WORDS } from '../kernels/token-loss.ts';
import type { TeacherRows } from './teacher.ts';
import type { Transformer } from './transformer.ts';
import type { TrainWorkspace } from './workspace.ts';

export interface TokenLossOptions {
  readonly nll: boolean;
  readonly epsLow: number;
  readonly epsHigh: number;
  readonly cap: number;
  readonly floor: number;
}

export const NO_LOSS: TokenLossOptions = { nll: true, epsLow: 0, epsHigh: 0, cap: 0, floor: NO_FLOOR };

/** Words of logits a chunk may hold. */
const CHUNK_WORDS = 4 << 20;

/**
 * Final norm, output head and token loss over chunks of predicted tokens, so that a (tokens, vocabulary) matrix is never
 * stored. With `gradient` the derivative with respect to the last layer's output is added to `ws.dx`.
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
    const { hiddenSize, vocabSize } = model.config;
    this.#chunk = Math.min(256, Math.max(8, Math.floor(CHUNK_WORDS / vocabSize)));
    const floats = (label: string, width: number) => memory.alloc(`head ${label}`, 4 * this.#chunk * width);
    this.#gathered = floats('x', hiddenSize);
    this.#normed = floats('norm', hiddenSize);
    this.#dNormed = floats('dnorm', hiddenSize);
    this.#dGathered = floats('dx', hiddenSize);
    this.logits = floats('logits', vocabSize);
    this.#tokens = this.#sources = this.#results = memory.alloc('head tokens', 16);
    this.#teacherIds = this.#teacherLogprobs = this.#support = memory.alloc('head teacher', 16);
  }

  get chunk(): number {
    return this.#chunk;
  }

  /**
   * Records the pass over `count` entries; `tokens` is (count, 9) words, `sources` the row of each. With a teacher its
   * loss takes the place of the token loss, whose other figures stay.
   */
  record(
    ws: TrainWorkspace,
    rows: number,
    tokens: Uint32Array,
    sources: Uint32Array,
    loss: TokenLossOptions,
    gradient: boolean,
    teacher: TeacherRows | null = null,
  ): void {
    const { recorder, config, weights } = this.model;
    const entries = sources.length;
    this.#reserve(entries);
    // Queue order: writes land before the submits that follow, and everything recorded earlier has been submitted.
    recorder.submit();
    this.memory.write(this.#tokens, tokens);
    this.memory.write(this.#sources, sources);
    const width4 = config.hiddenSize / 4;
    for (let first = 0; first < entries; first += this.#chunk) {
      const count = Math.min(this.#chunk, entries - first);
      recorder.run(gatherRows, { count, width4, first }, { x: ws.x, index: this.#sources, y: this.#gathered });
      this.model.norm(this.#gathered, weights.finalNorm, this.#normed, count);
      this.model.product(weights.head, this.#normed, this.logits, count, { accumulate: false, bias: null, lora: null });
      recorder.run(
        tokenLoss,
        {
          count,
          vocab: config.vocabSize,
          first,
          nll: loss.nll ? 1 : 0,
          gradient: gradient && !teacher ? 1 : 0,
          eps_low: loss.epsLow,
          eps_high: loss.epsHigh,
          cap: loss.cap,
          floor: loss.floor,
        },
        { logits: this.logits, tokens: this.#tokens, results: this.#results },
      );
      if (teacher) this.#distil(teacher, first, count);
      if (!gradient) continue;
      this.model.productBackward(weights.head, this.logits, this.#dNormed, count, false);
      recorder.clear(this.#dGathered);
      recorder.run(
        rmsNormBackward,
        { rows: count, width: config.hiddenSize, eps: config.rmsNormEps },
        { x: this.#gathered, weight: weights.finalNorm, dy: this.#dNormed, dx: this.#dGathered },
      );
      recorder.run(gatherRowsBackward, { rows, width4, first, count }, { dy: this.#dGathered, spans: ws.spans, dx: ws.dx });
    }
  }

  /** Results of the last `record`, (entries, 6): log-prob, entropy, loss, ratio, k3, clipped. */
  async results(entries: number): Promise<Float32Array> {
    return this.model.recorder.readF32({ ...this.#results, size: 4 * RESULT_WORDS * entries });
  }

  /** The teacher's rows go to the device chunk by chunk: k can be as large as the vocabulary. */
  #distil({ k, renorm, ids, logprobs }: TeacherRows, first: number, count: number): void {
    const { recorder, config } = this.model;
    this.#reserveTeacher(k);
    recorder.submit(); // what was recorded reads the chunk before
    this.memory.write(this.#teacherIds, ids.subarray(first * k, (first + count) * k));
    this.memory.write(this.#teacherLogprobs, logprobs.subarray(first * (k + 1), (first + count) * (k + 1)));
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
    );
  }

  #reserveTeacher(k: number): void {
    if (k <= this.#teacherK) return;
    this.model.recorder.submit();
    for (const view of [this.#teacherIds, this.#teacherLogprobs, this.#support]) this.memory.free(view);
    this.model.recorder.forgetBindGroups();
    this.#teacherK = k;
    this.#teacherIds = this.memory.alloc('head teacher ids', 4 * this.#chunk * k);
    this.#teacherLogprobs = this.memory.alloc('head teacher log-probs', 4 * this.#chunk * (k + 1));
    this.#support = this.memory.alloc('head support', 4 * this.#chunk * k);
  }

  #reserve(entries: number): void {
    if (entries <= this.#capacity) return;
    this.model.recorder.submit();
    for (const view of [this.#tokens, this.#sources, this.#results]) this.memory.free(view);
    this.model.recorder.forgetBindGroups();
    this.#capacity = Math.ceil(entries / 256) * 256;
    this.#tokens = this.memory.alloc('head tokens', 4 * TOKEN_WORDS * this.#capacity);
    this.#sources = this.memory.alloc('head sources', 4 * this.#capacity);
    this.#results = this.memory.alloc('head results', 4 * RESULT_WORDS * this.#capacity);
  }
}
