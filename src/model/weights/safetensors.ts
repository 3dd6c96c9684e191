import * as v from 'valibot';
import { decodeBf16, decodeF16 } from '../../lib/float16.ts';
import { formatCount } from '../../lib/format.ts';
import { duplicateKey } from '../../lib/json.ts';
import { foreignContent } from './model-file.ts';

/**
 * Bytes per element of the safetensors format's types; the lab computes with floats of
 * 16 bits and more only.
 */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

export type FloatDtype = 'f64' | 'f32' | 'f16' | 'bf16';
const FLOAT_DTYPES: Readonly<Record<string, FloatDtype>> = {
  F64: 'f64',
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
};
/** Bytes of an element as stored. */
export const FLOAT_BYTES: Readonly<Record<FloatDtype, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
};

/**
 * A tensor's place in its file; `start` and `end` are absolute byte offsets, rows come first in
 * `shape`.
 */
export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

const length = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const HeaderTensor = v.object({
  dtype: v.string(),
  shape: v.array(length),
  data_offsets: v.tuple([length, length]),
});
/** Some writers leave null here. */
const Metadata = v.nullable(v.record(v.string(), v.string()));

/** Headers of the largest published models stay well below 10 MB. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Where the header's JSON ends, from the first 8 bytes of a file.
 * @param fileBytes the file's size in bytes
 */
export function headerEnd(start: Uint8Array, fileBytes: number, file: string): number {
  const end = fileBytes < 8 || start.length < 8 ? null : statedEnd(start);
  if (end !== null && end <= Math.min(MAX_HEADER_BYTES, fileBytes)) return end;
  const foreign = foreignContent(start);
  if (foreign !== null) throw new Error(`${file} ${foreign}`);
  if (end === null)
    throw new Error(
      `${file} is cut short: ${formatCount(fileBytes)} bytes, a safetensors file has at least 8.`,
    );
  if (end > MAX_HEADER_BYTES)
    throw new Error(
      `${file} is no safetensors file, or a damaged one: its header would be ` +
        `${formatCount(end - 8)} bytes long. Fetch the file again.`,
    );
  throw new Error(
    `${file} is cut short: ${formatCount(fileBytes)} bytes, its header alone ends at ` +
      `${formatCount(end)}. Fetch the file again.`,
  );
}

function statedEnd(start: Uint8Array): number {
  const view = new DataView(start.buffer, start.byteOffset, 8);
  return view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32 + 8;
}

/**
 * Parses the header, `start` being at least the file's first `headerEnd` bytes. Tensors must fill
 * the file exactly: no overlap, no hole, no missing and no surplus byte.
 */
export function parseHeader(start: Uint8Array, fileBytes: number, file: string): SafetensorsHeader {
  const end = headerEnd(start, fileBytes, file);
  let json: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(start.subarray(8, end));
    json = JSON.parse(text);
  } catch {
    throw new Error(
      `${file} is not a safetensors file: its header of ${formatCount(end - 8)} bytes is not JSON.`,
    );
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(`${file} is not a safetensors file: its header is not a JSON object.`);
  }
  const twice = duplicateKey(text);
  if (twice !== null)
    throw new Error(
      `${file} has a damaged header: it holds ${JSON.stringify(twice)} twice. Fetch the file again.`,
    );

  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
      const parsed = v.safeParse(Metadata, value);
      if (!parsed.success)
        throw new Error(`${file} has a damaged header: __metadata__ must map strings to strings.`);
      metadata = parsed.output ?? {};
      continue;
    }
    const parsed = v.safeParse(HeaderTensor, value);
    if (!parsed.success)
      throw new Error(
        `${file} has a damaged header: the entry of ${name} lacks a valid dtype, shape or data_offsets.`,
      );
    const { dtype, shape, data_offsets } = parsed.output;
    const elementBytes = ELEMENT_BYTES[dtype];
    if (elementBytes === undefined)
      throw new Error(`${file} has a tensor of an unknown type: ${name} is ${dtype}.`);
    const bytes = shape.reduce((product, size) => product * size, elementBytes);
    const [from, to] = data_offsets;
    if (to - from !== bytes) {
      throw new Error(
        `${file} has a damaged header: ${name} of shape [${shape.join(', ')}] and type ` +
          `${dtype} takes ${formatCount(bytes)} bytes, ` +
          `its offsets [${formatCount(from)}, ${formatCount(to)}] span ${formatCount(to - from)}.`,
      );
    }
    tensors.set(name, { dtype, shape, start: end + from, end: end + to });
  }

  let filled = end;
  let previous = 'the header';
  for (const [name, tensor] of [...tensors].sort(
    ([, a], [, b]) => a.start - b.start || a.end - b.end,
  )) {
    if (tensor.start < filled)
      throw new Error(
        `${file} has a damaged header: ${name} overlaps ${previous} by ${formatCount(filled - tensor.start)} bytes.`,
      );
    if (tensor.start > filled) {
      throw new Error(
        `${file} has a damaged header: ${formatCount(tensor.start - filled)} unused bytes ` +
          `between ${previous} and ${name}.`,
      );
    }
    filled = tensor.end;
    previous = name;
  }
  if (fileBytes < filled) {
    throw new Error(
      `${file} is cut short: ${formatCount(fileBytes)} bytes, header says ` +
        `${formatCount(filled)}. Fetch the file again.`,
    );
  }
  if (fileBytes > filled)
    throw new Error(
      `${file} is too long: ${formatCount(fileBytes)} bytes, header says ${formatCount(filled)}.`,
    );
  return { tensors, metadata };
}

