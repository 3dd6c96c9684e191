import type { ModelConfig } from '../../model/weights/config.ts';

/**
 * Floating-point operations of passes over packed rows, a multiplication and an addition counting
 * two. `useful` is what the mathematics asks for: forward, gradients of inputs, gradients of LoRA
 * pairs (frozen weights have none). `computed` adds what is computed again: each layer's forward in
 * the backward pass (the last product of a layer aside), and the scores of attention in its two
 * backward kernels.
 */
export interface Flops {
  readonly useful: number;
  readonly computed: number;
}

export interface Work {
  /** Rows of the pass: tokens, a shared prompt once. */
  readonly rows: number;
  /** Pairs of a row and a row that it attends to. */
  readonly pairs: number;
  /** Tokens whose logits are computed. */
  readonly predicted: number;
}

/** `samples` completions after one shared prompt, as they are packed for training. */
export function groupWork(prompt: number, completion: number, samples: number): Work {
  const own = completion - 1; // the last token is only predicted
  return {
    rows: prompt + samples * own,
    pairs: (prompt * (prompt + 1)) / 2 + samples * (own * prompt + (own * (own + 1)) / 2),
    predicted: samples * completion,
  };
}

/** Outputs and inputs of a layer's four fused products, and the projections each one stacks. */
function products(config: ModelConfig) {
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  return {
    qkv: { outputs: q + 2 * kv, inputs: config.hiddenSize, parts: 3 },
    o: { outputs: config.hiddenSize, inputs: q, parts: 1 },
    gateUp: { outputs: 2 * config.intermediateSize, inputs: config.hiddenSize, parts: 2 },
    down: { outputs: config.hiddenSize, inputs: config.intermediateSize, parts: 1 },
  };
}

/** Forward pass without an adapter, no head. */
export function layersFlops(
  config: ModelConfig,
  { rows, pairs }: Pick<Work, 'rows' | 'pairs'>,
): number {
  const weights = Object.values(products(config)).reduce(
    (sum, { outputs, inputs }) => sum + outputs * inputs,
    0,
  );
  return config.layers * (2 * rows * weights + 4 * config.headDim * config.heads * pairs);
}

/**
 * A training step: forward, head with its gradient, backward to the adapter of `rank` on all
 * linears.
 */
export function trainFlops(config: ModelConfig, work: Work, rank: number): Flops {
  const { rows, pairs, predicted } = work;
  const all = products(config);
  const frozen = layersFlops(config, { rows, pairs: 0 });
  const { qkv, down } = all;
  const lora = (size: number) => 2 * rows * rank * size;
  const pairs4 =
    config.layers *
    lora(
      Object.values(all).reduce(
        (sum, { outputs, inputs, parts }) => sum + parts * inputs + outputs,
        0,
      ),
    );
  // one of its products
  const attention = config.layers * 2 * config.headDim * config.heads * pairs;
  const head = 2 * predicted * config.hiddenSize * config.vocabSize;
  // The first layer's input needs no gradient: neither through its weights nor through LoRA's A.
  const firstInput = 2 * rows * qkv.outputs * qkv.inputs + lora(qkv.parts * qkv.inputs);
  const useful = 2 * frozen - firstInput + 3 * pairs4 + (2 + 4) * attention + 2 * head;
  // A layer's last product, and LoRA's B beside it, are not computed again.
  const again =
    frozen + pairs4 - config.layers * (2 * rows * down.outputs * down.inputs + lora(down.outputs));
  return { useful, computed: useful + again + (2 + 3) * attention };
}
