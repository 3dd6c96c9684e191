import type { ModelConfig, Widths } from './config.ts';
import { modelTensors } from './config.ts';
import type { Weights } from './source.ts';

/**
 * Kernels read four values at a time. A model whose widths are no multiples of 4 gets zeros: its
 * hidden state, its feed-forward layer and both halves of its heads are wider on the device, and
 * what is added stays zero through both passes. Norms take their mean over more entries then, which
 * their weight and epsilon make good.
 */
export function isPadded({ stored, ...config }: Widths & { readonly stored: Widths }): boolean {
  return (
    stored.hiddenSize !== config.hiddenSize ||
    stored.headDim !== config.headDim ||
    stored.intermediateSize !== config.intermediateSize
  );
}

/** Epsilon of the norms over the hidden state. */
export function normEps({ rmsNormEps, hiddenSize, stored }: ModelConfig): number {
  return rmsNormEps * (stored.hiddenSize / hiddenSize);
}

/** Epsilon of the norms over query and key heads. */
export function headNormEps({ rmsNormEps, headDim, stored }: ModelConfig): number {
  return rmsNormEps * (stored.headDim / headDim);
}

/** What scores of attention are multiplied by. */
export function attentionScale({ stored }: ModelConfig): number {
  return 1 / Math.sqrt(stored.headDim);
}

/** Frequencies of the padded heads: what is added to a half does not turn. */
export function paddedFrequencies(
  frequencies: readonly number[],
  { headDim }: Widths,
): readonly number[] {
  const added = headDim / 2 - frequencies.length;
  return added === 0 ? frequencies : [...frequencies, ...Array<number>(added).fill(0)];
}

/**
 * Where entry `index` of stacked heads lies when both halves of each are padded; entries of other
 * widths stay.
 */
export function paddedHeadIndex(index: number, { headDim, stored }: ModelConfig): number {
  if (headDim === stored.headDim) return index;
  const head = Math.floor(index / stored.headDim);
  const within = index % stored.headDim;
  const half = stored.headDim / 2;
  return head * headDim + (within < half ? within : within - half + headDim / 2);
}

/** The weights as the device keeps them: themselves, or f32 tensors with zeros between. */
export function paddedWeights(weights: Weights, config: ModelConfig): Weights {
  if (!isPadded(config)) return weights;
  const shapes = new Map(
    modelTensors({ ...config, tiedEmbeddings: false }, config).map((t) => [t.name, t.shape]),
  );
  const shapeOf = (name: string) => shapes.get(name) ?? weights.tensor(name).shape;
  let last: { readonly name: string; readonly data: Promise<Float32Array<ArrayBuffer>> } | null;
  last = null;
  const padded = async (name: string): Promise<Float32Array<ArrayBuffer>> => {
    const data = await weights.readF32(name);
    const [rows = 0, cols = 1] = weights.tensor(name).shape;
    const [outRows = 0, outCols = 1] = shapeOf(name);
    const out = new Float32Array(outRows * outCols);
    const heads = /\.(q|k|v)_proj\.|\.(q|k)_norm\./.test(name);
    const row = (r: number) => (heads ? paddedHeadIndex(r, config) : r);
    const col = (c: number) => (name.includes('.o_proj.weight') ? paddedHeadIndex(c, config) : c);
    const scale = name.endsWith('norm.weight') ? Math.sqrt(rows / outRows) : 1;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < cols; c++) out[row(r) * outCols + col(c)] = scale * data[r * cols + c]!;
    return out;
  };
  const values = (name: string) => {
    if (last?.name !== name) last = { name, data: padded(name) };
    return last.data;
  };
  return {
    ...weights,
    packed: null,
    tensor: (name) => ({ dtype: 'f32', shape: shapeOf(name) }),
    read: async (name, start = 0, end) =>
      new Uint8Array((await values(name)).buffer).slice(start, end),
    readF32: values,
  };
}
