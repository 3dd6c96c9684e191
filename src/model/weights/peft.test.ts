import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { parseModelConfig } from './config.ts';
import { loadFixture } from '../fixtures/load.ts';
import { fromTensors, loraLayout, toTensors } from './lora.ts';
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  readAdapter,
  loraTensorName,
  parseAdapterConfig,
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

describe('parseAdapterConfig', () => {
  test('reads rank, alpha and targets, in the order of the lab', () => {
    expect(parseAdapterConfig(plain)).toEqual({ rank: 8, alpha: 16, targets: ['q', 'v', 'down'] });
  });

  test("takes rsLoRA's scale, α/√r, into α", () => {
    expect(parseAdapterConfig({ ...plain, r: 9, lora_alpha: 4, use_rslora: true })).toMatchObject({
      rank: 9,
      alpha: 12,
    });
  });

  test("reads the whole paths that PEFT's all-linear leaves, one a layer", () => {
    const target_modules = [0, 1].flatMap((layer) => [
      `model.layers.${layer}.mlp.down_proj`,
      `model.layers.${layer}.self_attn.q_proj`,
    ]);
    expect(parseAdapterConfig({ ...plain, target_modules }).targets).toEqual(['q', 'down']);
  });

  test.each([
    [{ use_dora: true }, 'use_dora = true'],
    [{ rank_pattern: { q_proj: 4 } }, 'rank_pattern = {"q_proj":4}'],
    [{ alpha_pattern: { q_proj: 4 } }, 'alpha_pattern = {"q_proj":4}'],
    [{ bias: 'all' }, 'bias = "all"'],
    [{ lora_bias: true }, 'lora_bias = true'],
    [{ modules_to_save: ['lm_head'] }, 'modules_to_save = ["lm_head"]'],
    [{ layers_to_transform: [0, 1] }, 'layers_to_transform = [0,1]'],
    [{ init_lora_weights: 'pissa' }, 'init_lora_weights = "pissa"'],
    [{ peft_type: 'IA3' }, 'peft_type = "IA3"'],
    [{ target_modules: ['q_proj', 'lm_head'] }, 'target_modules = "lm_head"'],
    [{ target_modules: [] }, 'target_modules = []'],
    [{ target_modules: '.*_proj' }, 'target_modules is ".*_proj"'],
    [{ r: 0 }, 'r is 0'],
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
