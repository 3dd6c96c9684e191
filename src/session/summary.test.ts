import { expect, it } from 'vitest';
import { runLog } from '../compare/testing/runs.ts';
import { summarise } from './summary.ts';

it('compares the judged samples of a problem before and after, all of them where the log does not say how many', () => {
  const difference = (judged?: readonly [before: number, after: number]) => {
    const log = runLog({
      runId: 'r',
      samples: 4,
      answers: {
        p: judged
          ? [[0, 0], [2, 2], judged]
          : [
              [0, 0],
              [2, 2],
            ],
      },
    });
    return summarise(log, 0).paired?.sampled?.difference;
  };
  expect(difference([4, 2])).toBe(0.5);
  expect(difference()).toBe(0);
});
