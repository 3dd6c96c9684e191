/**
 * Picks among kernels that compute the same, by measuring them on the device with the model's own
 * shapes. What it picks is kept by adapter and shape, stands in a run's log and is forced when the
 * run goes on, because variants differ by rounding: a run's bits never depend on a measurement but
 * the first.
 */
import * as v from 'valibot';
import type { OpenedDevice } from '../../gpu/device.ts';
import { OutOfGpuMemoryError } from '../../gpu/errors.ts';
import { linearSubgroup, linearSubgroupBackward } from '../../kernels/linear-variants.ts';
import { measureDevice } from '../../kernels/measure.ts';
import { isSound } from '../../kernels/self-test.ts';
import { checkVariants, subgroupVariants, type Variants } from '../../kernels/variants.ts';
import { weightConstants } from '../../kernels/weight-constants.ts';
import { measureVariants } from './measure-variants.ts';
import type { Transformer } from '../forward/transformer.ts';

/** Raised when kernels change in a way that makes earlier choices worthless. */
const VERSION = 3;
/** Shortest measurement of one variant; the whole takes a second or two, compilation aside. */
const SECONDS = 0.02;

/** Where choices are kept between sessions; read back values are `unknown`. */
export interface TunerCache {
  read(key: string): Promise<unknown>;
  write(key: string, value: Variants): Promise<void>;
}

const Stored = v.record(v.string(), v.string());

/**
 * Variants for this model on this device: from the cache, else measured. A software adapter
 * measures nothing: see docs/gpu.md.
 */
export async function tunedVariants(
  opened: OpenedDevice,
  model: Transformer,
  cache: TunerCache | null,
): Promise<Variants> {
  if (opened.software) return softwareVariants(opened, model);
  // The recorder cuts dispatches by the device's speed: by the one it assumes, pieces would be
  // measured.
  await whereThereIsRoom(() => measureDevice(opened));
  const key = cacheKey(opened, model);
  const stored = v.safeParse(Stored, await cache?.read(key).catch(() => null));
  if (stored.success && areKnown(stored.output, opened)) return stored.output;
  const variants = await whereThereIsRoom(() => measureVariants(opened, model, SECONDS));
  if (!variants) return {};
  await cache?.write(key, variants).catch(() => undefined); // measured again next time
  return variants;
}

/** Whether what a cache holds can be run: another version may have written it. */
function areKnown(variants: Variants, opened: OpenedDevice): boolean {
  try {
    checkVariants(variants, opened);
    return true;
  } catch {
    return false; // measured again
  }
}

/**
 * Null where there is none: measuring takes memory for a while, and a model that fits without it is
 * not refused.
 */
async function whereThereIsRoom<T>(measure: () => Promise<T>): Promise<T | null> {
  try {
    return await measure();
  } catch (error) {
    if (error instanceof OutOfGpuMemoryError) return null;
    throw error;
  }
}

/**
 * Products by subgroups where there are any that compute rightly: up to four times as fast as the
 * plain ones, which stay otherwise.
 */
async function softwareVariants(opened: OpenedDevice, model: Transformer): Promise<Variants> {
  if (opened.subgroupSize === null) return {};
  // Of the layers, of the head, which may have another, and of LoRA's A.
  const precisions = [
    model.layer(0).gateUp.precision,
    model.weights.head.precision,
    'f32',
  ] as const;
  const bits = new Set<unknown>(
    precisions.map((precision) => weightConstants(precision).WEIGHT_BITS),
  );
  for (const kernel of [linearSubgroup, linearSubgroupBackward]) {
    if (!(await isSound(opened, kernel, { asked: (c) => bits.has(c.constants?.['WEIGHT_BITS']) })))
      return {};
  }
  return subgroupVariants();
}

function cacheKey({ info }: OpenedDevice, model: Transformer): string {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = model.config;
  const shape = [
    hiddenSize,
    intermediateSize,
    heads,
    kvHeads,
    headDim,
    model.layer(0).gateUp.precision,
  ];
  return ['tuner', VERSION, info.vendor, info.architecture, info.description, ...shape].join('/');
}
