import { DeviceLostError, type ShaderError } from './errors.ts';
import {
  bindingsOf,
  paramsOf,
  partsOf,
  prelude,
  type BindingInfo,
  type Kernel,
  type ParamInfo,
} from './kernel.ts';
import type { BufferView, GpuMemory } from './memory.ts';
import { piecesOf, type Piece } from './pieces.ts';
import type { Profiler } from './profiler.ts';
import { assemble, shaderError } from './shader.ts';

interface Prepared {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: readonly BindingInfo[];
  readonly params: readonly ParamInfo[];
}

/** Parameter slots of one submit: 4,096 dispatches. */
const SLOTS = 4096;
/** Largest `struct Params`: 32 words. */
const PARAM_BYTES = 128;
/** `struct Piece` of shaders/lib/piece.wgsl. */
const PIECE_BYTES = 16;
/**
 * A submit ends when its estimated time passes this, and no dispatch is to take longer: so a submit
 * takes at most twice as long. Windows resets a GPU that is busy for about 2 s, and estimates may
 * be off by a factor.
 */
export const BUSY_SECONDS = 0.1;

/**
 * Binds and dispatches every kernel. Pipelines are cached by (kernel, constants), bind groups by
 * the buffers bound, parameters and pieces live in one arena addressed by dynamic offset.
 * Dispatches share one compute pass until a submit.
 */
export class Recorder {
  #pipelines = new Map<string, Prepared>();
  /** What the compiler says of shaders that nobody has waited for yet. */
  #compiling: Promise<ShaderError | null>[] = [];
  #bindGroups = new Map<string, GPUBindGroup>();
  #bufferIds = new WeakMap<GPUBuffer, number>();
  #nextBufferId = 0;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #slot = 0;
  #cost = 0;
  /** Bytes from a slot's parameters to its piece, and from there to the next slot. */
  readonly #stride: number;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array<ArrayBuffer>;
  readonly #arena: GPUBuffer;
  readonly #paramLayout: GPUBindGroupLayout;
  readonly #paramGroup: GPUBindGroup;
  readonly #unused: BufferView;
  /** Counts for figures and tests. */
  readonly counts = { dispatches: 0, submits: 0 };
  /**
   * Floating-point operations a second, estimated; only decides where submits and dispatches are
   * cut, never a result.
   */
  flopsPerSecond = 2e9;
  profiler: Profiler | null = null;

