import { encodeF16 } from '../../lib/float16.ts';
import { modelTensors, type ModelConfig } from './config.ts';
import {
  decodeFloats,
  FLOAT_BYTES,
  floatDtype,
  headerEnd,
  parseHeader,
  type TensorEntry,
} from './safetensors.ts';
import {
  isTiled,
  packedBytes,
  packedMetadata,
  packRows,
  precisionOf,
  TILE,
  tileBytes,
  type PackedTensor,
  type TiledPrecision,
  type WeightPrecision,
} from './format.ts';
import type { FileSource } from './source.ts';

/**
 * Turns a file into what is kept of it, piece by piece in file order. Between pieces the work can
 * be written down (`position`, and `header` once there is one) and taken up again; `written`
 * follows from the two.
 */
export interface Converter {
  /** Bytes of the source taken. */
  readonly position: number;
  /** Bytes of output that belong to them. */
  readonly written: number;
  /** The source's header, to be kept with the position; null where none is needed. */
  readonly header: string | null;
  /** Bytes that the next piece takes; 0 at the end. */
  next(): number;
  /** Takes exactly so many and returns their output. */
  take(piece: Uint8Array): Uint8Array;
}

/** Where a conversion was left. */
export interface Position {
  readonly position: number;
  readonly header: string | null;
}

export const START: Position = { position: 0, header: null };

/** Small beside what a cut may cost, large beside what a write costs. */
const PIECE = 64 * 2 ** 10;

/** A file as it comes. */
export function copying(size: number, { position }: Position = START): Converter {
  let at = position;
  return {
    get position() {
      return at;
    },
    get written() {
      return at;
    },
    header: null,
    next: () => Math.min(PIECE, size - at),
    take(piece) {
      at += piece.byteLength;
      return piece;
    },
  };
}

/** How one tensor is kept, and how its pieces are made. */
interface TensorPlan {
  readonly dtype: 'F32' | 'F16' | 'U8';
  /** As the kept file's header states it. */
  readonly shape: readonly number[];
  /**
   * Bytes of the source in a piece, and what is kept of it; the tensor's last piece may be shorter.
   */
  readonly piece: number;
  readonly keptPiece: number;
  /** Of the whole tensor. */
  readonly kept: number;
  readonly convert: (piece: Uint8Array) => Uint8Array;
  /** Of a matrix in tiles: what it is, as the kept file's metadata say. */
  readonly packed: PackedTensor | null;
}

/** A tensor in the order of the source, and where its data starts in the kept file. */
interface PlannedTensor {
  readonly entry: TensorEntry;
  readonly plan: TensorPlan;
  readonly keptStart: number;
}

/**
 * A safetensors file of floats → one of `precision`, with the tensors in the
 * order of their bytes. Matrices are converted (format.ts says to what), vectors become f32
 * always.
 * @param size bytes of the source
 * @param file its name, for messages
 */
export function converting(
  size: number,
  precision: WeightPrecision,
  file: string,
  from: Position = START,
): Converter {
  let at = from.position;
  let header = from.header;
  let dataStart = 8;
  let tensors: readonly PlannedTensor[] = [];
  let keptHeader: Uint8Array = new Uint8Array(0);
  let index = 0;

  /** Lays the kept file out. */
  function plan(text: string): void {
    header = text;
    const source = withLength(new TextEncoder().encode(text));
    dataStart = source.length;
    const kept: Record<string, unknown> = {};
    const packed = new Map<string, PackedTensor>();
    let offset = 0;
    const ordered = [...parseHeader(source, size, file).tensors].sort(
      ([, a], [, b]) => a.start - b.start,
    );
    const planned = ordered.map(([name, entry]) => {
      const tensor = planOf(name, entry, precision, file);
      kept[name] = {
        dtype: tensor.dtype,
        shape: tensor.shape,
        data_offsets: [offset, offset + tensor.kept],
      };
      offset += tensor.kept;
      if (tensor.packed) packed.set(name, tensor.packed);
      return { entry, plan: tensor, keptStart: offset - tensor.kept };
    });
    const metadata = isTiled(precision) ? packedMetadata(precision, packed) : { format: 'pt' };
    const json = JSON.stringify({ __metadata__: metadata, ...kept });
    // Spaces at its end bring the data to a multiple of 8.
    keptHeader = withLength(new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8)));
    tensors = planned.map((tensor) => ({
      ...tensor,
      keptStart: keptHeader.length + tensor.keptStart,
    }));
  }
  if (header !== null) plan(header);

  /** The tensor that the next byte belongs to. */
  function current(): PlannedTensor | undefined {
    while (index < tensors.length && tensors[index]!.entry.end <= at) index++;
    return tensors[index];
  }

  return {
    get position() {
      return at;
    },
    get written() {
      if (header === null) return 0;
      const tensor = current();
      if (tensor)
        return (
          tensor.keptStart + ((at - tensor.entry.start) / tensor.plan.piece) * tensor.plan.keptPiece
        );
      const last = tensors.at(-1);
      return last ? last.keptStart + last.plan.kept : keptHeader.length;
    },
    get header() {
      return header;
    },
    next() {
      if (at < 8) return 8;
      if (header === null) return dataStart - 8;
      const tensor = current();
      return tensor ? Math.min(tensor.plan.piece, tensor.entry.end - at) : 0;
    },
    take(piece) {
      let out: Uint8Array = new Uint8Array(0);
      const tensor = current();
      if (at < 8) dataStart = headerEnd(piece, size, file);
      else if (header === null) {
        plan(new TextDecoder('utf-8', { fatal: true }).decode(piece));
        out = keptHeader;
      } else if (tensor) out = tensor.plan.convert(piece);
      at += piece.byteLength;
      return out;
    },
  };
}

