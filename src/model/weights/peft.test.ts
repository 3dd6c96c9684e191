import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { parseModelConfig } from './config.ts';
import { loadFixture } from '../fixtures/load.ts';
import { fromTensors, loraLayout, toTensors } from './lora.ts';
import { LORA_TARGETS, type LoraTarget } from './adapter.ts';
import { ADAPTER_CONFIG, moduleName, parseAdapterConfig } from './peft-config.ts';
import {
  ADAPTER_WEIGHTS,
  readAdapter,
  loraTensorName,
  projectionSize,
  writeAdapter,
  type Adapter,
} from './peft.ts';
import { parseHeader, readSafetensors, writeSafetensors } from './safetensors.ts';
import { SHAPES } from './shapes.ts';
import type { FileSource } from './source.ts';

function files(contents: Record<string, Uint8Array | string>): FileSource {
  const get = (path: string) => {
    const file = contents[path];
    return typeof file === 'string' ? new TextEncoder().encode(file) : (file ?? null);
  };
  return {
    label: 'the adapter folder',
    read: (path) => Promise.resolve(get(path)),
    size: (path) => Promise.resolve(get(path)?.length ?? null),
    readRange: () => Promise.reject(new Error('not asked for')),
  };
}

const plain = {
  peft_type: 'LORA',
  r: 8,
  lora_alpha: 16,
  lora_dropout: 0.05,
  target_modules: ['v_proj', 'self_attn.q_proj', 'down_proj'],
  bias: 'none',
  rank_pattern: {},
  alpha_pattern: {},
  modules_to_save: null,
  use_dora: false,
  use_rslora: false,
};

/** What a configuration says of the first layer's projections. */
function rulesOf(change: object, layer = 0) {
  const rules = parseAdapterConfig({ ...plain, ...change });
  return LORA_TARGETS.filter((target) => rules.hasAdapter(moduleName(layer, target))).map(
    (target): [string, number, number] => {
      const module = moduleName(layer, target);
      return [target, rules.rankOf(module), rules.alphaOf(module)];
    },
  );
}
const targetsOf = (change: object, layer = 0) =>
  rulesOf(change, layer)
    .map(([target]) => target)
    .join(' ');

