import { basename, join } from 'node:path';
import type { OpenedDevice } from '../../gpu/device.ts';
import { nodeGpu } from '../../gpu/node-gpu.ts';
import { copyRate, productRates, type Clock } from '../../kernels/measure.ts';
import { Rng } from '../../lib/rng.ts';
import { openEngine, type GpuEngine, type OpenEngineOptions } from '../../model/gpu-engine.ts';
import type { FileSource } from '../../model/weights/source.ts';
import { folderSource } from '../../storage/node/folder-source.ts';
import { resolveModel } from '../model.ts';
import { now, type Spent } from './clock.ts';

/** Best rates that the device reaches, measured beside what is held against them. */
export interface Ceilings {
  /** Bytes read and written a second by a buffer copy. */
  readonly bytesPerSecond: number;
  /** Of the fastest f32 product at a large size. */
  readonly flopsPerSecond: number;
  /** The same of every kernel of a product, by its name. */
  readonly rates: Readonly<Record<string, number>>;
}

/** The adapter of rollouts and updates: all linears, as the presets have it. */
export const LORA = {
  rank: 16,
  alpha: 32,
  targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'],
} as const;

/**
 * The model under measurement. Sections share one engine; who needs a fresh one closes it first.
 */
export class Bed {
  #engine: GpuEngine | null = null;
  #device: Record<string, unknown> | null = null;

  private constructor(
    private readonly name: string,
    readonly source: FileSource,
    readonly weights: OpenEngineOptions['weights'],
  ) {}

  static async of(
    model: string,
    weights: OpenEngineOptions['weights'],
    root: string,
  ): Promise<Bed> {
    const name = await resolveModel(model);
    return new Bed(
      basename(name),
      folderSource(name === 'nano' ? join(root, 'public', 'models', 'nano') : name),
      weights,
    );
  }

  /** The same model from other files, as they are stored. */
  from(source: FileSource): Bed {
    return new Bed(this.name, source, null);
  }

  /** The engine with a student adapter on, loaded where it is not yet. */
  async engine(): Promise<GpuEngine> {
    this.#engine ??= await this.load();
    return this.#engine;
  }

  /** A fresh engine, which becomes the shared one. */
  async load(): Promise<GpuEngine> {
    this.close();
    const engine = await openEngine({ gpu: nodeGpu(), source: this.source, weights: this.weights });
    engine.createAdapter('student', { ...LORA, targets: [...LORA.targets] }, 1);
    this.#engine = engine;
    const { info, software, features } = engine.opened;
    this.#device = { ...info, software, features: [...features].sort() };
    return engine;
  }

  /** For the head of the figures; nothing where no section needed the model. */
  subject(): Record<string, unknown> {
    if (!this.#device) return {};
    return { gpu: this.#device, model: this.name, weights: this.weights ?? 'as stored' };
  }

  close(): void {
    this.#engine?.destroy();
    this.#engine = null;
  }
}

/** Sizes at which a ceiling is reached: beyond caches, small enough for a software adapter. */
export function ceilingSizes({ software, device }: OpenedDevice) {
  const most = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  return {
    copyBytes: Math.min(software ? 64 << 20 : 512 << 20, most),
    product: software
      ? { rows: 128, inner: 512, cols: 512 }
      : { rows: 4096, inner: 4096, cols: 4096 },
  };
}

/**
 * Both ceilings by both clocks, a few tenths of a second each: a second of processor time gives the
 * same on a busy machine. Where the GPU is hardware its work takes no processor time, so there is
 * the wall's clock only.
 */
export async function ceilings(opened: OpenedDevice): Promise<Record<keyof Spent, Ceilings>> {
  const wall = await ceilingsBy(opened, () => now().wall);
  return {
    wall,
    processor: opened.software ? await ceilingsBy(opened, () => now().processor) : wall,
  };
}

async function ceilingsBy(opened: OpenedDevice, clock: Clock): Promise<Ceilings> {
  const { copyBytes, product } = ceilingSizes(opened);
  const bytesPerSecond = await copyRate(opened, copyBytes, 0.1, clock);
  // The peak is that of the best kernel there is, whatever the tuner chose.
  const rates = await productRates(opened, product, 0.1, clock);
  return { bytesPerSecond, flopsPerSecond: Math.max(...Object.values(rates)), rates };
}

/** `count` token ids that no special meaning is expected of, the same for the same stream. */
export function tokenIds(vocab: number, count: number, stream: number): number[] {
  const rng = new Rng(1, stream);
  return Array.from({ length: count }, () => Math.floor(rng.uniform() * Math.min(vocab, 1000)));
}

/** Bytes of frozen weights that one pass over the layers and the head reads. */
export function bytesPerPass({ opened, config }: GpuEngine): number {
  let total = 0;
  for (const [label, bytes] of opened.memory.report(2)) {
    const [kind, part] = label.split(' ');
    // Of an embedding that is not the head a few rows are read, of the rope table too.
    if (kind === 'weights' && part !== 'rope' && (part !== 'embedding' || config.tiedEmbeddings))
      total += bytes;
  }
  return total;
}
