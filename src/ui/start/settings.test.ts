import { describe, expect, it } from 'vitest';
import { CONFIG } from '../../state/testing/log.ts';
import { draftOf } from './settings.ts';

describe('the settings', () => {
  it('start a run with the preset when nothing is typed', () => {
    expect(draftOf(CONFIG, {})).toEqual({ config: CONFIG, errors: {} });
  });

  it('change what is typed and nothing else', () => {
    expect(draftOf(CONFIG, { steps: '12', learningRate: '3e-4' }).config).toEqual({ ...CONFIG, steps: 12, learningRate: 3e-4 });
  });

  it.each([
    ['steps', '0', 'A whole number from 1 to 10000.'],
    ['steps', '2.5', 'A whole number from 1 to 10000.'],
    ['group', '1', 'A whole number from 2 to 64.'],
    ['temperature', '', 'A number from 0.05 to 4.'],
    ['learningRate', 'fast', 'A number from 0 to 1.'],
  ] as const)('refuse %s = "%s" with a sentence and start nothing', (key, text, sentence) => {
    expect(draftOf(CONFIG, { [key]: text })).toEqual({ config: null, errors: { [key]: sentence } });
  });
});