describe('parseAdapterConfig', () => {
  test('reads rank, alpha and targets', () => {
    expect(rulesOf({})).toEqual([
      ['q', 8, 16],
      ['v', 8, 16],
      ['down', 8, 16],
    ]);
  });

  test("takes rsLoRA's scale, α/√r, into α", () => {
    expect(rulesOf({ r: 9, lora_alpha: 4, use_rslora: true })[0]).toEqual(['q', 9, 12]);
    const pattern = { use_rslora: true, lora_alpha: 4, rank_pattern: { q_proj: 16 } };
    expect(rulesOf(pattern)[0]).toEqual(['q', 16, 16]);
  });

  test.each<[object, string, string]>([
    [{ target_modules: ['q_proj', 'mlp.up_proj'] }, 'q up', 'q up'],
    [{ target_modules: ['model.layers.1.self_attn.q_proj', '0.mlp.up_proj'] }, 'up', 'q'],
    [{ target_modules: 'all-linear' }, 'q k v o gate up down', 'q k v o gate up down'],
    [
      { target_modules: 'ALL-LINEAR', exclude_modules: ['mlp.up_proj', 'v_proj'] },
      'q k o gate down',
      'q k o gate down',
    ],
    [{ target_modules: '.*\\.(q|v)_proj' }, 'q v', 'q v'],
    [{ target_modules: 'model\\.layers\\.[1-9]\\d*\\.mlp\\..*' }, '', 'gate up down'],
    [
      { target_modules: '(?P<all>.*)_proj', exclude_modules: '.*self_attn.*' },
      'gate up down',
      'gate up down',
    ],
    [{ target_modules: ['q_proj'], layers_to_transform: 1 }, '', 'q'],
    [{ target_modules: ['q_proj'], layers_to_transform: [0], layers_pattern: 'layers' }, 'q', ''],
    [{ target_modules: ['q_proj'], layers_to_transform: [0], layers_pattern: ['blocks'] }, '', ''],
    [{ target_modules: ['q_proj'], layers_to_transform: [] }, 'q', 'q'],
  ])('%j targets %s in the first layer and %s in the second', (change, first, second) => {
    expect([targetsOf(change, 0), targetsOf(change, 1)]).toEqual([first, second]);
  });

  test('patterns of rank and alpha are matched at the end of a name, the first one counts', () => {
    const change = {
      target_modules: ['q_proj', 'k_proj', 'v_proj'],
      rank_pattern: { 'layers.0.self_attn.q_proj': 2, '[qk]_proj': 4, roj: 9 },
      alpha_pattern: { '^model.layers.0.self_attn.v_proj': 3 },
    };
    expect(rulesOf(change)).toEqual([
      ['q', 2, 16],
      ['k', 4, 16],
      ['v', 8, 3],
    ]);
    expect(rulesOf(change, 10)).toEqual([
      ['q', 4, 16],
      ['k', 4, 16],
      ['v', 8, 16],
    ]);
  });

  test.each([
    [{ use_dora: true }, 'use_dora = true'],
    [{ rank_pattern: { q_proj: 0 } }, 'rank_pattern.q_proj is 0'],
    [{ alpha_pattern: { q_proj: -1 } }, 'alpha_pattern.q_proj is -1'],
    [{ rank_pattern: { '(': 4 } }, 'rank_pattern = "("'],
    [{ target_modules: '(?i)q_proj' }, 'target_modules = "(?i)q_proj"'],
    [{ target_modules: '.*+q_proj' }, 'target_modules = ".*+q_proj"'],
    [{ bias: 'all' }, 'bias = "all"'],
    [{ lora_bias: true }, 'lora_bias = true'],
    [{ fan_in_fan_out: true }, 'fan_in_fan_out = true'],
    [{ modules_to_save: ['lm_head'] }, 'modules_to_save = ["lm_head"]'],
    [{ layers_to_transform: [0, 1], target_modules: '.*' }, 'layers_to_transform = [0,1]'],
    [{ init_lora_weights: 'pissa' }, 'init_lora_weights = "pissa"'],
    [{ use_newlora: true }, 'use_newlora = true'],
    [{ arrow_config: { top_k: 3 } }, 'arrow_config = {"top_k":3}'],
    [{ peft_type: 'IA3' }, 'peft_type = "IA3"'],
    [{ target_modules: ['q_proj', 'lm_head'] }, 'target_modules = "lm_head"'],
    [{ target_modules: [] }, 'target_modules = []'],
    [{ r: 0 }, 'r is 0'],
    [{ lora_alpha: 0 }, 'lora_alpha is 0'],
    [{ lora_alpha: -5 }, 'lora_alpha is -5'],
    [{ lora_alpha: NaN }, 'lora_alpha is NaN'],
    [{ lora_alpha: Infinity }, 'lora_alpha is Infinity'],
  ])('refuses %j and names the field with its value', (change, sentence) => {
    expect(() => parseAdapterConfig({ ...plain, ...change })).toThrow(sentence);
  });
});

describe('adapter files', () => {
  const written = ({ config, tensors }: Adapter) =>
    files(writeAdapter({ config, tensors }, 'qwen2-tiny'));

  test('what is written reads back to the same tensors and settings', async () => {
    const { adapter, config } = await loadFixture('qwen2-tiny');
    const back = await readAdapter(written(adapter), config);
    expect(back.config).toEqual(adapter.config);
    expect(new Map([...back.tensors].sort())).toEqual(new Map([...adapter.tensors].sort()));
  });

  test('the folder that PEFT wrote is read, against its own model only', async () => {
    const { adapter, config, folder } = await loadFixture('llama-tiny');
    const read = await readAdapter(folderSource(join(folder, 'adapter')), config);
    expect(read).toEqual(adapter);
    const other = await loadFixture('qwen2-tiny');
    await expect(readAdapter(folderSource(join(folder, 'adapter')), other.config)).rejects.toThrow(
      'q_proj.lora_A.weight has shape [4, 48], expected [4, 64]',
    );
    await expect(
      readAdapter(folderSource(join(folder, 'adapter')), { ...config, layers: 1 }),
    ).rejects.toThrow('not expected');
    await expect(
      readAdapter(folderSource(join(folder, 'adapter')), { ...config, layers: 3 }),
    ).rejects.toThrow('lacks base_model.model.model.layers.2');
  });

  test('a missing factor, a wrong rank and a missing file are refused', async () => {
    const { adapter } = await loadFixture('qwen2-tiny');
    const name = loraTensorName(1, 'gate', 'B');
    const without = new Map(adapter.tensors);
    without.delete(name);
    expect(() => writeAdapter({ ...adapter, tensors: without }, null)).toThrow(
      `The adapter lacks ${name}`,
    );
    expect(() =>
      writeAdapter({ ...adapter, config: { ...adapter.config, rank: 5 } }, null),
    ).toThrow('expected [5, 64]');
    const good = writeAdapter(adapter, null);
    await expect(readAdapter(files({ [ADAPTER_CONFIG]: good[ADAPTER_CONFIG] }))).rejects.toThrow(
      `has no ${ADAPTER_WEIGHTS}`,
    );
    await expect(readAdapter(files({ [ADAPTER_WEIGHTS]: good[ADAPTER_WEIGHTS] }))).rejects.toThrow(
      `has no ${ADAPTER_CONFIG}`,
    );
    const foreign = writeSafetensors([
      ...adapter.tensors,
      ['lm_head.weight', { shape: [1], data: new Float32Array(1) }],
    ]);
    await expect(readAdapter(files({ ...good, [ADAPTER_WEIGHTS]: foreign }))).rejects.toThrow(
      'not expected: lm_head.weight',
    );
  });
});

