import { openDevice, type OpenedDevice } from '../gpu/device.ts';
import { checkVariants, type Variants } from '../kernels/variants.ts';
import { parseModelConfig, type ModelConfig } from './weights/config.ts';
import { storedPrecision, uploadWeights } from './weights/device.ts';
import {
  type AdapterName,
  type AdapterTensors,
  type Completion,
  type Engine,
  type GenerateOptions,
  type GenerateRequest,
  type LoraConfig,
  type Score,
  type ScoreRequest,
  type TrainableName,
  type TrainResult,
  type TrainStepOptions,
} from './engine.ts';
import { Generator } from './decode/generator.ts';
import { Head } from './forward/head.ts';
import { ADAPTER_INDEX } from './weights/adapter.ts';
import {
  DeviceAdapter,
  freshParameters,
  fromTensors,
  loraLayout,
  toTensors,
} from './weights/lora.ts';
import { scoreBatches } from './forward/scorer.ts';
import { SequenceWorkspaces } from './forward/sequence-pass.ts';
import { Trainer } from './train/trainer.ts';
import { checkTrainStep } from './train/checks.ts';
import { Transformer } from './forward/transformer.ts';
import { tunedVariants, type TunerCache } from './plan/tuner.ts';
import type { WeightPrecision } from './weights/format.ts';
import { parseModelJson } from './weights/model-file.ts';
import { openWeights, type FileSource } from './weights/source.ts';

export interface OpenEngineOptions {
  readonly gpu: GPU | undefined;
  /** The model's files: config.json and safetensors. */
  readonly source: FileSource;
  /** Precision of the frozen matrices; null: as stored (bf16 as f32). */
  readonly weights: WeightPrecision | null;
  /** Largest piece of a weight matrix in bytes; default: what the device binds. */
  readonly maxShardBytes?: number;
  /** Most bytes that may be held on the device; default: what it gives. */
  readonly memoryLimit?: number;
  /**
   * Blocks of decode steps the device is ahead of the host; default: 1 on a GPU, 0 on a software
   * adapter.
   */
  readonly lookahead?: 0 | 1;
  /** Keeps the tuner's choices of kernels between sessions; null: measured at every start. */
  readonly tunerCache?: TunerCache | null;
  readonly onProgress?: (fraction: number) => void;
}

/** Rows of the first pass: what it needs is given back before a run takes its own. */
const CANARY_ROWS = 16;
const STATE_MAGIC = 0x41544853; // "ATHS"
const STATE_VERSION = 1;

/**
 * Opens a device, loads a model onto it and returns the engine over it. Throws a sentence for a
 * missing or unsupported model, for too little memory, for a machine without WebGPU.
 */
export async function openEngine(options: OpenEngineOptions): Promise<GpuEngine> {
  const described = await readModelConfig(options.source);
  const opened = await openDevice(options.gpu);
  opened.memory.limit = options.memoryLimit ?? Infinity;
  try {
    const weights = await openWeights(options.source, described);
    const config = { ...described, tiedEmbeddings: weights.tied };
    const shard = options.maxShardBytes ?? opened.device.limits.maxStorageBufferBindingSize;
    const device = await uploadWeights(
      opened.memory,
      config,
      weights,
      options.weights ?? storedPrecision(weights),
      shard,
      options.onProgress,
    );
    const model = new Transformer(opened.recorder, config, device);
    const engine = new GpuEngine(
      opened,
      config,
      model,
      options.lookahead ?? (opened.software ? 0 : 1),
      [...config.notices, ...weights.notices],
    );
    await opened.memory.settle();
    engine.variants = await tunedVariants(opened, model, options.tunerCache ?? null);
    await engine.canary();
    return engine;
  } catch (error) {
    opened.device.destroy();
    throw error;
  }
}

/** config.json (and generation_config.json, where there is one) of a model folder. */
export async function readModelConfig(
  source: Pick<FileSource, 'label' | 'read'>,
): Promise<ModelConfig> {
  const json = async (path: string) => {
    const bytes = await source.read(path);
    return bytes && parseModelJson(bytes, `${path} of ${source.label}`);
  };
  const config = await json('config.json');
  if (config === null)
    throw new Error(
      `${source.label} has no config.json, so it is no model folder. Give a folder with ` +
        'config.json, tokenizer.json and safetensors.',
    );
  const generation = await json('generation_config.json');
  const parsed = parseModelConfig(config.value, generation?.value);
  return {
    ...parsed,
    notices: [...config.notices, ...(generation?.notices ?? []), ...parsed.notices],
  };
}

