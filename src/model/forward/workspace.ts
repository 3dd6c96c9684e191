import type { Allocator, BufferView } from '../../gpu/memory.ts';
import { KEY } from '../../kernels/attention-keys.ts';
import { SPAN } from '../../kernels/gather-rows.ts';
import { ROW } from '../../kernels/rows.ts';
import type { ModelConfig } from '../weights/config.ts';
import type { LoraLayout } from '../weights/lora.ts';

/** Activations of up to `capacity` rows. Shapes: docs/gpu.md. */
export class Workspace {
  readonly rows: BufferView;
  /** Most keys that a row of `rows` attends to, for estimates of time. */
  mostKeys = 0;
  readonly x: BufferView;
  readonly norm1: BufferView;
  readonly norm2: BufferView;
  readonly qkv: BufferView;
  /**
   * qkv with its heads normed, where the model does that; a backward pass puts their gradient here.
   */
  readonly headNormed: BufferView | null;
  readonly q: BufferView;
  readonly o: BufferView;
  readonly stats: BufferView;
  readonly gateUp: BufferView;
  readonly act: BufferView;
  /** LoRA's h of the four fused products. */
  readonly h: Readonly<Record<'qkv' | 'o' | 'gateUp' | 'down', BufferView>>;
  readonly #views: BufferView[] = [];

  constructor(
    private readonly memory: Allocator,
    config: ModelConfig,
    readonly capacity: number,
    readonly loraRank: number,
    /** What its buffers count as. */
    private readonly part = 'decode',
  ) {
    const q = config.heads * config.headDim;
    const kv = config.kvHeads * config.headDim;
    const floats = (label: string, width: number) =>
      this.take(`${this.part} ${label}`, 4 * capacity * width);
    this.rows = floats('rows', ROW.words);
    this.x = floats('residual', config.hiddenSize);
    this.norm1 = floats('norm1', config.hiddenSize);
    this.norm2 = floats('norm2', config.hiddenSize);
    this.qkv = floats('qkv', q + 2 * kv);
    this.headNormed = config.queryKeyNorm ? floats('qkv normed', q + 2 * kv) : null;
    this.q = floats('q', q);
    this.o = floats('o', q);
    this.stats = floats('stats', 2 * config.heads);
    this.gateUp = floats('gate/up', 2 * config.intermediateSize);
    this.act = floats('act', config.intermediateSize);
    this.h = {
      qkv: floats('h', 3 * loraRank),
      o: floats('h', loraRank),
      gateUp: floats('h', 2 * loraRank),
      down: floats('h', loraRank),
    };
  }

  protected take(label: string, bytes: number): BufferView {
    const view = this.memory.alloc(label, bytes);
    this.#views.push(view);
    return view;
  }

  free(): void {
    for (const view of this.#views) this.memory.free(view);
  }
}

/**
 * What a pass over whole sequences needs besides: their keys and values, of one layer at a time.
 */
export class SequenceWorkspace extends Workspace {
  readonly k: BufferView;
  readonly v: BufferView;

  constructor(memory: Allocator, config: ModelConfig, capacity: number, layout: LoraLayout | null) {
    super(memory, config, capacity, layout?.rank ?? 4, 'train');
    const kv = 4 * capacity * config.kvHeads * config.headDim;
    this.k = this.take('train k', kv);
    this.v = this.take('train v', kv);
  }
}

/**
 * What the backward pass needs besides: layer inputs, gradients, and which rows attend to which and
 * are predicted from.
 */
export class TrainWorkspace extends SequenceWorkspace {
  readonly keys: BufferView;
  readonly spans: BufferView;
  readonly checkpoints: readonly BufferView[];
  readonly dx: BufferView;
  readonly dNorm: BufferView;
  readonly dqkv: BufferView;
  readonly dq: BufferView;
  readonly dk: BufferView;
  readonly dv: BufferView;
  readonly dO: BufferView;
  readonly dGateUp: BufferView;
  readonly dAct: BufferView;
  readonly dh: BufferView;

  constructor(memory: Allocator, config: ModelConfig, capacity: number, layout: LoraLayout | null) {
    super(memory, config, capacity, layout);
    const q = config.heads * config.headDim;
    const kv = config.kvHeads * config.headDim;
    const floats = (label: string, width: number) =>
      this.take(`train ${label}`, 4 * capacity * width);
    this.keys = floats('keys', KEY.words);
    this.spans = floats('spans', SPAN.words);
    this.checkpoints = Array.from({ length: config.layers }, () =>
      this.take('checkpoints layer input', 4 * capacity * config.hiddenSize),
    );
    this.dx = floats('dx', config.hiddenSize);
    this.dNorm = floats('dnorm', config.hiddenSize);
    this.dqkv = floats('dqkv', q + 2 * kv);
    this.dq = floats('dq', q);
    this.dk = floats('dk', kv);
    this.dv = floats('dv', kv);
    this.dO = floats('do', q);
    this.dGateUp = floats('dgate/up', 2 * config.intermediateSize);
    this.dAct = floats('dact', config.intermediateSize);
    this.dh = floats('dh', 3 * this.loraRank);
  }
}
