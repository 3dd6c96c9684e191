import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readAdapter } from '../model/weights/peft.ts';
import { BrowserAdapters } from './browser/opfs-adapters.ts';
import { memoryOpfs } from './testing/memory-opfs.ts';

const folder = new URL('../model/fixtures/qwen2-tiny/adapter/', import.meta.url);
const file = (name: string, prefix = '') => ({
  path: prefix + name,
  file: new Blob([new Uint8Array(readFileSync(new URL(name, folder)))]),
});
const files = (prefix = '') => [
  file('adapter_config.json', prefix),
  file('adapter_model.safetensors', prefix),
];

describe('imported adapters', () => {
  it('are kept under a name of their own, described, read back and deleted', async () => {
    const adapters = new BrowserAdapters(memoryOpfs());
    const first = await adapters.add('mine', files());
    const second = await adapters.add('mine', files('a/folder/'));
    expect([first.id, second.id]).toEqual(['imported/mine', 'imported/mine-2']);
    expect(await adapters.list()).toEqual([first, second]);
    const original = await readAdapter({
      label: 'fixture',
      read: async (name) => new Uint8Array(readFileSync(new URL(name, folder))),
    });
    expect(await readAdapter(adapters.source(second.id))).toEqual(original);
    expect(first.rank).toBe(original.config.rank);
    await adapters.delete(first.id);
    expect(await adapters.list()).toEqual([second]);
  });

  it('that are none, or of another kind, are refused and leave nothing', async () => {
    const adapters = new BrowserAdapters(memoryOpfs());
    await expect(adapters.add('mine', [file('adapter_model.safetensors')])).rejects.toThrow(
      'There is no adapter_config.json',
    );
    await expect(adapters.add('mine', [file('adapter_config.json')])).rejects.toThrow(
      'adapter_model.safetensors',
    );
    const dora = {
      path: 'adapter_config.json',
      file: new Blob([
        '{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"], "use_dora": true}',
      ]),
    };
    await expect(adapters.add('mine', [dora, file('adapter_model.safetensors')])).rejects.toThrow(
      'use_dora = true',
    );
    expect(await adapters.list()).toEqual([]);
  });
});
