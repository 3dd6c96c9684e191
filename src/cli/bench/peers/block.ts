import { normals } from '../../../kernels/reference-helpers.ts';
import { writeSafetensors } from '../../../model/weights/safetensors.ts';
import type { FileSource } from '../../../model/weights/source.ts';

/** One Qwen2 block over one causal sequence. */
export interface BlockShape {
  readonly rows: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
}

export const BLOCK_EPS = 1e-6;
export const BLOCK_THETA = 10_000;
export const BLOCK_LORA = { rank: 16, alpha: 32 } as const;

/** The projections of a block: inputs, outputs, and whether there is a bias. */
export function projections(shape: BlockShape) {
  const q = shape.heads * shape.headDim;
  const kv = shape.kvHeads * shape.headDim;
  return {
    q: { inputs: shape.width, outputs: q, module: 'self_attn.q_proj', bias: true },
    k: { inputs: shape.width, outputs: kv, module: 'self_attn.k_proj', bias: true },
    v: { inputs: shape.width, outputs: kv, module: 'self_attn.v_proj', bias: true },
    o: { inputs: q, outputs: shape.width, module: 'self_attn.o_proj', bias: false },
    gate: {
      inputs: shape.width,
      outputs: shape.intermediate,
      module: 'mlp.gate_proj',
      bias: false,
    },
    up: { inputs: shape.width, outputs: shape.intermediate, module: 'mlp.up_proj', bias: false },
    down: {
      inputs: shape.intermediate,
      outputs: shape.width,
      module: 'mlp.down_proj',
      bias: false,
    },
  } as const;
}
export type ProjectionName = keyof ReturnType<typeof projections>;
export const PROJECTIONS: readonly ProjectionName[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];

/**
 * Numbers of one block: weights (outputs, inputs), LoRA's A (rank, inputs) and B (outputs, rank),
 * input and output gradient.
 */
export interface BlockNumbers {
  readonly norm1: Float32Array;
  readonly norm2: Float32Array;
  readonly weight: Readonly<Record<ProjectionName, Float32Array>>;
  readonly bias: Readonly<Partial<Record<ProjectionName, Float32Array>>>;
  readonly a: Readonly<Record<ProjectionName, Float32Array>>;
  readonly b: Readonly<Record<ProjectionName, Float32Array>>;
  readonly x: Float32Array;
  readonly dy: Float32Array;
}

/** Drawn so that activations stay near 1 and attention is not flat. */
export function drawBlock(shape: BlockShape): BlockNumbers {
  const normal = normals(shape.rows, shape.width);
  const all = projections(shape);
  const each = <T>(make: (name: ProjectionName) => T) =>
    Object.fromEntries(PROJECTIONS.map((name) => [name, make(name)])) as Record<ProjectionName, T>;
  const near1 = () => normal(shape.width, 0.1).map((value) => 1 + value);
  return {
    norm1: near1(),
    norm2: near1(),
    weight: each((name) =>
      normal(all[name].inputs * all[name].outputs, 1 / Math.sqrt(all[name].inputs)),
    ),
    bias: Object.fromEntries(
      PROJECTIONS.filter((name) => all[name].bias).map((name) => [name, normal(all[name].outputs)]),
    ),
    a: each((name) => normal(BLOCK_LORA.rank * all[name].inputs, 1 / Math.sqrt(all[name].inputs))),
    b: each((name) => normal(all[name].outputs * BLOCK_LORA.rank, 0.1)),
    x: normal(shape.rows * shape.width),
    dy: normal(shape.rows * shape.width),
  };
}

const VOCABULARY = 64;

/** The block as the files of a model of one layer. */
export function blockModel(shape: BlockShape, numbers: BlockNumbers): FileSource {
  const all = projections(shape);
  const layer = 'model.layers.0.';
  const tensors: [string, { shape: readonly number[]; data: Float32Array }][] = [
    [
      'model.embed_tokens.weight',
      { shape: [VOCABULARY, shape.width], data: normals(1)(VOCABULARY * shape.width) },
    ],
    [`${layer}input_layernorm.weight`, { shape: [shape.width], data: numbers.norm1 }],
    [`${layer}post_attention_layernorm.weight`, { shape: [shape.width], data: numbers.norm2 }],
    ['model.norm.weight', { shape: [shape.width], data: numbers.norm2 }],
  ];
  for (const name of PROJECTIONS) {
    const { inputs, outputs, module } = all[name];
    tensors.push([
      `${layer}${module}.weight`,
      { shape: [outputs, inputs], data: numbers.weight[name] },
    ]);
    const bias = numbers.bias[name];
    if (bias) tensors.push([`${layer}${module}.bias`, { shape: [outputs], data: bias }]);
  }
  const config = {
    model_type: 'qwen2',
    vocab_size: VOCABULARY,
    hidden_size: shape.width,
    num_hidden_layers: 1,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    intermediate_size: shape.intermediate,
    max_position_embeddings: Math.max(1024, shape.rows),
    rms_norm_eps: BLOCK_EPS,
    rope_theta: BLOCK_THETA,
    tie_word_embeddings: true,
  };
  const files = new Map([
    ['config.json', new TextEncoder().encode(JSON.stringify(config))],
    ['model.safetensors', writeSafetensors(tensors)],
  ]);
  return {
    label: 'the block',
    read: async (path) => files.get(path) ?? null,
    size: async (path) => files.get(path)?.length ?? null,
    readRange: async (path, start, end) => {
      const file = files.get(path);
      if (!file || end > file.length)
        throw new Error(`The block has no bytes ${start} to ${end} of ${path}.`);
      return file.slice(start, end);
    },
  };
}
