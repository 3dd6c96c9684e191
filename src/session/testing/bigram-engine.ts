import { hash32 } from '../../lib/rng.ts';
import {
  atToken,
  type AdapterName,
  type AdapterTensors,
  type Completion,
  type Engine,
  type GenerateRequest,
  type LoraConfig,
  type LossOptions,
  type OptimizerOptions,
  type Score,
  type ScoreRequest,
  type TokenColumns,
  type TrainableName,
  type TrainResult,
  type TrainSequence,
} from '../../model/engine.ts';

/** θ and its optimiser. */
interface Adapter {
  theta: Float32Array;
  m: Float32Array;
  v: Float32Array;
  t: number;
}

/**
 * Test support: the smallest real policy. Next-token logits are a row of a V × V table (base plus
 * adapter), gradients are exact, AdamW is AdamW; all on the CPU and deterministic, so session and
 * methods can be tested without a GPU. Of losses it has the policy gradient at ρ = 1, the
 * likelihood without KL, and distillation with a tail.
 */
export class BigramEngine implements Engine {
  readonly maxContext = 64;
  microBatchRows = 4;
  slots = 4;
  variants = {};
  private readonly base: Float32Array;
  private readonly adapters = new Map<TrainableName, Adapter>();
  /**
   * Called before every call that would use the device; a test throws here to lose it. `prompt`:
   * its last token.
   */
  onCall: (
    name: string,
    what: { readonly adapter: AdapterName; readonly prompt?: number },
  ) => void = () => undefined;
  /** A test makes gradients non-finite here. */
  poison = false;

  /**
   * @param likely ids from this one on are never sampled in practice (prompt tokens).
   * @param habit added to the base's logits of token `next` after `previous`.
   */
  constructor(
    readonly vocabSize: number,
    likely: number,
    habit: (previous: number, next: number) => number = () => 0,
  ) {
    this.base = Float32Array.from({ length: vocabSize * vocabSize }, (_, i) => {
      const next = i % vocabSize;
      const random = (hash32(17, i) / 2 ** 32 - 0.5) * 0.5;
      return random - (next < likely ? 0 : 12) + habit(Math.floor(i / vocabSize), next);
    });
  }

