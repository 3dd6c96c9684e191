import { expect, it } from 'vitest';
import { parseConfig } from './checks.ts';
import { presetOf } from './presets.ts';

it('writes out a complete configuration for the embedded model and for others', () => {
  for (const model of ['nano', '/models/qwen']) {
    const preset = presetOf('grpo', model);
    expect(parseConfig(JSON.parse(JSON.stringify(preset)), 'preset')).toEqual(preset);
    expect(preset).toMatchObject({ model, group: 10, temperature: 1 });
  }
  expect(presetOf('grpo', '/models/qwen')).toMatchObject({ learningRate: 1e-5, maxTokens: 512, timeoutSeconds: 10 });
  expect(presetOf('grpo', 'nano').learningRate).toBeGreaterThan(1e-4);
});
