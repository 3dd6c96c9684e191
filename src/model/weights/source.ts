import * as v from 'valibot';
import { modelTensors, type ModelConfig } from './config.ts';
import { parseModelJson, TELLING_BYTES } from './model-file.ts';
import {
  decodeFloats,
  FLOAT_BYTES,
  floatDtype,
  headerEnd,
  parseHeader,
  type FloatDtype,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors.ts';
import {
  isTiled,
  packedFile,
  unpackRows,
  type PackedTensor,
  type TiledPrecision,
  type WeightPrecision,
} from './format.ts';

/** The files of one model: a folder, a URL, a store. Paths are relative, with `/`. */
export interface FileSource {
  /** Where the files are, for messages. */
  readonly label: string;
  /** The whole file, or null if there is none. */
  read(path: string): Promise<Uint8Array | null>;
  /** Bytes start (included) to end (excluded); throws if the file is missing or shorter. */
  readRange(path: string, start: number, end: number): Promise<Uint8Array>;
  /** Size in bytes, or null if there is no such file. */
  size(path: string): Promise<number | null>;
}

/** As a tensor is stored: plain floats, or packed in tiles. */
export type StoredDtype = FloatDtype | TiledPrecision;

/**
 * The weights of one model, by the names of modelTensors (config.ts), whatever prefix or tying the
 * file uses.
 */
export interface Weights {
  /**
   * In the order of their bytes: the tensors of the model where its config is known, else all there
   * are.
   */
  readonly names: readonly string[];
  /** Of packed files: the precision they were packed at. */
  readonly packed: WeightPrecision | null;
  /** The output head is the embedding: config.json says so, and no other head is stored. */
  readonly tied: boolean;
  /** Sentences about what the files hold and is not read. */
  readonly notices: readonly string[];
  has(name: string): boolean;
  /** Type as stored and shape, rows first; throws a sentence if the tensor is missing. */
  tensor(name: string): { readonly dtype: StoredDtype; readonly shape: readonly number[] };
  /**
   * Little-endian bytes as stored, in a buffer of their own (offset 0); a range of them, or all.
   */
  read(name: string, start?: number, end?: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Values as f32. */
  readF32(name: string): Promise<Float32Array>;
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const IndexJson = v.object({ weight_map: v.record(v.string(), v.string()) });

/** A tensor's place among the files. */
interface Stored {
  readonly file: string;
  readonly entry: TensorEntry;
  readonly packed: PackedTensor | undefined;
}

/**
 * Opens model.safetensors, or the shards that model.safetensors.index.json lists, reading the
 * headers only. With `config`, tied embeddings are found under either of their names (where both
 * are stored and differ, they are not tied: `tied` says so), every tensor the model needs is
 * checked for presence and shape at once, and one that it has no place for is refused.
 */
export async function openWeights(source: FileSource, config?: ModelConfig): Promise<Weights> {
  const { entries, packed, notices } = await storedTensors(source);
  const tied = config?.tiedEmbeddings === true && (await headIsEmbedding(source, entries));
  if (config?.tiedEmbeddings === true && !tied)
    notices.push(
      'config.json says tie_word_embeddings, and the weights hold another lm_head.weight: the two ' +
        'are not tied, as in transformers.',
    );
  const storedName = (name: string) =>
    storedNames(name, tied).find((candidate) => entries.has(candidate));
  const get = (name: string) => {
    const found = entries.get(storedName(name) ?? '');
    if (!found)
      throw new Error(
        `${source.label} has no tensor ${name} among its ${entries.size}. Its weights do not fit its config.json.`,
      );
    const { file, entry, packed } = found;
    const dtype: StoredDtype = packed?.precision ?? floatDtype(name, entry, file);
    return { file, entry, dtype, shape: packed?.shape ?? entry.shape };
  };
  const read = async (name: string, start = 0, end?: number) => {
    const { file, entry } = get(name);
    const bytes = await source.readRange(
      file,
      entry.start + start,
      end === undefined ? entry.end : entry.start + end,
    );
    return ownsBuffer(bytes) ? bytes : new Uint8Array(bytes);
  };

  const needed = config && modelTensors({ ...config, tiedEmbeddings: tied });
  const weights: Weights = {
    names: needed
      ? inOrder(
          needed.map((t) => t.name),
          [...entries.keys()],
          storedName,
        )
      : [...entries.keys()],
    packed,
    tied,
    notices,
    has: (name) => storedName(name) !== undefined,
    tensor: (name) => {
      const { dtype, shape } = get(name);
      return { dtype, shape };
    },
    read,
    readF32: async (name) => {
      const { dtype, shape } = get(name);
      const bytes = await read(name);
      if (!isTiled(dtype)) return decodeFloats(bytes, dtype);
      const [rows = 0, cols = 0] = shape;
      return unpackRows(bytes, rows, cols, dtype);
    },
  };
  if (config && needed) {
    checkShapes(weights, needed);
    const used = new Set(needed.map(({ name }) => storedName(name)));
    const surplus = [...entries.keys()].filter(
      (name) => !used.has(name) && !(tied && storedNames(HEAD, false).includes(name)),
    );
    notices.push(...surplusNotices(source.label, surplus, config));
  }
  return weights;
}

/** All tensors of the files. Where shards hold several of one name, the index decides. */
async function storedTensors(source: FileSource) {
  const entries = new Map<string, Stored>();
  const notices: string[] = [];
  let packed: WeightPrecision | null = null;
  const files = await weightFiles(source);
  const homes = new Map([...files].flatMap(([file, names]) => names.map((name) => [name, file])));
  for (const [file, expected] of files) {
    const header = await readHeader(source, file);
    const format = packedFile(header.metadata, header.tensors, file);
    packed = format?.precision ?? packed;
    for (const [name, entry] of [...header.tensors].sort(([, a], [, b]) => a.start - b.start)) {
      const home = homes.get(name);
      if (home !== undefined && home !== file) {
        notices.push(
          `${file} holds a copy of ${name} that is not read: ${INDEX} names the one in ${home}.`,
        );
        continue;
      }
      const other = entries.get(name);
      if (other)
        throw new Error(
          `${other.file} and ${file} both hold ${name}, and ${INDEX} names neither. Fetch the model again.`,
        );
      entries.set(name, { file, entry, packed: format?.tensors.get(name) });
    }
    for (const name of expected) {
      if (!header.tensors.has(name))
        throw new Error(
          `${file} lacks ${name}, which ${INDEX} places there. Fetch the model again.`,
        );
    }
  }
  return { entries, packed, notices };
}

async function readHeader(source: FileSource, file: string): Promise<SafetensorsHeader> {
  const size = await source.size(file);
  if (size === null)
    throw new Error(`${source.label} lacks ${file}, which ${INDEX} names. Fetch the model again.`);
  const first = await source.readRange(file, 0, Math.min(TELLING_BYTES, size));
  return parseHeader(await source.readRange(file, 0, headerEnd(first, size, file)), size, file);
}

/** Bytes of two tensors that are compared at a time. */
const COMPARED_BYTES = 4 * 2 ** 20;

/** Whether at most one end of the embedding is stored, or both with equal values. */
async function headIsEmbedding(
  source: FileSource,
  entries: ReadonlyMap<string, Stored>,
): Promise<boolean> {
  const stored = (names: readonly string[]) => names.map((n) => entries.get(n)).find((e) => e);
  const embedding = stored(storedNames(EMBEDDING, false));
  const head = stored(storedNames(HEAD, false));
  if (!embedding || !head) return true;
  if (embedding.packed || head.packed) {
    if (embedding.packed?.precision !== head.packed?.precision) return false;
  } else if (embedding.entry.shape.join() !== head.entry.shape.join()) return false;
  const widthOf = ({ entry, packed, file }: Stored, name: string) =>
    packed ? 1 : FLOAT_BYTES[floatDtype(name, entry, file)];
  const [width, headWidth] = [widthOf(embedding, EMBEDDING), widthOf(head, HEAD)];
  const elements = (embedding.entry.end - embedding.entry.start) / width;
  if ((head.entry.end - head.entry.start) / headWidth !== elements) return false;
  const step = COMPARED_BYTES / 8;
  for (let at = 0; at < elements; at += step) {
    const end = Math.min(elements, at + step);
    const read = ({ file, entry }: Stored, bytes: number) =>
      source.readRange(file, entry.start + at * bytes, entry.start + end * bytes);
    const [a, b] = [await read(embedding, width), await read(head, headWidth)];
    if (sameBytes(a, b)) continue;
    if (embedding.packed) return false;
    const values = decodeFloats(b, floatDtype(HEAD, head.entry, head.file));
    const dtype = floatDtype(EMBEDDING, embedding.entry, embedding.file);
    if (!decodeFloats(a, dtype).every((value, i) => value === values[i])) return false;
  }
  return true;
}

/** A loop and no callback: the embedding of a published model has hundreds of megabytes. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * What is to be said of tensors that the model has no place for; throws a sentence about those that
 * may change what it computes.
 */
function surplusNotices(label: string, names: readonly string[], config: ModelConfig): string[] {
  // Older checkpoints keep tables of the rotary embedding, which follow from config.json.
  const derived = names.filter((name) =>
    /\brotary_emb\.(inv_freq|cos_cached|sin_cached)$/.test(name),
  );
  const others = names.filter((name) => !derived.includes(name));
  const [first] = others;
  if (first !== undefined) {
    const more = others.length > 1 ? ` and ${others.length - 1} more` : '';
    const layer = Number(/\blayers\.(\d+)\./.exec(first)?.[1] ?? -1);
    const why =
      layer >= config.layers
        ? `config.json has num_hidden_layers = ${config.layers}.`
        : first.endsWith('.bias')
          ? `By its config.json a model of type ${config.architecture} has no such bias.`
          : 'The lab does not know what they are for.';
    throw new Error(
      `${label} holds tensors that its model has no place for: ${first}${more}. ${why} Without ` +
        'them the model would compute something else; take one whose files fit its config.json.',
    );
  }
  return derived.length === 0
    ? []
    : [
        `${derived.length} tensors of rotary_emb, such as ${derived[0]}, are passed over: they follow from config.json.`,
      ];
}

/** Model's names by the place of their stored tensors. */
function inOrder(
  names: readonly string[],
  stored: readonly string[],
  storedName: (name: string) => string | undefined,
): string[] {
  const places = new Map(stored.map((name, place) => [name, place]));
  const place = (name: string) => places.get(storedName(name) ?? '') ?? 0;
  return [...names].sort((a, b) => place(a) - place(b));
}

/** Files to read, each with the tensors the index promises in it. */
export async function weightFiles(
  source: Pick<FileSource, 'label' | 'read' | 'size'>,
): Promise<Map<string, string[]>> {
  if ((await source.size(SINGLE)) !== null) return new Map([[SINGLE, []]]);
  const bytes = await source.read(INDEX);
  if (!bytes)
    throw new Error(
      `${source.label} has neither ${SINGLE} nor ${INDEX}. Choose a folder with safetensors weights.`,
    );
  const { value } = parseModelJson(bytes, `${INDEX} of ${source.label}`);
  const index = v.safeParse(IndexJson, value);
  if (!index.success)
    throw new Error(
      `${INDEX} of ${source.label} has no weight_map from tensor names to file names.`,
    );
  const files = new Map<string, string[]>();
  for (const [name, file] of Object.entries(index.output.weight_map)) {
    if (/[/\\]|^\.\.?$/.test(file))
      throw new Error(
        `${INDEX} of ${source.label} names ${JSON.stringify(file)}, which is not a file beside it.`,
      );
    files.set(file, [...(files.get(file) ?? []), name]);
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Names a tensor may be stored under: with or without `model.`; a tied model stores either end of
 * its embedding.
 */
function storedNames(name: string, tied: boolean): string[] {
  const names = [name, name.replace(/^model\./, '')];
  if (tied && name === EMBEDDING) names.push(HEAD);
  if (tied && name === HEAD) names.unshift(EMBEDDING, 'embed_tokens.weight');
  return names;
}

function checkShapes(weights: Weights, tensors: ReturnType<typeof modelTensors>): void {
  for (const { name, shape } of tensors) {
    const stored = weights.tensor(name).shape;
    if (stored.join() !== shape.join()) {
      const why =
        stored.toReversed().join() === shape.join()
          ? 'It is stored transposed.'
          : 'Weights and config.json are of different models.';
      throw new Error(
        `${name} has shape [${stored.join(', ')}], config.json asks for [${shape.join(', ')}]. ${why}`,
      );
    }
  }
}

function ownsBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}
