import { encodeF16 } from '../lib/float16.ts';
import { decodeFloats, floatDtype, headerEnd, parseHeader, type TensorEntry } from '../model/safetensors.ts';
import type { ModelPrecision } from '../schema/models.ts';
import { modelTensors, type ModelConfig } from '../model/config.ts';

/**
 * Turns a file into what is kept of it, piece by piece in file order. Between pieces the work can be written down
 * (`position`, and `header` once there is one) and taken up again; `written` follows from the two.
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

const PIECE = 2 ** 20;

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

/** What a model can be converted to on arrival. */
type KeptPrecision = 'f32' | 'f16';

/** Refuses what this version cannot pack. */
export function keptPrecision(precision: Exclude<ModelPrecision, 'stored'>): KeptPrecision {
  if (precision === 'f32' || precision === 'f16') return precision;
  throw new Error(`This version keeps models as stored, as f32 or as f16; ${precision} is not in it yet.`);
}

/** How one tensor is kept, and how its pieces are made. */
interface TensorPlan {
  readonly dtype: 'F32' | 'F16';
  /** As the kept file's header states it. */
  readonly shape: readonly number[];
  /** Bytes of the source in a piece, and what is kept of it; the tensor's last piece may be shorter. */
  readonly piece: number;
  readonly keptPiece: number;
  /** Of the whole tensor. */
  readonly kept: number;
  readonly convert: (piece: Uint8Array) => Uint8Array;
}

/** A tensor in the order of the source, and where its data starts in the kept file. */
interface PlannedTensor {
  readonly entry: TensorEntry;
  readonly plan: TensorPlan;
  readonly keptStart: number;
}

/**
 * A safetensors file of f32, f16 or bf16 tensors → one of `precision`, with the tensors in the order of their bytes.
 * Matrices are converted, vectors (norms, biases) become f32 always.
 * @param size bytes of the source
 * @param file its name, for messages
 */
export function converting(size: number, precision: KeptPrecision, file: string, from: Position = START): Converter {
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
    const kept: Record<string, unknown> = { __metadata__: { format: 'pt' } };
    let offset = 0;
    const ordered = [...parseHeader(source, size, file).tensors].sort(([, a], [, b]) => a.start - b.start);
    const planned = ordered.map(([name, entry]) => {
      const tensor = planOf(name, entry, precision, file);
      kept[name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, offset + tensor.kept] };
      offset += tensor.kept;
      return { entry, plan: tensor, keptStart: offset - tensor.kept };
    });
    const json = JSON.stringify(kept);
    // Spaces at its end bring the data to a multiple of 8.
    keptHeader = withLength(new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8)));
    tensors = planned.map((tensor) => ({ ...tensor, keptStart: keptHeader.length + tensor.keptStart }));
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
      if (tensor) return tensor.keptStart + ((at - tensor.entry.start) / tensor.plan.piece) * tensor.plan.keptPiece;
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

/** Bytes that the tensors of a model take at `precision`. */
export function keptBytes(config: ModelConfig, precision: KeptPrecision): number {
  return modelTensors(config).reduce((sum, { shape }) => {
    const elements = shape.reduce((product, n) => product * n, 1);
    return sum + elements * (shape.length === 2 && precision === 'f16' ? 2 : 4);
  }, 0);
}

/** Rows of a matrix that are converted together. */
const ROWS = 32;

function planOf(name: string, entry: TensorEntry, precision: KeptPrecision, file: string): TensorPlan {
  const source = floatDtype(name, entry, file);
  const sourceBytes = source === 'f32' ? 4 : 2;
  const { shape } = entry;
  const matrix = shape.length === 2;
  const half = matrix && precision === 'f16';
  const elements = shape.reduce((product, n) => product * n, 1);
  const perPiece = matrix ? ROWS * shape[1]! : elements;
  const keptBytes = half ? 2 : 4;
  return {
    dtype: half ? 'F16' : 'F32',
    shape,
    piece: perPiece * sourceBytes,
    keptPiece: perPiece * keptBytes,
    kept: elements * keptBytes,
    convert(piece) {
      if (source === (half ? 'f16' : 'f32')) return piece;
      const values = decodeFloats(piece, source);
      return bytesOf(half ? halves(values, name) : values);
    },
  };
}

/** The largest f16. */
const MOST_F16 = 65_504;

function halves(values: Float32Array, name: string): Uint16Array {
  if (values.some((value) => Math.abs(value) > MOST_F16))
    throw new Error(`${name} has values beyond ${MOST_F16}, the largest f16; keep the model as f32 or as stored.`);
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
