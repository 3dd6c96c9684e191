import type { ModelConfig } from './config.ts';
import { safetensorsHeader } from './safetensors.ts';
import { isTiled, packedBytes, packedMetadata, precisionOf, type PackedTensor, type WeightPrecision } from './weight-format.ts';
import { matrixChunks } from './weight-stream.ts';
import { openWeights, type FileSource } from './weights-source.ts';

/**
 * Converts a model's weights to one safetensors file at `precision`, which openWeights reads like any other: the bytes of
 * its model.safetensors go to `sink` in order, a few megabytes at a time. Tensors are read once each and in the order
 * of the source's bytes, so that a source may still be arriving. What the model does not use is left out.
 */
export async function packModel(
  source: FileSource,
  config: ModelConfig,
  precision: WeightPrecision,
  sink: (bytes: Uint8Array) => void | Promise<void>,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<void> {
  const weights = await openWeights(source, config);
  const packed = new Map<string, PackedTensor>();
  const tensors = weights.names.map((name) => {
    const { shape } = weights.tensor(name);
    const kept = precisionOf(name, precision);
    const [rows = 0, cols = 1] = shape;
    const bytes = packedBytes(rows, cols, kept);
    if (!isTiled(kept)) return { name, kept, dtype: kept === 'f16' ? 'F16' : 'F32', shape, bytes };
    packed.set(name, { precision: kept, shape: [rows, cols] });
    return { name, kept, dtype: 'U8', shape: [bytes], bytes };
  });
  const header = safetensorsHeader(tensors.map(({ name, dtype, shape }) => [name, { dtype, shape }]), packedMetadata(precision, packed));
  await sink(header);
  const total = tensors.reduce((n, t) => n + t.bytes, header.length);
  let done = header.length;
  for (const { name, kept } of tensors) {
    for await (const bytes of matrixChunks(weights, [name], kept)) {
      options.signal?.throwIfAborted();
      await sink(bytes);
      done += bytes.length;
      options.onProgress?.(done, total);
    }
  }
}
