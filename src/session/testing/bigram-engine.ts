import { hash32 } from '../../lib/rng.ts';
import type {
  AdapterTensors,
  Completion,
  Engine,
  GenerateRequest,
  LoraConfig,
  OptimizerOptions,
  Score,
  ScoreRequest,
  TokenColumns,
  TrainResult,
  TrainSequence,
} from '../../model/engine.ts';

/**
 * Test support: the smallest real policy. Next-token logits are a row of a V × V table (base plus adapter), gradients are
 * exact, AdamW is AdamW; all on the CPU and deterministic, so session and methods can be tested without a GPU.
 */
export class BigramEngine implements Engine {
  readonly maxContext = 64;
  microBatchRows = 4;
  private readonly base: Float32Array;
  private adapter: Float32Array;
  private m: Float32Array;
  private v: Float32Array;
  private t = 0;
  /** Called before every call that would use the device; a test throws here to lose it. */
  onCall: (name: string) => void = () => undefined;
  /** A test makes gradients non-finite here. */
  poison = false;

  /** @param likely ids from this one on are never sampled in practice (prompt tokens). */
  constructor(
    readonly vocabSize: number,
    likely: number,
  ) {
    const n = vocabSize * vocabSize;
    this.base = Float32Array.from(
      { length: n },
      (_, i) => (hash32(17, i) / 2 ** 32 - 0.5) * 0.5 - (i % vocabSize < likely ? 0 : 12),
    );
    this.adapter = new Float32Array(n);
    this.m = new Float32Array(n);
    this.v = new Float32Array(n);
  }

  async generate(
    requests: readonly GenerateRequest[],
    options?: Parameters<Engine['generate']>[1],
  ): Promise<Completion[]> {
    const out: Completion[] = [];
    for (const [request, asked] of requests.entries()) {
      for (let sample = 0; sample < asked.samples; sample++) {
        this.onCall('generate');
        await Promise.resolve();
        const ids: number[] = [];
        const logprobs: number[] = [];
        const entropy: number[] = [];
        let previous = asked.prompt.at(-1)!;
        let finish: Completion['finish'] = 'length';
        while (ids.length < asked.maxTokens && finish === 'length') {
          const logp = this.row(previous, asked.temperature || 1, asked.adapter !== 'none');
          let id = 0;
          if (asked.temperature === 0) id = logp.indexOf(Math.max(...logp));
          else {
            const u = hash32(asked.seed, asked.stream + sample, ids.length) / 2 ** 32;
            for (let mass = Math.exp(logp[0]!); mass <= u && id < this.vocabSize - 1;) mass += Math.exp(logp[++id]!);
          }
          ids.push(id);
          logprobs.push(logp[id]!);
          entropy.push(-logp.reduce((sum, l) => sum + Math.exp(l) * l, 0));
          if (asked.stopIds.includes(id)) finish = 'eos';
          previous = id;
        }
        const completion: Completion = {
          request,
          sample,
          ids,
          logprobs: Float32Array.from(logprobs),
          entropy: Float32Array.from(entropy),
          finish,
        };
        out.push(completion);
        options?.onCompletion?.(completion);
        options?.onTokens?.(out.reduce((sum, c) => sum + c.ids.length, 0));
      }
    }
    return out;
  }

  async score(requests: readonly ScoreRequest[]): Promise<Score[]> {
    return requests.map(({ ids, promptLength, adapter }) => {
      const rows = ids
        .slice(promptLength)
        .map((id, i) => ({ id, row: this.row(ids[promptLength + i - 1]!, 1, adapter !== 'none') }));
      return {
        logprobs: Float32Array.from(rows, ({ id, row }) => row[id]!),
        entropy: Float32Array.from(rows, ({ row }) => -row.reduce((sum, l) => sum + Math.exp(l) * l, 0)),
      };
    });
  }

  createAdapter(_name: 'student' | 'reflector', _config: LoraConfig, _seed: number): void {
    this.adapter.fill(0);
    this.m.fill(0);
    this.v.fill(0);
    this.t = 0;
  }

  loadAdapter(_name: 'student' | 'reflector', config: LoraConfig, tensors: AdapterTensors): void {
    this.createAdapter('student', config, 0);
    this.adapter.set(tensors.get('table')!.data);
  }

