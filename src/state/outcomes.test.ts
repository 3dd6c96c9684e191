import { describe, expect, it } from 'vitest';
import { foldRun } from './fold.ts';
import { answersOf, kindsOf, rescueOf } from './outcomes.ts';
import { numbered, SRRL_CONFIG, srrlStep, startOf, stepOf } from './testing/log.ts';

const srrl = numbered([startOf('r', SRRL_CONFIG), ...srrlStep(1), ...srrlStep(2)]);
const untilUpdate = (step: number) =>
  srrl.findIndex((event) => event.type === 'update.applied' && event.step === step);

describe('second answers', () => {
  it('are counted while a step is under way as its update counts them', () => {
    expect(rescueOf(foldRun('r', srrl.slice(0, untilUpdate(1))))).toEqual({
      failed: 3,
      rescued: 1,
    });
    expect(rescueOf(foldRun('r', srrl.slice(0, untilUpdate(1) + 1)))).toEqual({
      failed: 3,
      rescued: 1,
    });
    expect(rescueOf(foldRun('r', srrl.slice(0, untilUpdate(2))))).toEqual({
      failed: 6,
      rescued: 2,
    });
  });

  it('are none where the method asks for none', () => {
    const view = foldRun('r', numbered([startOf('r'), ...stepOf(1)]));
    expect(rescueOf(view)).toBeNull();
    expect(answersOf(view)).toBeNull();
  });

  it('add up over steps; what passes only what it saw is unknown where everything is shown', () => {
    expect(answersOf(foldRun('r', srrl))).toEqual({
      answers: 24,
      passes: 4,
      changed: 24,
      visibleOnly: null,
    });
  });
});

it('completions add up by kind, with the last step’s gradient norm', () => {
  const [attempts, refinements, ...others] = kindsOf(foldRun('r', srrl));
  expect(attempts).toMatchObject({ kind: 'attempt', completions: 8, passes: 2 });
  expect(refinements).toMatchObject({
    kind: 'refinement',
    completions: 24,
    tokens: { generated: 168 },
    gradNorm: 1.3,
  });
  expect(others).toEqual([]);
});
