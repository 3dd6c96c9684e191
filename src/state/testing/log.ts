import type { RunConfig } from '../../schema/config.ts';
import type { NewEvent, RunEvent } from '../../schema/events.ts';
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
  loss: { aggregation: 'dapo', epsLow: 0.2, epsHigh: 0.28, beta: 0, updates: 1, correctionCap: 2, maskTruncated: true },
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
    asserts: [0, 1].map((i) => ({ status: i < passed ? 'pass' : 'fail', source: `assert f(${i}) == ${i}`, actual: '9', expected: String(i) })),
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
    tuner: { microBatchRows: 8 },
    problems: { train: ['p0', 'p1'], val: [], test: [] },
  };
}

/** One whole step of CONFIG: two problems, three completions each; the first completion of each passes. */
export function stepOf(step: number, text = 'def f(x):\n    return x\n'): NewEvent[] {
  const problems = ['p0', 'p1'];
  const events: NewEvent[] = [
    { type: 'step.started', step, epoch: 0, problems },
    { type: 'phase.started', step, phase: 'sample' },
  ];
  const each = (make: (id: string, problem: string, sample: number) => NewEvent) => {
    for (const [index, problem] of problems.entries()) {
      for (let sample = 0; sample < 3; sample++) events.push(make(`${step}/${index}/${sample}`, problem, sample));
    }
  };
  each((id, problem, sample) => ({
    type: 'rollout.completed',
    step,
    id,
    kind: 'attempt',
    parent: null,
    problem,
    sample,
    prompt: `Task: The task of ${problem}.\nassert f(0) == 0\nCode:\n`,
    text,
    code: text,
    tokens: 7,
    finish: 'eos',
    temperature: 1,
    logprob: -2,
    entropy: 0.5,
  }));
  events.push({ type: 'phase.started', step, phase: 'grade' });
  each((id, _problem, sample) => ({ type: 'verdict.reached', rollout: id, verdict: verdictOf(sample === 0 ? 'pass' : 'fail') }));
  each((id, _problem, sample) => ({
    type: 'rollout.rewarded',
    rollout: id,
    reward: sample === 0 ? 1 : 0,
    passed: sample === 0 ? 2 : 1,
    asserts: 2,
    advantage: sample === 0 ? 1.1545 : -0.5773,
    groupMean: 1 / 3,
    groupStd: 0.5774,
    inLoss: true,
    columns: 0,
  }));
  events.push({ type: 'phase.started', step, phase: 'update' }, updateOf(step), { type: 'checkpoint.saved', step, bytes: 100 });
  return events;
}

export function updateOf(step: number, change: Partial<Extract<NewEvent, { type: 'update.applied' }>> = {}): Extract<NewEvent, { type: 'update.applied' }> {
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