  async generate(
    requests: readonly GenerateRequest[],
    options?: Parameters<Engine['generate']>[1],
  ): Promise<Completion[]> {
    const out: Completion[] = [];
    for (const [request, asked] of requests.entries()) {
      for (let sample = 0; sample < asked.samples; sample++) {
        this.onCall('generate', { adapter: asked.adapter, prompt: asked.prompt.at(-1)! });
        await Promise.resolve();
        const ids: number[] = [];
        const logprobs: number[] = [];
        const entropy: number[] = [];
        let previous = asked.prompt.at(-1)!;
        let finish: Completion['finish'] = 'length';
        while (ids.length < asked.maxTokens && finish === 'length') {
          const logp = this.row(previous, asked.temperature || 1, asked.adapter);
          let id = 0;
          if (asked.temperature === 0) id = logp.indexOf(Math.max(...logp));
          else {
            const u = hash32(asked.seed, asked.stream + sample, ids.length) / 2 ** 32;
            for (let mass = Math.exp(logp[0]!); mass <= u && id < this.vocabSize - 1;)
              mass += Math.exp(logp[++id]!);
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
    this.onCall('score', requests[0]!);
    await Promise.resolve();
    return requests.map(({ ids, promptLength, adapter, temperature, top }) => {
      const rows = ids.slice(promptLength).map((id, i) => ({
        id,
        row: this.row(ids[promptLength + i - 1]!, temperature ?? 1, adapter),
      }));
      const best = (row: number[]) =>
        row
          .map((logprob, id): [number, number] => [id, logprob])
          .sort((a, b) => b[1] - a[1] || a[0] - b[0])
          .slice(0, top);
      return {
        logprobs: Float32Array.from(rows, ({ id, row }) => row[id]!),
        entropy: Float32Array.from(
          rows,
          ({ row }) => -row.reduce((sum, l) => sum + Math.exp(l) * l, 0),
        ),
        ...(top === undefined ? {} : { top: rows.map(({ row }) => best(row)) }),
      };
    });
  }

  createAdapter(name: TrainableName, _config: LoraConfig, _seed: number): void {
    const zeros = () => new Float32Array(this.vocabSize * this.vocabSize);
    this.adapters.set(name, { theta: zeros(), m: zeros(), v: zeros(), t: 0 });
  }

  loadAdapter(name: TrainableName, config: LoraConfig, tensors: AdapterTensors): void {
    this.createAdapter(name, config, 0);
    this.adapter(name).theta.set(tensors.get('table')!.data);
  }

  async exportAdapter(name: TrainableName): Promise<AdapterTensors> {
    return new Map([
      [
        'table',
        { shape: [this.vocabSize, this.vocabSize], data: this.adapter(name).theta.slice() },
      ],
    ]);
  }

  async trainStep(options: Parameters<Engine['trainStep']>[0]): Promise<TrainResult> {
    this.onCall('trainStep', options);
    await Promise.resolve();
    const { loss: asked, sequences } = options;
    const gradient = new Float64Array(this.base.length);
    const tokens = sequences.reduce((sum, s) => sum + (s.masked ? 0 : s.completion.length), 0);
    const columns: TokenColumns[] = [];
    let total = 0;
    let gap = 0;
    for (const s of sequences) {
      const n = s.completion.length;
      const column = {
        logprobs: new Float32Array(n),
        entropy: new Float32Array(n),
        kl: new Float32Array(n),
      };
      const losses = new Float32Array(n);
      let previous = s.prompt.at(-1)!;
      s.completion.forEach((id, i) => {
        const row = this.row(previous, s.temperature, options.adapter);
        column.logprobs[i] = row[id]!;
        gap += Math.abs(row[id]! - (s.samplerLogprobs?.[i] ?? row[id]!)) / tokens;
        if (!s.masked) {
          const { loss, slope } = this.tokenLoss(asked, s, i, id, row, tokens);
          losses[i] = loss;
          total += loss;
          slope.forEach((g, j) => (gradient[previous * this.vocabSize + j]! += g / s.temperature));
        }
        previous = id;
      });
      columns.push({ ...column, ratio: new Float32Array(n).fill(1), loss: losses });
    }
    const gradNorm = this.poison ? NaN : Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    const skipped = !Number.isFinite(gradNorm);
    if (!skipped) adamw(this.adapter(options.adapter), gradient, gradNorm, options.optimizer);
    return {
      loss: total,
      gradNorm,
      partNorms: [gradNorm],
      kl: 0,
      entropy: 0,
      clipRatio: 0,
      tokens,
      samplerGap: gap,
      skipped,
      columns,
    };
  }

  /** A token's loss and its derivative by z/τ. */
  private tokenLoss(
    asked: LossOptions,
    s: TrainSequence,
    i: number,
    id: number,
    row: readonly number[],
    tokens: number,
  ): { loss: number; slope: number[] } {
    if (asked.kind === 'kd') {
      const { k, ids, logprobs } = s.teacher!;
      const scale = atToken(s.weight ?? 1, i) * s.temperature ** 2;
      const q = new Map(
        Array.from({ length: k }, (_, j) => [ids[i * k + j]!, Math.exp(logprobs[i * k + j]!)]),
      );
      const mass = (of: (j: number) => number) =>
        row.reduce((sum, _, j) => sum + (q.has(j) ? 0 : of(j)), 0);
      const tail = {
        q: Math.max(0, 1 - [...q.values()].reduce((a, b) => a + b, 0)),
        p: mass((j) => Math.exp(row[j]!)),
      };
      const onSupport = [...q].reduce(
        (sum, [j, p]) => sum + (p > 0 ? p * (Math.log(p) - row[j]!) : 0),
        0,
      );
      const offSupport = tail.q > 0 ? tail.q * Math.log(tail.q / tail.p) : 0;
      return {
        loss: scale * (onSupport + offSupport),
        slope: row.map(
          (l, j) => scale * (Math.exp(l) - (q.get(j) ?? (tail.q * Math.exp(l)) / tail.p)),
        ),
      };
    }
    const z = asked.kind === 'nll' && asked.aggregation === 'sum' ? 1 : Math.max(1, tokens);
    const weight = atToken(s.weight ?? 1, i);
    const scale = (asked.kind === 'pg' ? atToken(s.advantage!, i) * weight : weight) / z;
    return {
      loss: asked.kind === 'pg' ? -scale : -scale * row[id]!,
      slope: row.map((l, j) => -scale * ((j === id ? 1 : 0) - Math.exp(l))),
    };
  }

  async saveState(name: TrainableName): Promise<Uint8Array> {
    this.onCall('saveState', { adapter: name });
    const { theta, m, v, t } = this.adapter(name);
    const n = theta.length;
    const state = new Float32Array(3 * n + 1);
    [theta, m, v].forEach((part, i) => state.set(part, i * n));
    state[3 * n] = t;
    return new Uint8Array(state.buffer);
  }

  restoreState(name: TrainableName, _config: LoraConfig, state: Uint8Array): void {
    const n = this.base.length;
    const floats = new Float32Array(state.slice().buffer);
    const part = (i: number) => floats.slice(i * n, (i + 1) * n);
    this.adapters.set(name, { theta: part(0), m: part(1), v: part(2), t: floats[3 * n]! });
  }

  destroy(): void {}

  private adapter(name: TrainableName): Adapter {
    const adapter = this.adapters.get(name);
    if (!adapter) throw new Error(`There is no ${name} adapter yet.`);
    return adapter;
  }

  /** Log-probabilities after `previous` at temperature τ. */
  private row(previous: number, temperature: number, name: AdapterName): number[] {
    const start = previous * this.vocabSize;
    const theta = name === 'none' ? null : this.adapter(name).theta;
    const z = Array.from(
      { length: this.vocabSize },
      (_, j) => (this.base[start + j]! + (theta ? theta[start + j]! : 0)) / temperature,
    );
    const top = Math.max(...z);
    const logsum = top + Math.log(z.reduce((sum, x) => sum + Math.exp(x - top), 0));
    return z.map((x) => x - logsum);
  }
}

function adamw(adapter: Adapter, gradient: Float64Array, norm: number, o: OptimizerOptions): void {
  adapter.t++;
  const clip = Math.min(1, o.clipNorm / (norm + 1e-6));
  gradient.forEach((raw, i) => {
    const g = raw * clip;
    adapter.m[i] = o.beta1 * adapter.m[i]! + (1 - o.beta1) * g;
    adapter.v[i] = o.beta2 * adapter.v[i]! + (1 - o.beta2) * g * g;
    const m = adapter.m[i] / (1 - o.beta1 ** adapter.t);
    const v = adapter.v[i] / (1 - o.beta2 ** adapter.t);
    adapter.theta[i]! -=
      o.learningRate * (m / (Math.sqrt(v) + o.epsilon) + o.weightDecay * adapter.theta[i]!);
  });
}
