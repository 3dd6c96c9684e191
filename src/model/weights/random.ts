import { f32ToBf16, f32ToF16 } from '../../lib/float16.ts';
import { hash32 } from '../../lib/rng.ts';
import type { ModelConfig } from './config.ts';
import type { FloatDtype } from './safetensors.ts';

/** A normal distribution. */
export interface Spread {
  readonly mean: number;
  readonly std: number;
}

/**
 * Standard deviation of a position's logits in nats: between a flat distribution and one with a
 * single likely token.
 */
const LOGITS = 2.5;
/**
 * Of a query's and a key's entries, so that the scores of a query spread by about 1.6 nats:
 * attention neither flat nor one-hot.
 */
const QUERY_KEY = 1.25;
/** Root mean square that all blocks together add to the residual stream. */
const BLOCKS = 0.75;

/**
 * How the entries of one tensor of modelTensors (config.ts) are distributed in a random model that
 * computes like a trained one: every part of it shows in its log-probs and gradients, and rounding
 * errors do not grow from layer to layer.
 */
export function randomSpread(config: ModelConfig, name: string): Spread {
  const { hiddenSize, intermediateSize, layers } = config;
  const centred = (std: number): Spread => ({ mean: 0, std });
  const tensor = /(\w+)\.(weight|bias)$/.exec(name);
  const [part, kind] = [tensor?.[1] ?? name, tensor?.[2] ?? ''];
  if (kind === 'bias') return centred(0.3);
  // What one of the two branches of a layer adds; inputs of o and down have a root mean square of
  // about a half.
  const branch = BLOCKS / Math.sqrt(2 * layers);
  switch (part) {
    case 'embed_tokens':
    case 'lm_head':
      return centred(LOGITS / Math.sqrt(hiddenSize));
    case 'q_proj':
    case 'k_proj':
      return centred(QUERY_KEY / Math.sqrt(hiddenSize));
    case 'v_proj':
    case 'gate_proj':
    case 'up_proj':
      return centred(1 / Math.sqrt(hiddenSize));
    case 'o_proj':
      return centred((2 * branch) / Math.sqrt(config.heads * config.headDim));
    case 'down_proj':
      return centred((2 * branch) / Math.sqrt(intermediateSize));
    case 'q_norm':
    case 'k_norm':
      return { mean: QUERY_KEY, std: 0.1 };
    case 'input_layernorm':
    case 'post_attention_layernorm':
    case 'norm':
      return { mean: 1, std: 0.1 };
    default:
      throw new Error(`Nothing is known of how ${name} should be drawn.`);
  }
}

/**
 * Distinct values of a tensor: the middles of so many equally likely intervals of its normal
 * distribution.
 */
const QUANTILES = 65_536;

/** The largest power of two that keeps a piece at 8 MiB or less as f32. */
const PIECE = 2 ** 21;

/**
 * The entries of one tensor as stored, piece by piece; they depend on seed and name alone. The
 * buffer is used again for the next piece. Two entries come from a 32-bit hash, each an index into
 * a table of encoded quantiles, so that drawing costs about as much as writing.
 */
export function* randomTensor(
  seed: number,
  name: string,
  count: number,
  spread: Spread,
  dtype: FloatDtype,
): Generator<Uint8Array> {
  const table = quantileTable(spread, dtype);
  const out =
    dtype === 'f32'
      ? new Float32Array(Math.min(PIECE, count))
      : new Uint16Array(Math.min(PIECE, count));
  const text = [...new TextEncoder().encode(name)];
  const [before, between] = [hash32(seed, ...text, 0), hash32(seed, ...text, 1)];
  for (let start = 0; start < count; start += PIECE) {
    const size = Math.min(PIECE, count - start);
    for (let i = 0; i < size; i += 2) {
      // MurmurHash3's finaliser over the pair's number, with the tensor's two keys mixed in.
      let h = ((start + i) >>> 1) ^ before;
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) ^ between;
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      h ^= h >>> 16;
      out[i] = table[h & 0xffff] as number;
      if (i + 1 < size) out[i + 1] = table[h >>> 16] as number;
    }
    yield new Uint8Array(out.buffer, 0, size * out.BYTES_PER_ELEMENT);
  }
}

/** The quantiles of a normal distribution in the bits of a type (f32: the values themselves). */
function quantileTable({ mean, std }: Spread, dtype: FloatDtype): Float32Array | Uint16Array {
  const values = Float32Array.from(
    { length: QUANTILES },
    (_, i) => mean + std * normalQuantile((i + 0.5) / QUANTILES),
  );
  if (dtype === 'f32') return values;
  return Uint16Array.from(values, dtype === 'f16' ? f32ToF16 : f32ToBf16);
}

/** Winitzki's approximation of the inverse error function, within 0.4 %. */
function normalQuantile(p: number): number {
  const x = 2 * p - 1;
  const a = 0.147;
  const log = Math.log(1 - x * x);
  const term = 2 / (Math.PI * a) + log / 2;
  return Math.sign(x) * Math.SQRT2 * Math.sqrt(Math.sqrt(term * term - log / a) - term);
}