describe('adapters whose modules differ', () => {
  /** Factors of a module filled with one value each, for a model of width 8. */
  const pair = (layer: number, target: LoraTarget, rank: number, value: number) => {
    const { inputs, outputs } = projectionSize(small, target);
    const full = (shape: number[]) => ({
      shape,
      data: new Float32Array(shape[0]! * shape[1]!).fill(value),
    });
    return [
      [loraTensorName(layer, target, 'A'), full([rank, inputs])],
      [loraTensorName(layer, target, 'B'), full([outputs, rank])],
    ] as const;
  };
  const small = parseModelConfig({
    ...{ model_type: 'llama', vocab_size: 5, hidden_size: 8, num_hidden_layers: 2 },
    ...{ num_attention_heads: 2, intermediate_size: 12, max_position_embeddings: 16 },
  });
  const folder = (
    change: object,
    tensors: Iterable<readonly [string, { shape: number[]; data: Float32Array }]>,
  ) =>
    files({
      [ADAPTER_CONFIG]: JSON.stringify({ ...plain, ...change }),
      [ADAPTER_WEIGHTS]: writeSafetensors(tensors),
    });
  /** (α/r) B A of a module, which is what it adds to its weights. */
  const product = ({ config, tensors }: Adapter, layer: number, target: LoraTarget) => {
    const a = tensors.get(loraTensorName(layer, target, 'A'))!;
    const b = tensors.get(loraTensorName(layer, target, 'B'))!;
    const [rank, width] = a.shape as [number, number];
    expect(rank).toBe(config.rank);
    return Array.from({ length: b.shape[0]! * width }, (_, i) => {
      const [row, col] = [Math.floor(i / width), i % width];
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += b.data[row * rank + r]! * a.data[r * width + col]!;
      return (config.alpha / rank) * sum;
    });
  };

  test('ranks and alphas of patterns end in one rank and one scale with the same products', async () => {
    const read = await readAdapter(
      folder(
        {
          ...{ r: 2, lora_alpha: 4, target_modules: ['q_proj', 'up_proj'] },
          ...{ rank_pattern: { 'layers.1.self_attn.q_proj': 6 }, alpha_pattern: { up_proj: 5 } },
        },
        [
          ...pair(0, 'q', 2, 3),
          ...pair(1, 'q', 6, 3),
          ...pair(0, 'up', 2, 3),
          ...pair(1, 'up', 2, 3),
        ],
      ),
      small,
    );
    expect(read.config.rank).toBe(6);
    expect(read.config.targets).toEqual(['q', 'up']);
    // α/r times r ranks of 3 · 3 each.
    for (const [layer, target, expected] of [
      [0, 'q', (4 / 2) * 2 * 9],
      [1, 'q', (4 / 6) * 6 * 9],
      [0, 'up', (5 / 2) * 2 * 9],
      [1, 'up', (5 / 2) * 2 * 9],
    ] as const)
      for (const value of product(read, layer, target)) expect(value).toBeCloseTo(expected, 5);
  });

  test('layers without an adapter get one of zeros, and the model says how many there are', async () => {
    const read = await readAdapter(
      folder({ target_modules: ['q_proj'], r: 1, layers_to_transform: [0] }, pair(0, 'q', 1, 2)),
      small,
    );
    expect(read.config).toEqual({ rank: 1, alpha: 16, targets: ['q'] });
    expect(new Set(product(read, 0, 'q'))).toEqual(new Set([64]));
    expect(new Set(product(read, 1, 'q'))).toEqual(new Set([0]));
    expect([...read.tensors.keys()]).toHaveLength(4);
  });

  test("names with the adapter's own, or without PEFT's wrapping, are known", async () => {
    const named = [...pair(0, 'q', 8, 1), ...pair(1, 'q', 8, 1)].map(
      ([name, tensor]) => [name.replace('.weight', '.default.weight'), tensor] as const,
    );
    const bare = [...pair(0, 'q', 8, 1), ...pair(1, 'q', 8, 1)].map(
      ([name, tensor]) => [name.replace('base_model.model.model.', 'model.'), tensor] as const,
    );
    const change = { target_modules: ['q_proj'] };
    const plainNames = await readAdapter(
      folder(change, [...pair(0, 'q', 8, 1), ...pair(1, 'q', 8, 1)]),
      small,
    );
    expect(await readAdapter(folder(change, named), small)).toEqual(plainNames);
    expect(await readAdapter(folder(change, bare), small)).toEqual(plainNames);
    await expect(readAdapter(folder(change, [...named, ...bare]), small)).rejects.toThrow(
      'under two names',
    );
  });

  test.each([NaN, Infinity, -Infinity])('%s among the values is refused', async (value) => {
    const tensors = [...pair(0, 'q', 8, 1), ...pair(1, 'q', 8, value)];
    await expect(
      readAdapter(folder({ target_modules: ['q_proj'] }, tensors), small),
    ).rejects.toThrow(`holds ${value} in base_model.model.model.layers.1.self_attn.q_proj.lora_A`);
  });

  test('tensors of other tuners are refused by what they are', async () => {
    const tensors = [...pair(0, 'q', 8, 1), ...pair(1, 'q', 8, 1)];
    const extra = (name: string) =>
      readAdapter(
        folder({ target_modules: ['q_proj'] }, [
          ...tensors,
          [name, { shape: [1], data: Float32Array.of(1) }],
        ]),
        small,
      );
    await expect(
      extra('base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector'),
    ).rejects.toThrow('of DoRA');
    await expect(extra('base_model.model.model.norm.weight')).rejects.toThrow('modules_to_save');
    await expect(extra('base_model.model.lm_head.lora_A.weight')).rejects.toThrow('output head');
  });
});