/** A tensor's type where the lab can compute with it; a sentence otherwise. */
export function floatDtype(name: string, entry: TensorEntry, file: string): FloatDtype {
  const dtype = FLOAT_DTYPES[entry.dtype];
  if (dtype === undefined)
    throw new Error(
      `${name} in ${file} has type ${entry.dtype}; weights must be F64, F32, F16 or BF16.`,
    );
  return dtype;
}

/** Raw little-endian bytes of f64, f32, f16 or bf16 → a new Float32Array; any alignment. */
export function decodeFloats(bytes: Uint8Array, dtype: FloatDtype): Float32Array {
  // Not slice(): on a Node Buffer that is a view, and a view may be unaligned.
  const aligned = new Uint8Array(bytes);
  if (dtype === 'f64') return Float32Array.from(new Float64Array(aligned.buffer));
  if (dtype === 'f32') return new Float32Array(aligned.buffer, 0, aligned.length / 4);
  const halves = new Uint16Array(aligned.buffer, 0, aligned.length / 2);
  return dtype === 'f16' ? decodeF16(halves) : decodeBf16(halves);
}

/** A whole file in memory → its tensors as f32. */
export function readSafetensors(
  bytes: Uint8Array,
  file: string,
): Map<string, { shape: readonly number[]; data: Float32Array }> {
  const { tensors } = parseHeader(bytes, bytes.length, file);
  const result = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, entry] of tensors) {
    const data = decodeFloats(
      bytes.subarray(entry.start, entry.end),
      floatDtype(name, entry, file),
    );
    result.set(name, { shape: entry.shape, data });
  }
  return result;
}

/**
 * The first bytes of a safetensors file whose tensors follow in the order given: length, header,
 * spaces up to a multiple of 8. `dtype` is the format's own spelling.
 */
export function safetensorsHeader(
  tensors: Iterable<
    readonly [name: string, tensor: { readonly dtype: string; readonly shape: readonly number[] }]
  >,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape }] of tensors) {
    const elementBytes = ELEMENT_BYTES[dtype];
    if (elementBytes === undefined)
      throw new Error(`${name} cannot be written: ${dtype} is no type of safetensors.`);
    const end = offset + shape.reduce((product, size) => product * size, elementBytes);
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(bytes.length - 8), true);
  bytes.set(json, 8);
  return bytes;
}

/** Tensors → the bytes of a safetensors file (f32), in the order given, data aligned to 8 bytes. */
export function writeSafetensors(
  tensors: Iterable<
    readonly [
      name: string,
      tensor: { readonly shape: readonly number[]; readonly data: Float32Array },
    ]
  >,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const all = [...tensors];
  for (const [name, { shape, data }] of all) {
    const elements = shape.reduce((product, size) => product * size, 1);
    if (elements !== data.length) {
      throw new Error(
        `${name} cannot be written: shape [${shape.join(', ')}] has ${formatCount(elements)} ` +
          `elements, its data ${formatCount(data.length)}.`,
      );
    }
  }
  const header = safetensorsHeader(
    all.map(([name, { shape }]) => [name, { dtype: 'F32', shape }]),
    metadata,
  );
  const file = new Uint8Array(
    header.length + all.reduce((bytes, [, { data }]) => bytes + data.byteLength, 0),
  );
  file.set(header);
  let position = header.length;
  for (const [, { data }] of all) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}