export class GpuEngine implements Engine {
  readonly vocabSize: number;
  readonly maxContext: number;
  microBatchRows: number;
  slots: number;
  readonly #generator: Generator;
  readonly #trainer: Trainer;
  readonly #head: Head;
  readonly #workspaces: SequenceWorkspaces;
  readonly #adapters = new Map<TrainableName, DeviceAdapter>();

  constructor(
    readonly opened: OpenedDevice,
    readonly config: ModelConfig,
    readonly model: Transformer,
    lookahead: 0 | 1,
    /** Sentences about what the model's files say or hold and is passed over. */
    readonly notices: readonly string[] = [],
  ) {
    this.vocabSize = config.vocabSize;
    this.maxContext = config.maxPositions;
    const small = config.hiddenSize <= 512;
    this.microBatchRows = small ? 1024 : 512;
    this.slots = small ? 64 : 16;
    const tick = () => {
      if (opened.failure.error) throw opened.failure.error;
    };
    this.#head = new Head(opened.memory, model);
    this.#generator = new Generator(opened.memory, model, lookahead, tick);
    this.#workspaces = new SequenceWorkspaces(opened.memory, model);
    this.#trainer = new Trainer(opened.memory, model, this.#head, this.#workspaces, tick);
  }

  get variants(): Variants {
    return this.model.variants;
  }

  set variants(variants: Variants) {
    checkVariants(variants, this.opened);
    this.model.variants = variants;
  }

  /**
   * One short forward pass after loading: running out of memory can be silent, and its output
   * gibberish.
   */
  async canary(): Promise<void> {
    const ids = [0, 1, 2, 3].map((id) => id % this.vocabSize);
    const [score] = await scoreBatches(
      this.model,
      this.#head,
      this.#workspaces,
      [{ ids, promptLength: 1, adapter: 'none' }],
      CANARY_ROWS,
      [],
    );
    const limit = Math.log(this.vocabSize) * 1.001;
    const sound =
      score &&
      [...score.logprobs].every((l) => Number.isFinite(l) && l <= 0) &&
      [...score.entropy].every((h) => h >= -1e-3 && h <= limit);
    if (!sound) {
      throw new Error(
        'The model was loaded, but a first forward pass gave values that cannot be ' +
          'log-probabilities. The weights are damaged, or the GPU ran out of memory; free some ' +
          'and load again.',
      );
    }
  }

