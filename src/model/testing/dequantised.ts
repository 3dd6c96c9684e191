import { convertFile } from '../weights/convert.ts';
import { readModelConfig } from '../gpu-engine.ts';
import { writeSafetensors } from '../weights/safetensors.ts';
import type { WeightPrecision } from '../weights/format.ts';
import { openWeights, type FileSource } from '../weights/source.ts';

/** A model's files with other weights, in memory. */
export function withWeights(source: FileSource, weights: Uint8Array, label: string): FileSource {
  const isWeights = (path: string) => path === 'model.safetensors';
  return {
    label,
    read: (path) => (isWeights(path) ? Promise.resolve(weights) : source.read(path)),
    size: (path) => (isWeights(path) ? Promise.resolve(weights.length) : source.size(path)),
    readRange: (path, start, end) =>
      isWeights(path)
        ? Promise.resolve(weights.subarray(start, end))
        : source.readRange(path, start, end),
  };
}

/** The model packed at a precision, as a download leaves it. */
export async function packed(source: FileSource, precision: WeightPrecision): Promise<FileSource> {
  const pieces: Uint8Array[] = [];
  await convertFile(
    source,
    'model.safetensors',
    precision,
    (bytes) => void pieces.push(bytes.slice()),
  );
  return withWeights(
    source,
    new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer()),
    `${source.label} at ${precision}`,
  );
}

/** The model in f32 with the values that a precision leaves of its weights. */
export async function dequantised(
  source: FileSource,
  precision: WeightPrecision,
): Promise<FileSource> {
  const weights = await openWeights(await packed(source, precision), await readModelConfig(source));
  const tensors = await Promise.all(
    weights.names.map(
      async (name) =>
        [name, { shape: weights.tensor(name).shape, data: await weights.readF32(name) }] as const,
    ),
  );
  return withWeights(
    source,
    writeSafetensors(tensors),
    `${source.label}, dequantised from ${precision}`,
  );
}
