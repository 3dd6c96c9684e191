import { describe, expect, it } from 'vitest';
import { METHOD_NAMES } from '../../schema/config.ts';
import { equalTokens, presetOf } from '../../session/presets.ts';
import { CONFIG } from '../../state/testing/log.ts';
import { draftOf, settingsOf, standardOf } from './settings.ts';

describe('the settings', () => {
  const pairs = METHOD_NAMES.flatMap((method) =>
    ['nano', 'Qwen/Qwen3-0.6B:q8'].map((model) => [method, model] as const),
  );

  it.each(pairs)('start %s of %s with its preset when nothing is typed', (method, model) => {
    const preset = presetOf(method, model);
    expect(draftOf(preset, {})).toMatchObject({ config: preset, errors: {} });
  });

  it.each(pairs)(
    'of %s of %s all have a default, and take both ends of their range',
    (method, model) => {
      const preset = presetOf(method, model);
      for (const setting of settingsOf(preset)) {
        expect(standardOf(preset, setting), setting.key).not.toBe('');
        const values =
          'options' in setting
            ? setting.options.map(({ value }) => value)
            : [String(setting.min), String(setting.max)];
        if ('options' in setting) expect(values).toContain(standardOf(preset, setting));
        const shown = setting.when ? { [setting.when[0]]: setting.when[1] } : {};
        for (const value of values)
          expect(
            draftOf(preset, { problemsPerStep: '2', ...shown, [setting.key]: value }).config,
            `${setting.key} ${value}`,
          ).not.toBeNull();
      }
    },
  );

  it('change what is typed and nothing else', () => {
    expect(draftOf(CONFIG, { steps: '12', learningRate: '3e-4' }).config).toEqual({
      ...CONFIG,
      steps: 12,
      learningRate: 3e-4,
    });
  });

  it('reach into the method’s own part, and say nothing of other methods’ edits', () => {
    const preset = presetOf('reflkd', 'nano');
    const { config } = draftOf(preset, {
      'reflkd.kd.teacher': 'ema',
      'reflkd.kd.emaDecay': '0.5',
      'srrl.first': 'nonsense',
    });
    expect(config).toEqual({
      ...preset,
      reflkd: { ...preset.reflkd, kd: { ...preset.reflkd?.kd, teacher: 'ema', emaDecay: 0.5 } },
    });
  });

  it('name nano’s preset as a source for nano alone', () => {
    const sources = (model: string) =>
      settingsOf({ method: 'reflkd', model })
        .map(({ source }) => source)
        .join('; ');
    expect(sources('nano')).toContain('preset of nano');
    expect(sources('Qwen/Qwen3-0.6B:q8')).not.toContain('nano');
  });

  it('end the run by steps or by tokens, never by both', () => {
    expect(draftOf(CONFIG, { budget: 'tokens', budgetTokens: '5000' }).config).toEqual({
      ...CONFIG,
      steps: null,
      budgetTokens: 5000,
    });
    expect(draftOf(CONFIG, { budget: 'steps', budgetTokens: '5000' }).config).toEqual(CONFIG);
  });

  it('offer the budget at which the command line compares methods', () => {
    for (const model of ['nano', 'Qwen/Qwen3-0.6B:q8'])
      expect(draftOf(presetOf('srrl', model), { budget: 'tokens' }).config?.budgetTokens).toBe(
        equalTokens(presetOf('grpo', model)),
      );
  });

  it.each([
    ['steps', '0', 'A whole number from 1 to 1000000.'],
    ['steps', '2.5', 'A whole number from 1 to 1000000.'],
    ['group', '0', 'A whole number from 1 to 4096.'],
    ['loss.correctionCap', '0', 'A number from 1 to 1000000, or off.'],
    ['temperature', '', 'A number from 0 to 10.'],
    ['learningRate', 'fast', 'A number from 0 to 10.'],
  ] as const)('refuse %s = "%s" with a sentence and start nothing', (key, text, sentence) => {
    expect(draftOf(CONFIG, { [key]: text })).toMatchObject({
      config: null,
      errors: { [key]: sentence },
    });
  });
});