const published = join(
  import.meta.dirname,
  '../../../../shared/data/lora/qwen2.5-0.5b-instruct-r8-qv',
);
if (!existsSync(published))
  console.warn('Skipped: the published adapter is not in ../shared/data/lora.');
describe.skipIf(!existsSync(published))('the published Qwen2.5-0.5B-Instruct adapter', () => {
  test("goes into the flat vector of that model's layout and comes out to the byte", async () => {
    const model = parseModelConfig(SHAPES['qwen2.5-0.5b']);
    const { config, tensors } = await readAdapter(folderSource(published), model);
    const layout = loraLayout(model, config);
    const flat = fromTensors(layout, tensors);
    expect(flat.length).toBe(layout.words);
    const out = toTensors(layout, flat);
    expect([...out.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { shape, data }] of tensors) {
      expect(out.get(name)?.shape).toEqual(shape);
      expect(
        Buffer.compare(Buffer.from(out.get(name)!.data.buffer), Buffer.from(data.buffer)),
        name,
      ).toBe(0);
    }
    const larger = parseModelConfig(SHAPES['qwen2.5-coder-1.5b']);
    await expect(readAdapter(folderSource(published), larger)).rejects.toThrow(
      'The adapter is for another model or rank',
    );
  });

  test('is read, and exported again with equal tensors', async () => {
    const adapter = await readAdapter(folderSource(published));
    expect(adapter.config).toEqual({ rank: 8, alpha: 16, targets: ['q', 'v'] });
    expect(adapter.tensors.size).toBe(96);
    expect(adapter.tensors.get(loraTensorName(23, 'v', 'B'))?.shape).toEqual([128, 8]);

    const original = new Uint8Array(readFileSync(join(published, ADAPTER_WEIGHTS)));
    const exported = writeAdapter(adapter, 'Qwen/Qwen2.5-0.5B-Instruct')[ADAPTER_WEIGHTS];
    const [before, after] = [
      readSafetensors(original, 'original'),
      readSafetensors(exported, 'exported'),
    ];
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    for (const [name, tensor] of before) expect(after.get(name)).toEqual(tensor);
    expect(
      parseHeader(exported, exported.length, 'exported').tensors.get(loraTensorName(0, 'q', 'A'))
        ?.dtype,
    ).toBe('F32');
  });
});
