import { OBJECTIVE, SCHEDULE } from '../../settings/objective.ts';
import { standards } from '../../settings/setting.ts';
import type { RunConfig } from '../../schema/config.ts';
import type { NewEvent, RunEvent } from '../../schema/events.ts';
import type { Kind } from '../../settings/kinds.ts';
import { presetOf } from '../../session/presets.ts';
import type { Verdict, VerdictStatus } from '../../schema/verdict.ts';

/** Small run logs for tests of the screens' state. */

export const CONFIG: RunConfig = {
  version: 1,
  method: 'grpo',
  model: 'nano',
  adapter: null,
  dataset: 'starter',
  seed: 1,
  train: 8,
  val: 0,
  test: 0,
  steps: 4,
  budgetTokens: null,
  group: 3,
  problemsPerStep: 2,
  maxTokens: 32,
  temperature: 1,
  learningRate: 1e-3,
  lora: { rank: 4, alpha: 8, targets: ['q', 'v'] },
  asserts: 'all',
  srrl: null,
  reflkd: null,
  loss: {
    aggregation: 'dapo',
    epsLow: 0.2,
    epsHigh: 0.28,
    beta: 0,
    updates: 1,
    correctionCap: 2,
    maskTruncated: true,
  },
  objective: standards(OBJECTIVE, false),
  schedule: standards(SCHEDULE, false),
  optimizer: { clipNorm: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  timeoutSeconds: 10,
  evalSamples: 0,
  evalTemperature: 1,
  weights: null,
  checkpointEvery: 1,
};

export function verdictOf(status: VerdictStatus, passed = status === 'pass' ? 2 : 1): Verdict {
  return {
    status,
    asserts: [0, 1].map((i) => ({
      status: i < passed ? 'pass' : 'fail',
      source: `assert f(${i}) == ${i}`,
      actual: '9',
      expected: String(i),
    })),
    ms: 3,
  };
}

/** Numbers events as the engine's log does. */
export function numbered(events: readonly NewEvent[], from = 0): RunEvent[] {
  return events.map((event, i) => ({ ...event, seq: from + i, time: 1000 + from + i }));
}

export function startOf(runId: string, config: RunConfig = CONFIG): NewEvent {
  return {
    type: 'run.started',
    version: 1,
    runId,
    config,
    device: { vendor: 'v', architecture: 'a', description: '' },
    tuner: { microBatchRows: 8, variants: {} },
    problems: { train: ['p0', 'p1'], val: [], test: [] },
  };
}

/** What a step's log says of one completion. */
interface Told {
  /** `<problem index>/<sample>…`: the id without its step. */
  readonly id: string;
  readonly kind?: Kind;
  readonly sample: number;
  readonly text?: string;
  /** Null: a reflection, which is not judged. */
  readonly status: VerdictStatus | null;
  readonly paid: Partial<Extract<NewEvent, { type: 'rollout.rewarded' }>>;
}

const PROBLEMS = ['p0', 'p1'];

/** The events of completions up to their rewards, all written, then all judged, then all paid. */
function told(step: number, completions: readonly Told[]): NewEvent[] {
  const id = (completion: Told) => `${step}/${completion.id}`;
  return [
    { type: 'step.started', step, epoch: 0, problems: PROBLEMS },
    { type: 'phase.started', step, phase: 'sample' },
    ...completions.map((completion): NewEvent => {
      const { kind = 'attempt', sample, status, text = 'def f(x):\n    return x\n' } = completion;
      const problem = PROBLEMS[Number(completion.id[0])] ?? '';
      return {
        type: 'rollout.completed',
        ...{ step, id: id(completion), kind, problem, sample, text },
        parent:
          kind === 'attempt' ? null : id(completion).slice(0, id(completion).lastIndexOf('.')),
        prompt: `Task: The task of ${problem}.\nassert f(0) == 0\nCode:\n`,
        code: status === null ? null : text,
        ...{ tokens: 7, finish: 'eos', temperature: 1, logprob: -2, entropy: 0.5 },
      };
    }),
    { type: 'phase.started', step, phase: 'grade' },
    ...completions.flatMap((completion): NewEvent[] =>
      completion.status === null
        ? []
        : [
            {
              type: 'verdict.reached',
              rollout: id(completion),
              verdict: verdictOf(completion.status),
            },
          ],
    ),
    ...completions.map((completion): NewEvent => {
      const passes = completion.status === 'pass';
      return {
        type: 'rollout.rewarded',
        rollout: id(completion),
        ...{
          reward: passes ? 1 : 0,
          passed: passes ? 2 : 1,
          asserts: 2,
          advantage: 0,
          groupMean: 0,
          groupStd: 0,
          inLoss: true,
          columns: 0,
        },
        ...completion.paid,
      };
    }),
    { type: 'phase.started', step, phase: 'update' },
  ];
}

const stored = (step: number): NewEvent => ({ type: 'checkpoint.saved', step, bytes: 100 });

/**
 * One whole step of CONFIG: two problems, three completions each; the first completion of each
 * passes.
 */
export function stepOf(step: number, text?: string): NewEvent[] {
  const completions = PROBLEMS.flatMap((_, index) =>
    [0, 1, 2].map((sample): Told => ({
      id: `${index}/${sample}`,
      sample,
      ...(text !== undefined && { text }),
      status: sample === 0 ? 'pass' : 'fail',
      paid: { advantage: sample === 0 ? 1.1545 : -0.5773, groupMean: 1 / 3, groupStd: 0.5774 },
    })),
  );
  return [...told(step, completions), updateOf(step), stored(step)];
}

export const SRRL_CONFIG: RunConfig = { ...presetOf('srrl', 'nano'), problemsPerStep: 2, steps: 4 };

/**
 * One SRRL step, pooled. p0: attempt 1 fails and two of its four refinements pass, attempt 2
 * passes, so 3 of 6 earn 1. p1: nothing passes.
 */
export function srrlStep(step: number): NewEvent[] {
  const paid = (passes: boolean) => ({
    advantage: passes ? 0.9127 : -0.9127,
    groupMean: 0.5,
    groupStd: 0.5477,
    weight: 1,
  });
  const first = [false, true].map((passes, sample): Told => ({
    id: `0/${sample}`,
    sample,
    text: passes ? 'def f(x):\n    return x\n' : 'def f(x):\n    y = 9\n    return y\n',
    status: passes ? 'pass' : 'fail',
    paid: paid(passes),
  }));
  const second = [false, true, false, true].map((passes, i): Told => ({
    id: `0/0.${i}`,
    kind: 'refinement',
    sample: 2 + i,
    text: passes
      ? '# It returns 9, not x.\ndef f(x):\n    y = x\n    return y\n'
      : 'def f(x):\n    return 9\n',
    status: passes ? 'pass' : 'fail',
    paid: paid(passes),
  }));
  const hopeless = [
    '1/0',
    '1/1',
    ...[0, 1].flatMap((sample) => [0, 1, 2, 3].map((i) => `1/${sample}.${i}`)),
  ].map((id, sample): Told => ({
    id,
    kind: id.includes('.') ? 'refinement' : 'attempt',
    sample,
    status: 'fail',
    paid: { inLoss: false },
  }));
  const kinds = [
    {
      kind: 'attempt' as const,
      completions: 4,
      passes: 1,
      infra: 0,
      tokens: { prompt: 40, generated: 28, trained: 14 },
      gradNorm: 0.4,
    },
    {
      kind: 'refinement' as const,
      completions: 12,
      passes: 2,
      infra: 0,
      tokens: { prompt: 90, generated: 84, trained: 28 },
      gradNorm: 1.3,
    },
  ];
  const rescue = { failed: 3, rescued: 1, answers: 12, passes: 2, changed: 12, visibleOnly: null };
  return [
    ...told(step, [...first, ...second, ...hopeless]),
    updateOf(step, { kinds, rescue }),
    stored(step),
  ];
}

export const REFLKD_CONFIG: RunConfig = {
  ...presetOf('reflkd', 'nano'),
  problemsPerStep: 2,
  steps: 4,
};

/**
 * One Refl-KD step. p0: one of four attempts passes; with reflection 1.1 both retries pass, with
 * 1.2 none; the first of them is distilled. p1: every attempt passes.
 */
export function reflKdStep(step: number): NewEvent[] {
  const attempts = [0, 1, 2, 3].flatMap((sample): Told[] => [
    {
      id: `0/${sample}`,
      sample,
      status: sample === 1 ? 'pass' : 'fail',
      paid: { groupMean: 0.25, inLoss: false },
    },
    { id: `1/${sample}`, sample, status: 'pass', paid: { groupMean: 1, inLoss: false } },
  ]);
  const reflections = [1, 0].map((rate, k): Told => ({
    id: `0/0.${k}`,
    kind: 'reflection',
    sample: 4 + k,
    text: 'It returns a constant. It should return x.',
    status: null,
    paid: {
      reward: rate,
      passed: 2 * rate,
      asserts: 2,
      groupMean: 0.25,
      advantage: rate - 0.25,
      weight: rate === 1 ? 0.75 : -0.125,
    },
  }));
  const retries = [0, 1, 2, 3].map((i): Told => ({
    id: `0/0.${i >> 1}.${i & 1}`,
    kind: 'retry',
    sample: 6 + i,
    status: i < 2 ? 'pass' : 'fail',
    paid: { inLoss: false, groupMean: 0.25 },
  }));
  const reflection = {
    problems: 1,
    weighed: 2,
    baseline: 0.25,
    retries: 0.5,
    paired: null,
    loss: 0.1,
    gradNorm: 0.2,
    kl: 0.01,
    skipped: false,
  };
  return [
    ...told(step, [...attempts, ...reflections, ...retries]),
    {
      type: 'target.distilled',
      ...{
        step,
        problem: 'p0',
        rollout: `${step}/0/0.0.0`,
        reflection: `${step}/0/0.0`,
        prompt: 'Task: The task of p0.\nWhy:\nIt returns a constant.\nCode:\n',
      },
      ...{ tokens: 7, loss: 0.321, columns: 0 },
    },
    updateOf(step, { reflection, distillation: { targets: 1, tokens: 7, loss: 0.321 } }),
    stored(step),
  ];
}

export function updateOf(
  step: number,
  change: Partial<Extract<NewEvent, { type: 'update.applied' }>> = {},
): Extract<NewEvent, { type: 'update.applied' }> {
  return {
    type: 'update.applied',
    step,
    loss: 0.01,
    gradNorm: 0.5,
    kl: 0,
    entropy: 0.5,
    clipRatio: 0,
    reward: 1 / 3,
    passRate: 1 / 3,
    zeroSignal: 0,
    groups: 2,
    infra: 0,
    samplerGap: 1e-5,
    skipped: false,
    noSignal: false,
    totals: { prompt: 10 * step, generated: 42 * step, trained: 42 * step },
    seconds: { sample: 2, grade: 1, update: 1 },
    tokensPerSecond: 13,
    kinds: [],
    rescue: null,
    reflection: null,
    distillation: null,
    ...change,
  };
}
