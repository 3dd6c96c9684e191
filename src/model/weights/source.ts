import * as v from 'valibot';
import { modelTensors, type ModelConfig } from './config.ts';
import {
  decodeFloats,
  floatDtype,
  headerEnd,
  parseHeader,
  type FloatDtype,
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
const IndexJson = v.object({ weight_map: v.record(v.string(), v.string()) });

/**
 * Opens model.safetensors, or the shards that model.safetensors.index.json lists, reading the
 * headers only. With `config`, tied embeddings are found under either of their names and every
 * tensor the model needs is checked for presence and shape at once.
 */
export async function openWeights(source: FileSource, config?: ModelConfig): Promise<Weights> {
  const entries = new Map<
    string,
    {
      readonly file: string;
      readonly entry: TensorEntry;
      readonly packed: PackedTensor | undefined;
    }
  >();
  let packed: WeightPrecision | null = null;
  for (const [file, expected] of await weightFiles(source)) {
    const size = await source.size(file);
    if (size === null)
      throw new Error(
        `${source.label} lacks ${file}, which ${INDEX} names. Fetch the model again.`,
      );
    const first = await source.readRange(file, 0, Math.min(8, size));
    const header = parseHeader(
      await source.readRange(file, 0, headerEnd(first, size, file)),
      size,
      file,
    );
    const format = packedFile(header.metadata, header.tensors, file);
    packed = format?.precision ?? packed;
    for (const [name, entry] of [...header.tensors].sort(([, a], [, b]) => a.start - b.start)) {
      entries.set(name, { file, entry, packed: format?.tensors.get(name) });
    }
    for (const name of expected) {
      if (!header.tensors.has(name))
        throw new Error(
          `${file} lacks ${name}, which ${INDEX} places there. Fetch the model again.`,
        );
    }
  }

  const storedName = (name: string) =>
    storedNames(name, config?.tiedEmbeddings ?? false).find((candidate) => entries.has(candidate));
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

  const weights: Weights = {
    names: config
      ? inOrder(
          modelTensors(config).map((t) => t.name),
          [...entries.keys()],
          storedName,
        )
      : [...entries.keys()],
    packed,
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
  if (config) checkShapes(weights, config);
  return weights;
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
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new Error(`${INDEX} of ${source.label} is not JSON. Fetch the model again.`);
  }
  const index = v.safeParse(IndexJson, json);
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
  if (tied && name === 'model.embed_tokens.weight') names.push('lm_head.weight');
  if (tied && name === 'lm_head.weight')
    names.unshift('model.embed_tokens.weight', 'embed_tokens.weight');
  return names;
}

function checkShapes(weights: Weights, config: ModelConfig): void {
  for (const { name, shape } of modelTensors(config)) {
    const stored = weights.tensor(name).shape;
    if (stored.join() !== shape.join()) {
      throw new Error(
        `${name} has shape [${stored.join(', ')}], config.json asks for [${shape.join(', ')}]. ` +
          'Weights and config.json are of different models.',
      );
    }
  }
}

function ownsBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}

/**
 * Files up to this size are fetched whole at their first use and kept: one request instead of one a
 * tensor.
 */
const WHOLE_FILE_BYTES = 16 * 2 ** 20;

/**
 * The files below a URL. Large files are read by Range requests; a server that answers them with
 * the whole file (200) is taken at its word and the file kept. HTML is what development servers
 * send in place of a missing file, so it counts as missing.
 * @param base URL of the folder, absolute
 */
export function httpSource(
  base: string | URL,
  options: { readonly fetch?: typeof fetch; readonly label?: string } = {},
): FileSource {
  const folder = new URL(base);
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  const request = options.fetch ?? fetch;
  const label = options.label ?? folder.href;
  const sizes = new Map<string, Promise<number | null>>();
  const whole = new Map<string, Uint8Array>();

  async function get(path: string, range?: [start: number, end: number]): Promise<Response | null> {
    const headers = range ? { Range: `bytes=${range[0]}-${range[1] - 1}` } : undefined;
    const response = await request(new URL(path, folder), headers ? { headers } : {});
    const html = response.headers.get('content-type')?.startsWith('text/html') ?? false;
    if (response.status === 404 || (response.ok && html)) {
      await response.body?.cancel();
      return null;
    }
    if (!response.ok && response.status !== 416) {
      await response.body?.cancel();
      throw new Error(
        `${path} could not be fetched from ${label}: the server answered ${response.status}. Try again later.`,
      );
    }
    return response;
  }

  async function readWhole(path: string): Promise<Uint8Array | null> {
    const kept = whole.get(path);
    if (kept) return kept;
    const response = await get(path);
    return response && new Uint8Array(await response.arrayBuffer());
  }

  /**
   * Asks for one byte, which tells the size and whether ranges work; keeps what came if it was the
   * whole file.
   */
  async function probe(path: string): Promise<number | null> {
    const response = await get(path, [0, 1]);
    if (!response) return null;
    const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (response.status !== 200 && total !== undefined && Number(total) > WHOLE_FILE_BYTES) {
      await response.body?.cancel();
      return Number(total);
    }
    let bytes: Uint8Array | null;
    if (response.status === 200) bytes = new Uint8Array(await response.arrayBuffer());
    else {
      await response.body?.cancel();
      bytes = await readWhole(path);
    }
    if (bytes) whole.set(path, bytes);
    return bytes?.length ?? null;
  }

  function size(path: string): Promise<number | null> {
    let known = sizes.get(path);
    if (!known) {
      known = probe(path);
      sizes.set(path, known);
      known.catch(() => sizes.delete(path));
    }
    return known;
  }

  return {
    label,
    read: readWhole,
    size,
    async readRange(path, start, end) {
      const total = await size(path);
      if (total === null) throw new Error(`${label} has no file ${path}.`);
      if (end > total)
        throw new Error(`${path} ends at byte ${total}, bytes ${start} to ${end} were asked for.`);
      const kept = whole.get(path);
      if (kept) return kept.subarray(start, end);
      if (start === end) return new Uint8Array(0);
      const response = await get(path, [start, end]);
      const bytes = response && new Uint8Array(await response.arrayBuffer());
      if (bytes?.length === end - start) return bytes;
      throw new Error(
        `${path} came incomplete: ${bytes?.length ?? 0} bytes in place of ${end - start}. Try again.`,
      );
    },
  };
}
