import type { AdapterTensors, LoraConfig, LoraTarget } from '../weights/adapter.ts';
import { loraTensorName } from '../weights/peft.ts';

/** A model as its files state it: config.json and tensors by name, rows first. */
export interface ReferenceModel {
  readonly json: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<
    string,
    { readonly shape: readonly number[]; readonly data: Float32Array }
  >;
}

/** Radians a position of each pair of dimensions, and the factor of cos and sin. */
export interface Rotations {
  readonly frequencies: readonly number[];
  readonly factor: number;
}

/**
 * Log-probs of ids 1, 2, … given those before, (ids - 1), in double precision and one loop after
 * the other. It reads config.json and the files' tensors by itself and shares no code with what it
 * is compared to.
 */
export function referenceLogprobs(
  model: ReferenceModel,
  rotations: Rotations,
  ids: readonly number[],
  adapter?: { readonly config: LoraConfig; readonly tensors: AdapterTensors },
): number[] {
  const { json, tensors } = model;
  const size = (name: string) => json[name] as number;
  const [d, heads] = [size('hidden_size'), size('num_attention_heads')];
  const kvHeads = size('num_key_value_heads');
  const headDim = (json['head_dim'] as number | undefined) ?? d / heads;
  const eps = size('rms_norm_eps');
  const data = (name: string) => tensors.get(name)?.data ?? null;

  /** y = W x + b + (α/r) B A x. */
  const linear = (name: string, x: readonly number[], lora?: [number, LoraTarget]): number[] => {
    const weight = data(`${name}.weight`)!;
    const bias = data(`${name}.bias`);
    const rows = weight.length / x.length;
    const low = lora && adapter?.tensors.get(loraTensorName(...lora, 'A'))?.data;
    const high = lora && adapter?.tensors.get(loraTensorName(...lora, 'B'))?.data;
    const rank = adapter?.config.rank ?? 0;
    const dot = (w: Float32Array, row: number, v: readonly number[]) =>
      v.reduce((sum, value, i) => sum + w[row * v.length + i]! * value, 0);
    const hidden = low ? Array.from({ length: rank }, (_, r) => dot(low, r, x)) : [];
    return Array.from({ length: rows }, (_, row) => {
      const added = high ? ((adapter?.config.alpha ?? 0) / rank) * dot(high, row, hidden) : 0;
      return dot(weight, row, x) + (bias?.[row] ?? 0) + added;
    });
  };
  const norm = (name: string, x: readonly number[]): number[] => {
    const weight = data(name)!;
    const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    return x.map((value, i) => (value / Math.sqrt(mean + eps)) * weight[i]!);
  };
  const headsOf = (x: readonly number[]) =>
    Array.from({ length: x.length / headDim }, (_, h) => x.slice(h * headDim, (h + 1) * headDim));
  const turned = (x: readonly number[], position: number): number[] => {
    const half = headDim / 2;
    return x.map((value, i) => {
      const angle = position * rotations.frequencies[i % half]!;
      const other = i < half ? -x[i + half]! : x[i - half]!;
      return rotations.factor * (value * Math.cos(angle) + other * Math.sin(angle));
    });
  };
  const softmax = (x: readonly number[]) => {
    const largest = Math.max(...x);
    const e = x.map((value) => Math.exp(value - largest));
    const sum = e.reduce((a, b) => a + b, 0);
    return e.map((value) => value / sum);
  };

  const embedding = data('model.embed_tokens.weight')!;
  let states = ids.map((id) => [...embedding.subarray(id * d, (id + 1) * d)]);
  for (let l = 0; l < size('num_hidden_layers'); l++) {
    const at = `model.layers.${l}`;
    const normed = states.map((x) => norm(`${at}.input_layernorm.weight`, x));
    const projected = (p: 'q' | 'k' | 'v') =>
      normed.map((x) =>
        headsOf(linear(`${at}.self_attn.${p}_proj`, x, [l, p])).map((head) =>
          p !== 'v' && tensors.has(`${at}.self_attn.${p}_norm.weight`)
            ? norm(`${at}.self_attn.${p}_norm.weight`, head)
            : head,
        ),
      );
    const rotate = (rows: number[][][]) => rows.map((row, t) => row.map((h) => turned(h, t)));
    const [q, k, v] = [rotate(projected('q')), rotate(projected('k')), projected('v')];
    states = states.map((x, t) => {
      const mixed = q[t]!.flatMap((query, h) => {
        const kv = Math.floor(h / (heads / kvHeads));
        const weights = softmax(
          k
            .slice(0, t + 1)
            .map((row) => row[kv]!.reduce((s, y, i) => s + y * query[i]!, 0) / Math.sqrt(headDim)),
        );
        return Array.from({ length: headDim }, (_, i) =>
          weights.reduce((sum, w, s) => sum + w * v[s]![kv]![i]!, 0),
        );
      });
      const o = linear(`${at}.self_attn.o_proj`, mixed, [l, 'o']);
      return x.map((value, i) => value + o[i]!);
    });
    states = states.map((x) => {
      const y = norm(`${at}.post_attention_layernorm.weight`, x);
      const gate = linear(`${at}.mlp.gate_proj`, y, [l, 'gate']);
      const up = linear(`${at}.mlp.up_proj`, y, [l, 'up']);
      const act = gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!);
      const down = linear(`${at}.mlp.down_proj`, act, [l, 'down']);
      return x.map((value, i) => value + down[i]!);
    });
  }
  const head = tensors.has('lm_head.weight') ? 'lm_head' : 'model.embed_tokens';
  return states
    .slice(0, -1)
    .map((x, t) => Math.log(softmax(linear(head, norm('model.norm.weight', x)))[ids[t + 1]!]!));
}