  constructor(
    readonly device: GPUDevice,
    readonly memory: GpuMemory,
    private readonly lost: {
      readonly error: DeviceLostError | null;
      readonly promise: Promise<never>;
    },
    private readonly subgroupSize: number | null,
  ) {
    this.#stride = Math.max(PARAM_BYTES, device.limits.minUniformBufferOffsetAlignment);
    this.#words = new Uint32Array((2 * SLOTS * this.#stride) / 4);
    this.#floats = new Float32Array(this.#words.buffer);
    this.#arena = device.createBuffer({
      label: 'parameters',
      size: 2 * SLOTS * this.#stride,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    this.#paramLayout = device.createBindGroupLayout({
      entries: [0, 1].map((binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: 'uniform', hasDynamicOffset: true },
      })),
    });
    this.#paramGroup = device.createBindGroup({
      layout: this.#paramLayout,
      entries: [PARAM_BYTES, PIECE_BYTES].map((size, binding) => ({
        binding,
        resource: { buffer: this.#arena, size },
      })),
    });
    this.#unused = memory.alloc('unused', 16);
  }

  /**
   * Records a kernel: one dispatch, or several where its estimated time is more than BUSY_SECONDS.
   * `buffers` is keyed by the names in the WGSL; a binding left out (an absent bias) gets a small
   * buffer that the kernel must not read.
   */
  run<P extends string>(
    kernel: Kernel<P>,
    params: Readonly<Record<P, number>>,
    buffers: Readonly<Record<string, BufferView | undefined>>,
    given: Readonly<Record<string, number | boolean>> = {},
  ): void {
    if (this.lost.error) throw this.lost.error;
    const constants = kernel.subgroups ? { ...given, SUBGROUP: this.#subgroup(kernel) } : given;
    const prepared = this.#prepare(kernel, constants);
    const group = this.#bind(kernel.name, prepared, buffers);
    const values = { ...kernel.constants, ...constants };
    const grid = kernel.grid(params, values);
    const cost = kernel.cost(params, values);
    const most = this.flopsPerSecond * BUSY_SECONDS;
    for (const piece of piecesOf(grid, cost / most)) {
      this.#dispatch(kernel.name, prepared, group, params, piece, grid[0]);
      this.#cost += (cost * piece.width * piece.height) / (grid[0] * grid[1]);
      if (this.#slot === SLOTS || this.#cost > most) this.submit();
    }
  }

  #dispatch(
    name: string,
    prepared: Prepared,
    group: GPUBindGroup,
    params: Readonly<Record<string, number>>,
    piece: Piece,
    gridWidth: number,
  ): void {
    const offset = 2 * this.#slot * this.#stride;
    prepared.params.forEach((param, i) => {
      const value = params[param.name];
      if (value === undefined)
        throw new Error(`Kernel ${name}: parameter ${param.name} was not given.`);
      if (param.type === 'f32') this.#floats[offset / 4 + i] = value;
      else this.#words[offset / 4 + i] = value;
    });
    this.#words.set([piece.x, piece.y, gridWidth], (offset + this.#stride) / 4);
    this.#slot += 1;
    this.#encoder ??= this.device.createCommandEncoder();
    if (this.profiler) {
      this.#endPass();
      this.#pass = this.#encoder.beginComputePass(this.profiler.next(name));
    }
    this.#pass ??= this.#encoder.beginComputePass();
    this.#pass.setPipeline(prepared.pipeline);
    this.#pass.setBindGroup(0, group);
    this.#pass.setBindGroup(1, this.#paramGroup, [offset, offset + this.#stride]);
    this.#pass.dispatchWorkgroups(piece.width, piece.height);
    this.counts.dispatches += 1;
  }

  copy(from: BufferView, to: BufferView, bytes: number): void {
    this.#encoder ??= this.device.createCommandEncoder();
    this.#endPass();
    this.#encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes);
  }

  clear(view: BufferView): void {
    this.#encoder ??= this.device.createCommandEncoder();
    this.#endPass();
    this.#encoder.clearBuffer(view.buffer, view.offset, view.size);
  }

  /** Hands everything recorded so far to the queue. */
  submit(): void {
    if (!this.#encoder) return;
    this.#endPass();
    // Queue order makes one arena enough: this write lands after every earlier submit has read it.
    if (this.#slot > 0)
      this.device.queue.writeBuffer(
        this.#arena,
        0,
        this.#words,
        0,
        (2 * this.#slot * this.#stride) / 4,
      );
    this.device.queue.submit([this.#encoder.finish()]);
    this.counts.submits += 1;
    this.#encoder = null;
    this.#slot = 0;
    this.#cost = 0;
  }

  /**
   * Submits and waits until the device has finished; throws `DeviceLostError` when it goes away
   * meanwhile, and `ShaderError` for what was recorded and does not compile.
   */
  async finish(): Promise<void> {
    this.submit();
    await this.#orLost(this.#compiled());
    await this.#orLost(this.device.queue.onSubmittedWorkDone());
  }

  /** Submits, waits and copies ranges to the host, in order. Throws as `finish` does. */
  async read(views: readonly BufferView[]): Promise<ArrayBuffer[]> {
    const total = views.reduce((sum, view) => sum + Math.ceil(view.size / 16) * 16, 0);
    const staging = this.memory.staging(total);
    let at = 0;
    for (const view of views) {
      this.copy(view, { ...staging, offset: at }, view.size);
      at += Math.ceil(view.size / 16) * 16;
    }
    this.submit();
    try {
      const map = staging.buffer.mapAsync(GPUMapMode.READ);
      map.catch(() => undefined); // heard below, unless a shader explains it
      await this.#orLost(this.#compiled());
      await this.#orLost(map);
      const mapped = staging.buffer.getMappedRange();
      at = 0;
      return views.map((view) => {
        const bytes = mapped.slice(at, at + view.size);
        at += Math.ceil(view.size / 16) * 16;
        return bytes;
      });
    } catch (error) {
      // memory that ran out explains a failed map better than the map does
      await this.memory.settle();
      throw error;
    } finally {
      this.memory.free(staging);
    }
  }

  async readF32(view: BufferView): Promise<Float32Array<ArrayBuffer>> {
    const [bytes] = await this.read([view]);
    return new Float32Array(bytes ?? new ArrayBuffer(0));
  }

  /** Bind groups hold their buffers; drop them when buffers are replaced. */
  forgetBindGroups(): void {
    this.#bindGroups.clear();
  }

  async #compiled(): Promise<void> {
    const compiling = this.#compiling;
    this.#compiling = [];
    for (const error of await Promise.all(compiling)) if (error) throw error;
  }

  async #orLost<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.lost.promise]);
    } catch (error) {
      // A map or a wait can reject a moment before the loss itself is announced.
      if (!(error instanceof DeviceLostError))
        await Promise.race([this.lost.promise, new Promise((resolve) => setTimeout(resolve, 50))]);
      throw error;
    }
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  #subgroup(kernel: Kernel): number {
    if (this.subgroupSize === null)
      throw new Error(
        `Kernel ${kernel.name} needs subgroups of a fixed size, which this device does not have.`,
      );
    return this.subgroupSize;
  }

  #prepare(kernel: Kernel, constants: Readonly<Record<string, number | boolean>>): Prepared {
    const key = `${kernel.name} ${JSON.stringify(constants)}`;
    const cached = this.#pipelines.get(key);
    if (cached) return cached;
    const bindings = bindingsOf(kernel);
    const layout = this.device.createBindGroupLayout({
      label: kernel.name,
      entries: bindings.map((b) => ({
        binding: b.binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: {
          type: b.access === 'read' ? ('read-only-storage' as const) : ('storage' as const),
        },
      })),
    });
    const shader = assemble(partsOf(kernel), prelude(kernel, constants));
    const module = this.device.createShaderModule({ label: kernel.name, code: shader.code });
    this.#compiling.push(
      shaderError(module, kernel.name, shader).then((error) => {
        if (error) this.#pipelines.delete(key); // whoever runs it again is told again
        return error;
      }),
    );
    const pipeline = this.device.createComputePipeline({
      label: kernel.name,
      layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout, this.#paramLayout] }),
      compute: { module, entryPoint: 'main' },
    });
    const prepared = { pipeline, layout, bindings, params: paramsOf(kernel) };
    this.#pipelines.set(key, prepared);
    return prepared;
  }

  #bind(
    name: string,
    prepared: Prepared,
    buffers: Readonly<Record<string, BufferView | undefined>>,
  ): GPUBindGroup {
    let key = name;
    const views = prepared.bindings.map((b) => {
      const view = buffers[b.name] ?? this.#unused;
      let id = this.#bufferIds.get(view.buffer);
      if (id === undefined) {
        id = this.#nextBufferId++;
        this.#bufferIds.set(view.buffer, id);
      }
      key += ` ${id}:${view.offset}:${view.size}`;
      return view;
    });
    const cached = this.#bindGroups.get(key);
    if (cached) return cached;
    const group = this.device.createBindGroup({
      label: name,
      layout: prepared.layout,
      entries: views.map((view, binding) => ({
        binding,
        resource: { buffer: view.buffer, offset: view.offset, size: view.size },
      })),
    });
    this.#bindGroups.set(key, group);
    return group;
  }
}
