import { Rng } from '../../lib/rng.ts';
import { modelTensors, parseModelConfig } from '../../model/weights/config.ts';

/** A model small enough for any test: widths that are no multiple of 32, three layers. */
const TINY = {
  model_type: 'qwen2',
  vocab_size: 90,
  hidden_size: 40,
  num_hidden_layers: 3,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  intermediate_size: 72,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
  eos_token_id: 0,
};

const encoder = new TextEncoder();

/**
 * Test support: the files of a seeded model in bf16 over two shards, as transformers writes them.
 * The header of the second has an odd length, as some writers leave it.
 */
export function tinyModel(seed = 1): Map<string, Uint8Array> {
  const rng = new Rng(seed);
  const tensors = modelTensors(parseModelConfig(TINY)).map(({ name, shape }) => {
    const elements = shape.reduce((product, n) => product * n, 1);
    const bits = Uint16Array.from(
      { length: elements },
      () => (rng.next() & 0x8000) | (0x3c00 + (rng.next() & 0x3ff)),
    );
    return { name, shape, bits };
  });
  const half = Math.ceil(tensors.length / 2);
  const shards = [tensors.slice(0, half), tensors.slice(half)];
  const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const weightMap = shards.flatMap((shard, i) =>
    shard.map(({ name }) => [name, names[i]!] as const),
  );
  return new Map<string, Uint8Array>([
    ['config.json', encoder.encode(JSON.stringify(TINY))],
    ['tokenizer.json', encoder.encode('{"model": {"type": "BPE"}}')],
    [
      'model.safetensors.index.json',
      encoder.encode(JSON.stringify({ weight_map: Object.fromEntries(weightMap) })),
    ],
    [names[0]!, shardOf(shards[0]!, 0)],
    [names[1]!, shardOf(shards[1]!, 1)],
    ['README.md', encoder.encode('# Tiny')],
    ['pytorch_model.bin', new Uint8Array(1000)],
  ]);
}

/** @param spaces beyond the multiple of 8 that a header's end is brought to */
function shardOf(
  tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly bits: Uint16Array;
  }[],
  spaces: number,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, shape, bits } of tensors) {
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, offset + bits.byteLength] };
    offset += bits.byteLength;
  }
  const text = JSON.stringify(header);
  const json = encoder.encode(text.padEnd(Math.ceil(text.length / 8) * 8 + spaces));
  const file = new Uint8Array(8 + json.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  let at = 8 + json.length;
  for (const { bits } of tensors) {
    file.set(new Uint8Array(bits.buffer), at);
    at += bits.byteLength;
  }
  return file;
}