/** Converts a file that is all there; the bytes of the one at `precision` go to `sink` in order. */
export async function convertFile(
  source: FileSource,
  path: string,
  precision: WeightPrecision,
  sink: (bytes: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const size = await source.size(path);
  if (size === null) throw new Error(`${source.label} has no file ${path}.`);
  const converter = converting(size, precision, path);
  for (let bytes = converter.next(); bytes > 0; bytes = converter.next()) {
    const { position } = converter;
    await sink(converter.take(await source.readRange(path, position, position + bytes)));
  }
}

/** Bytes that the tensors of a model take at `precision`. */
export function keptBytes(config: ModelConfig, precision: WeightPrecision): number {
  return modelTensors(config).reduce((sum, { name, shape }) => {
    const [rows, cols] = shape.length === 2 ? [shape[0]!, shape[1]!] : [1, shape[0]!];
    return sum + packedBytes(rows, cols, precisionOf(name, precision));
  }, 0);
}

function planOf(
  name: string,
  entry: TensorEntry,
  precision: WeightPrecision,
  file: string,
): TensorPlan {
  const [rows = 0, cols = 0] = entry.shape;
  const kept = entry.shape.length === 2 ? precisionOf(name, precision) : 'f32';
  return isTiled(kept)
    ? tiledPlan(name, entry, [rows, cols], kept, file)
    : plainPlan(name, entry, kept, file);
}

/** A tile at a time. */
function tiledPlan(
  name: string,
  entry: TensorEntry,
  [rows, cols]: readonly [number, number],
  precision: TiledPrecision,
  file: string,
): TensorPlan {
  const source = floatDtype(name, entry, file);
  const tile = tileBytes(cols, precision);
  const bytes = packedBytes(rows, cols, precision);
  return {
    dtype: 'U8',
    shape: [bytes],
    piece: TILE * cols * FLOAT_BYTES[source],
    keptPiece: tile,
    kept: bytes,
    convert(piece) {
      const out = new Uint8Array(tile);
      packRows(decodeFloats(piece, source), cols, precision, out, 0);
      return out;
    },
    packed: { precision, shape: [rows, cols] },
  };
}

/** Rows of a plain matrix that are converted together. */
const ROWS = 32;

function plainPlan(
  name: string,
  entry: TensorEntry,
  precision: 'f32' | 'f16',
  file: string,
): TensorPlan {
  const source = floatDtype(name, entry, file);
  const { shape } = entry;
  const elements = shape.reduce((product, n) => product * n, 1);
  const perPiece = shape.length === 2 ? ROWS * shape[1]! : elements;
  const keptBytes = precision === 'f16' ? 2 : 4;
  return {
    dtype: precision === 'f16' ? 'F16' : 'F32',
    shape,
    piece: perPiece * FLOAT_BYTES[source],
    keptPiece: perPiece * keptBytes,
    kept: elements * keptBytes,
    convert(piece) {
      if (source === precision) return piece;
      const values = decodeFloats(piece, source);
      return bytesOf(precision === 'f16' ? halves(values, name) : values);
    },
    packed: null,
  };
}

/** The largest f16. */
const MOST_F16 = 65_504;

function halves(values: Float32Array, name: string): Uint16Array {
  if (values.some((value) => Math.abs(value) > MOST_F16))
    throw new Error(
      `${name} has values beyond ${MOST_F16}, the largest f16; keep the model as f32 or as stored.`,
    );
  return encodeF16(values);
}

function bytesOf(view: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function withLength(json: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + json.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  return out;
}