  async generate(
    requests: readonly GenerateRequest[],
    options: GenerateOptions = {},
  ): Promise<Completion[]> {
    return this.#generator.run(
      requests,
      this.slots,
      this.#named(requests.map((r) => r.adapter)),
      options,
    );
  }

  async score(requests: readonly ScoreRequest[]): Promise<Score[]> {
    for (const r of requests) {
      this.#checkScore(r);
      if (r.temperature !== undefined && !(r.temperature > 0))
        throw new Error(
          `Tokens cannot be scored at temperature ${r.temperature}; it must be above 0.`,
        );
    }
    const adapters = this.#named(requests.map((r) => r.adapter));
    return scoreBatches(
      this.model,
      this.#head,
      this.#workspaces,
      requests,
      this.microBatchRows,
      adapters,
    );
  }

  createAdapter(name: TrainableName, config: LoraConfig, seed: number): void {
    const layout = loraLayout(this.config, config);
    this.#place(
      name,
      new DeviceAdapter(
        this.opened.memory,
        layout,
        ADAPTER_INDEX[name],
        freshParameters(layout, seed),
      ),
    );
  }

  loadAdapter(name: TrainableName, config: LoraConfig, tensors: AdapterTensors): void {
    const layout = loraLayout(this.config, config);
    this.#place(
      name,
      new DeviceAdapter(
        this.opened.memory,
        layout,
        ADAPTER_INDEX[name],
        fromTensors(layout, tensors),
      ),
    );
  }

  async exportAdapter(name: TrainableName): Promise<AdapterTensors> {
    const adapter = this.#adapter(name);
    return toTensors(adapter.layout, await this.opened.recorder.readF32(adapter.theta));
  }

  /** The last step's gradient under PEFT's names; for tests and tools. */
  async exportGradient(name: TrainableName): Promise<AdapterTensors> {
    const adapter = this.#adapter(name);
    return toTensors(adapter.layout, await this.opened.recorder.readF32(adapter.grad));
  }

  async trainStep(
    options: TrainStepOptions & { readonly adapter: TrainableName },
  ): Promise<TrainResult> {
    for (const s of options.sequences)
      this.#checkScore({
        ids: [...s.prompt, ...s.completion],
        promptLength: s.prompt.length,
        adapter: 'none',
      });
    checkTrainStep(options.sequences, options.loss, options.reference, this.vocabSize);
    return this.#trainer.step(this.#adapter(options.adapter), this.microBatchRows, options);
  }

  async saveState(name: TrainableName): Promise<Uint8Array> {
    const adapter = this.#adapter(name);
    const words = adapter.layout.words;
    const out = new Uint8Array(16 + 12 * words);
    new Uint32Array(out.buffer, 0, 4).set([STATE_MAGIC, STATE_VERSION, words, adapter.steps]);
    // One after the other: together they would be copied through three times the memory, on the
    // device and on the host.
    for (const [i, view] of [adapter.theta, adapter.moment1, adapter.moment2].entries()) {
      const [part] = await this.opened.recorder.read([{ ...view, size: 4 * words }]);
      if (part) out.set(new Uint8Array(part), 16 + 4 * words * i);
    }
    return out;
  }

  restoreState(name: TrainableName, config: LoraConfig, state: Uint8Array): void {
    const layout = loraLayout(this.config, config);
    const bytes = state.slice();
    const [magic, version, words = 0, steps = 0] = new Uint32Array(bytes.buffer, 0, 4);
    if (magic !== STATE_MAGIC || version !== STATE_VERSION)
      throw new Error(
        'A checkpoint holds no adapter state this version can read; it is damaged or from a newer version.',
      );
    if (words !== layout.words || bytes.byteLength !== 16 + 12 * words) {
      throw new Error(
        `A checkpoint's adapter state has ${words} parameters in ${bytes.byteLength} bytes; ` +
          `this model and rank need ${layout.words}. It belongs to another run.`,
      );
    }
    const part = (i: number) => new Float32Array(bytes.buffer, 16 + 4 * words * i, words);
    const adapter = new DeviceAdapter(this.opened.memory, layout, ADAPTER_INDEX[name], part(0));
    this.opened.memory.write(adapter.moment1, part(1));
    this.opened.memory.write(adapter.moment2, part(2));
    adapter.steps = steps;
    this.#place(name, adapter);
  }

  destroy(): void {
    this.opened.device.destroy();
  }

  #place(name: TrainableName, adapter: DeviceAdapter): void {
    this.opened.recorder.submit();
    this.#adapters.get(name)?.free();
    this.opened.recorder.forgetBindGroups();
    this.#adapters.set(name, adapter);
  }

  #adapter(name: TrainableName): DeviceAdapter {
    const adapter = this.#adapters.get(name);
    if (!adapter) throw new Error(`There is no ${name} adapter yet; create or load one first.`);
    return adapter;
  }

  #named(names: readonly AdapterName[]): DeviceAdapter[] {
    return (['student', 'reflector', 'teacher'] as const)
      .filter((name) => names.includes(name))
      .map((name) => this.#adapter(name));
  }

  #checkScore(r: ScoreRequest): void {
    if (r.promptLength < 1 || r.promptLength >= r.ids.length) {
      throw new Error(
        `A sequence of ${r.ids.length} tokens with a prompt of ${r.promptLength} has nothing ` +
          `to score; the prompt needs 1 to ${r.ids.length - 1} tokens.`,
      );
    }
    if (r.ids.length > this.maxContext) {
      throw new Error(
        `A sequence of ${r.ids.length} tokens exceeds the model's context of ${this.maxContext}.`,
      );
    }
    const beyond = r.ids.find((id) => !Number.isInteger(id) || id < 0 || id >= this.vocabSize);
    if (beyond !== undefined)
      throw new Error(
        `Token id ${beyond} is beyond the model's vocabulary of ${this.vocabSize}: the ` +
          'tokenizer does not belong to this model.',
      );
  }
}
