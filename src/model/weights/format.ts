import * as v from 'valibot';
import {
  isTiled,
  packedBytes,
  WEIGHT_PRECISIONS,
  type WeightPrecision,
} from '../../lib/weight-blocks.ts';
import type { TensorEntry } from './safetensors.ts';

export {
  copyRow,
  isTiled,
  packedBytes,
  packRows,
  TILE,
  tileBytes,
  unpackRows,
  WEIGHT_PRECISIONS,
  type TiledPrecision,
  type WeightPrecision,
} from '../../lib/weight-blocks.ts';

/**
 * Precision of one tensor of a model that is kept at `chosen`: norms and biases stay f32, and so
 * that rare tokens keep their meaning the embedding and the output head are never below q8
 * (docs/gpu.md).
 */
export function precisionOf(name: string, chosen: WeightPrecision): WeightPrecision {
  if (name.endsWith('.bias') || name.endsWith('norm.weight')) return 'f32';
  const vocabulary = name === 'lm_head.weight' || name.endsWith('embed_tokens.weight');
  return vocabulary && isTiled(chosen) ? 'q8' : chosen;
}

/**
 * `format` in the metadata of a safetensors file whose matrices are packed. Such tensors are U8 of
 * shape [bytes].
 */
export const PACKED_FORMAT = 'afterthought-1';

const PackedTensor = v.object({
  precision: v.picklist(['q8', 'q4']),
  shape: v.tuple([
    v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  ]),
});
export type PackedTensor = v.InferOutput<typeof PackedTensor>;

const PackedMetadata = v.object({
  precision: v.picklist(WEIGHT_PRECISIONS),
  tensors: v.pipe(v.string(), v.parseJson(), v.record(v.string(), PackedTensor)),
});

export interface PackedFile {
  readonly precision: WeightPrecision;
  readonly tensors: ReadonlyMap<string, PackedTensor>;
}

/** What a file's metadata say of its packed tensors; null for a file of plain ones. */
export function packedFile(
  metadata: Readonly<Record<string, string>>,
  tensors: ReadonlyMap<string, TensorEntry>,
  file: string,
): PackedFile | null {
  const format = metadata['format'] ?? '';
  if (!format.startsWith('afterthought')) return null;
  if (format !== PACKED_FORMAT)
    throw new Error(
      `${file} has format ${format}; this version reads ${PACKED_FORMAT}. Fetch the model again.`,
    );
  const parsed = v.safeParse(PackedMetadata, metadata);
  if (!parsed.success)
    throw new Error(
      `${file} has a damaged header: its metadata do not say how its tensors are packed. Fetch the model again.`,
    );
  for (const [name, { precision, shape }] of Object.entries(parsed.output.tensors)) {
    const entry = tensors.get(name);
    const expected = packedBytes(shape[0], shape[1], precision);
    const bytes = entry && entry.end - entry.start;
    if (bytes !== expected) {
      throw new Error(
        `${file} has a damaged header: ${name} of shape [${shape.join(', ')}] takes ` +
          `${expected} bytes at ${precision}, the file holds ${bytes ?? 'none'}. Fetch the model ` +
          'again.',
      );
    }
  }
  return {
    precision: parsed.output.precision,
    tensors: new Map(Object.entries(parsed.output.tensors)),
  };
}

export function packedMetadata(
  precision: WeightPrecision,
  tensors: ReadonlyMap<string, PackedTensor>,
): Record<string, string> {
  return { format: PACKED_FORMAT, precision, tensors: JSON.stringify(Object.fromEntries(tensors)) };
}
