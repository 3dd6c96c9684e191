import { presetOf } from '../../session/presets.ts';
import type { Answers, RunOf } from './runs.ts';

/* GRPO and SRRL over seeds 1 and 2, with two of three problems each: worked by hand in the tests. */
export const GRPO_1: RunOf = {
  runId: 'g1',
  answers: {
    p1: [
      [0, 1],
      [0, 1],
    ],
    p2: [
      [0, 0],
      [0, 0],
    ],
  },
};
export const GRPO_2: RunOf = {
  runId: 'g2',
  config: { seed: 2 },
  answers: {
    p2: [
      [0, 1],
      [0, 2],
    ],
    p3: [
      [1, 0],
      [2, 1],
    ],
  },
};
const { srrl } = presetOf('srrl', 'nano');
export const SRRL = { method: 'srrl' as const, srrl };
const rescue = { failed: 4, rescued: 1, answers: 16, passes: 2, changed: 10, visibleOnly: null };
export const SRRL_1: RunOf = {
  runId: 's1',
  config: SRRL,
  update: { rescue },
  answers: {
    p1: [
      [0, 1],
      [0, 2],
    ],
    p2: [
      [0, 1],
      [0, 1],
    ],
  },
};
export const SRRL_2: RunOf = {
  runId: 's2',
  config: { ...SRRL, seed: 2 },
  update: { rescue: { ...rescue, rescued: 3 } },
  answers: {
    p2: [
      [0, 1],
      [0, 2],
    ],
    p3: [
      [1, 1],
      [2, 2],
    ],
  },
};

/** A run of one seed in which `more` of `problems` answers are gained. */
export function many(
  runId: string,
  config: RunOf['config'],
  problems: number,
  more: number,
): RunOf {
  const answers: Record<string, Answers> = {};
  for (let i = 0; i < problems; i++) {
    const after = i % 3 === 0 || i % 10 < more ? 1 : 0;
    answers[`p${i}`] = [
      [0, after],
      [0, 2 * after],
    ];
  }
  return { runId, config: config ?? {}, answers };
}