  async exportAdapter(): Promise<AdapterTensors> {
    return new Map([['table', { shape: [this.vocabSize, this.vocabSize], data: this.adapter.slice() }]]);
  }

  async trainStep(options: {
    readonly sequences: readonly TrainSequence[];
    readonly optimizer: OptimizerOptions;
  }): Promise<TrainResult> {
    this.onCall('trainStep');
    await Promise.resolve();
    const gradient = new Float64Array(this.adapter.length);
    const tokens = options.sequences.reduce((sum, s) => sum + (s.masked ? 0 : s.completion.length), 0);
    const columns: TokenColumns[] = [];
    let loss = 0;
    let gap = 0;
    for (const sequence of options.sequences) {
      const logprobs = new Float32Array(sequence.completion.length);
      let previous = sequence.prompt.at(-1)!;
      sequence.completion.forEach((id, i) => {
        const row = this.row(previous, sequence.temperature, true);
        logprobs[i] = row[id]!;
        gap += Math.abs(row[id]! - (sequence.samplerLogprobs?.[i] ?? row[id]!)) / tokens;
        if (!sequence.masked) {
          const scale = (sequence.advantage ?? 0) / Math.max(1, tokens);
          loss -= scale;
          row.forEach((l, j) => {
            gradient[previous * this.vocabSize + j]! -=
              (scale * ((j === id ? 1 : 0) - Math.exp(l))) / sequence.temperature;
          });
        }
        previous = id;
      });
      const zeros = new Float32Array(logprobs.length);
      columns.push({ logprobs, entropy: zeros, kl: zeros, ratio: new Float32Array(logprobs.length).fill(1), loss: zeros });
    }
    const gradNorm = this.poison ? NaN : Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    const skipped = !Number.isFinite(gradNorm);
    if (!skipped) this.adamw(gradient, gradNorm, options.optimizer);
    return {
      loss,
      gradNorm,
      partNorms: [gradNorm],
      kl: 0,
      entropy: 0,
      clipRatio: 0,
      tokens,
      computed: { prompt: 0, completion: tokens },
      samplerGap: gap,
      skipped,
      columns,
    };
  }

  async saveState(): Promise<Uint8Array> {
    this.onCall('saveState');
    const state = new Float32Array(3 * this.adapter.length + 1);
    state.set(this.adapter, 0);
    state.set(this.m, this.adapter.length);
    state.set(this.v, 2 * this.adapter.length);
    state[state.length - 1] = this.t;
    return new Uint8Array(state.buffer);
  }

  restoreState(_name: 'student' | 'reflector', _config: LoraConfig, state: Uint8Array): void {
    const n = this.adapter.length;
    const floats = new Float32Array(state.slice().buffer);
    this.adapter = floats.slice(0, n);
    this.m = floats.slice(n, 2 * n);
    this.v = floats.slice(2 * n, 3 * n);
    this.t = floats[3 * n]!;
  }

  destroy(): void {}

  /** Log-probabilities after `previous` at temperature τ. */
  private row(previous: number, temperature: number, adapted: boolean): number[] {
    const start = previous * this.vocabSize;
    const z = Array.from(
      { length: this.vocabSize },
      (_, j) => (this.base[start + j]! + (adapted ? this.adapter[start + j]! : 0)) / temperature,
    );
    const top = Math.max(...z);
    const logsum = top + Math.log(z.reduce((sum, x) => sum + Math.exp(x - top), 0));
    return z.map((x) => x - logsum);
  }

  private adamw(gradient: Float64Array, norm: number, o: OptimizerOptions): void {
    this.t++;
    const clip = Math.min(1, o.clipNorm / (norm + 1e-6));
    gradient.forEach((raw, i) => {
      const g = raw * clip;
      this.m[i] = o.beta1 * this.m[i]! + (1 - o.beta1) * g;
      this.v[i] = o.beta2 * this.v[i]! + (1 - o.beta2) * g * g;
      const m = this.m[i] / (1 - o.beta1 ** this.t);
      const v = this.v[i] / (1 - o.beta2 ** this.t);
      this.adapter[i]! -= o.learningRate * (m / (Math.sqrt(v) + o.epsilon) + o.weightDecay * this.adapter[i]!);
    });
  }
}
