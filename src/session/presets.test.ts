import { expect, it } from 'vitest';
import { parseConfig } from './checks.ts';
import { equalTokens, presetOf, sizedPreset } from './presets.ts';

it('writes out a complete configuration for the embedded model and for others', () => {
  for (const model of ['nano', '/models/qwen']) {
    const preset = presetOf('grpo', model);
    expect(parseConfig(JSON.parse(JSON.stringify(preset)), 'preset')).toEqual(preset);
    expect(preset).toMatchObject({ model, group: 10, temperature: 1 });
  }
  expect(presetOf('grpo', '/models/qwen')).toMatchObject({
    learningRate: 1e-5,
    maxTokens: 512,
    timeoutSeconds: 10,
  });
  expect(presetOf('grpo', 'nano').learningRate).toBeGreaterThan(1e-4);
});

it('compares methods at the tokens of the GRPO preset, whatever their own counts are', () => {
  expect(equalTokens(presetOf('grpo', 'nano'))).toBe(50_000);
  expect(equalTokens(presetOf('grpo', '/models/qwen'))).toBe(67_000);
  expect(equalTokens({ ...presetOf('grpo', 'nano'), steps: 1, group: 2, maxTokens: 4 })).toBe(1000);
});

it('sees every problem of a larger preset at least once', () => {
  expect(sizedPreset(presetOf('grpo', '/models/qwen'), 'full')).toMatchObject({
    train: 200,
    test: 224,
    steps: 200,
  });
  expect(sizedPreset(presetOf('grpo', 'nano'), 'full')).toMatchObject({
    train: 200,
    test: 224,
    steps: 50,
  });
  expect(sizedPreset(presetOf('grpo', 'nano'), 'quick')).toMatchObject({
    train: 30,
    test: 30,
    steps: 30,
  });
});
