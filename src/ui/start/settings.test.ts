import { describe, expect, it } from 'vitest';
import { METHODS } from '../../schema/config.ts';
import { equalTokens, presetOf } from '../../session/presets.ts';
import { CONFIG } from '../../state/testing/log.ts';
import { draftOf, SETTINGS, standardOf } from './settings.ts';

describe('the settings', () => {
  it.each(METHODS)('start %s with its preset when nothing is typed', (method) => {
    const preset = presetOf(method, 'nano');
    expect(draftOf(preset, {})).toMatchObject({ config: preset, errors: {} });
  });

  it.each(METHODS)('of %s all have a default, and take both ends of their range', (method) => {
    const preset = presetOf(method, 'nano');
    for (const setting of SETTINGS.filter(({ methods }) => methods.includes(method))) {
      expect(standardOf(preset, setting), setting.key).not.toBe('');
      const values = 'options' in setting ? setting.options.map(({ value }) => value) : [String(setting.min), String(setting.max)];
      if ('options' in setting) expect(values).toContain(standardOf(preset, setting));
      const shown = setting.when ? { [setting.when[0]]: setting.when[1] } : {};
      for (const value of values) expect(draftOf(preset, { ...shown, [setting.key]: value }).config, `${setting.key} ${value}`).not.toBeNull();
    }
  });

  it('change what is typed and nothing else', () => {
    expect(draftOf(CONFIG, { steps: '12', learningRate: '3e-4' }).config).toEqual({ ...CONFIG, steps: 12, learningRate: 3e-4 });
  });

  it('reach into the method’s own part, and say nothing of other methods’ edits', () => {
    const preset = presetOf('reflkd', 'nano');
    const { config } = draftOf(preset, { 'reflkd.kd.teacher': 'ema', 'reflkd.kd.emaDecay': '0.5', 'srrl.first': 'nonsense' });
    expect(config).toEqual({ ...preset, reflkd: { ...preset.reflkd, kd: { ...preset.reflkd?.kd, teacher: 'ema', emaDecay: 0.5 } } });
  });

  it('end the run by steps or by tokens, never by both', () => {
    expect(draftOf(CONFIG, { budget: 'tokens', budgetTokens: '5000' }).config).toEqual({ ...CONFIG, steps: null, budgetTokens: 5000 });
    expect(draftOf(CONFIG, { budget: 'steps', budgetTokens: '5000' }).config).toEqual(CONFIG);
  });

  it('offer the budget at which the command line compares methods', () => {
    const preset = presetOf('srrl', 'nano');
    expect(draftOf(preset, { budget: 'tokens' }).config?.budgetTokens).toBe(equalTokens(presetOf('grpo', 'nano')));
  });

  it.each([
    ['steps', '0', 'A whole number from 1 to 10000.'],
    ['steps', '2.5', 'A whole number from 1 to 10000.'],
    ['group', '1', 'A whole number from 2 to 64.'],
    ['temperature', '', 'A number from 0.05 to 4.'],
    ['learningRate', 'fast', 'A number from 0 to 1.'],
  ] as const)('refuse %s = "%s" with a sentence and start nothing', (key, text, sentence) => {
    expect(draftOf(CONFIG, { [key]: text })).toMatchObject({ config: null, errors: { [key]: sentence } });
  });
});
