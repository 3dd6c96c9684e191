import type { Problem } from '../../data/problem.ts';
import type { MethodText } from '../../data/prompts.ts';
import type { Graded } from '../../eval/context.ts';
import type { Method, RunConfig } from '../../schema/config.ts';
import { OBJECTIVE, SCHEDULE } from '../../settings/objective.ts';
import { standards } from '../../settings/setting.ts';
import type { RunEvent } from '../../schema/events.ts';
import type { SessionStatus } from '../../schema/protocol.ts';
import type { RunStore } from '../../storage/run-store.ts';
import { presetOf } from '../presets.ts';
import type { RunPorts } from '../run-ports.ts';
import { BigramEngine } from './bigram-engine.ts';

/*
 * Test support: a toy task that a bigram policy can learn. Problem k asks for an answer that begins
 * with letter k; its prompt is one token of its own, and so are the prompts about a failed attempt
 * at it. A reflection says a letter, and a retry heeds it: its prompt is a token of that letter,
 * which the base model likes to answer with it. Token 0 ends an answer, 1 … 8 are the letters a …
 * h; then come 8 tokens for each kind of prompt.
 */

const LETTERS = 8;
const PLAIN = 1 + LETTERS;
export const REFINE = PLAIN + LETTERS;
export const REFLECT = REFINE + LETTERS;
export const RETRY = REFLECT + LETTERS;
export const VOCABULARY = RETRY + LETTERS;

export const letterProblem = (split: string, k: number): Problem => ({
  id: `letters/${split}/${k}`,
  text: `Begin with ${'abcdefgh'[k]}.`,
  setup: '',
  setupAfterSolution: false,
  shown: [],
  hidden: [],
  reference: '',
});

const numberOf = (problem: Problem) => Number(problem.id.split('/')[2]);
const letters = (ids: readonly number[]) =>
  ids.map((id) => (id === 0 ? '' : id <= LETTERS ? 'abcdefgh'[id - 1]! : '#')).join('');

export const letterText: MethodText = {
  prompt: (problem) => ({ text: problem.text, ids: [PLAIN + numberOf(problem)] }),
  refinement: ({ problem, code }) => ({
    text: `${problem.text} Not ${code}.`,
    ids: [REFINE + numberOf(problem)],
  }),
  reflection: ({ problem, code }) => ({
    text: `${problem.text} Why not ${code}?`,
    ids: [REFLECT + numberOf(problem)],
  }),
  retry: ({ problem, code }, why) => ({
    text: `${problem.text} Not ${code}: ${why}.`,
    ids: [PLAIN + numberOf(problem), RETRY + Math.max(0, 'abcdefgh'.indexOf(why.charAt(0)))],
  }),
  decode: letters,
  ends: (ids) => {
    let at = 0;
    return Uint32Array.from(ids, (id) => (id === 0 ? at : ++at));
  },
  format: 'plain',
  refinedFormat: 'plain',
  stopIds: [0],
};

/**
 * What the base model can do: answer with the letter that the reflection said, and often say the
 * right one.
 */
function heeds(previous: number, next: number): number {
  if (previous >= RETRY && next === previous - RETRY + 1) return 3;
  return previous >= REFLECT && previous < RETRY && next === previous - REFLECT + 1 ? 1.5 : 0;
}

/**
 * Pass when the answer begins with the problem's letter; verdicts come in a shuffled order, as from
 * a pool.
 */
export async function gradeLetters(problem: Problem, completion: string): Promise<Graded> {
  for (let i = completion.length % 5; i >= 0; i--) await Promise.resolve();
  if (completion === '') return { code: null, verdict: { status: 'no-code', asserts: [], ms: 0 } };
  const wanted = 'abcdefgh'[numberOf(problem)]!;
  const ok = completion.startsWith(wanted);
  const status = ok ? 'pass' : 'fail';
  return {
    code: completion,
    verdict: { status, asserts: [{ status, source: `assert f()[0] == '${wanted}'` }], ms: 1 },
  };
}

export const letterConfig: RunConfig = {
  version: 1,
  method: 'grpo',
  model: 'letters',
  adapter: null,
  dataset: 'letters',
  seed: 5,
  train: 6,
  val: 0,
  test: 6,
  steps: 12,
  budgetTokens: null,
  group: 10,
  problemsPerStep: 4,
  maxTokens: 6,
  temperature: 1,
  learningRate: 0.5,
  lora: { rank: 1, alpha: 1, targets: ['q'] },
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
  timeoutSeconds: 1,
  evalSamples: 8,
  evalTemperature: 1,
  weights: null,
  checkpointEvery: 1,
};

/** A method on the letters task, with its preset's values for all that is its own. */
export function configOf(
  method: Method,
  kd: Partial<NonNullable<RunConfig['reflkd']>['kd']> = {},
): RunConfig {
  const { srrl, reflkd } = presetOf(method, 'nano');
  return {
    ...letterConfig,
    method,
    srrl,
    reflkd: reflkd && { ...reflkd, reflectionTokens: 4, kd: { ...reflkd.kd, ...kd } },
  };
}

export interface Lab {
  readonly ports: RunPorts;
  readonly engines: BigramEngine[];
  readonly events: RunEvent[];
  readonly statuses: SessionStatus[];
}

/** Ports of a run on the letters task; `onEngine` sees every engine that is opened. */
export function letterLab(
  store: RunStore,
  onEngine: (engine: BigramEngine) => void = () => undefined,
): Lab {
  const engines: BigramEngine[] = [];
  const events: RunEvent[] = [];
  const statuses: SessionStatus[] = [];
  let time = 0;
  return {
    engines,
    events,
    statuses,
    ports: {
      store,
      openModel: async () => {
        const engine = new BigramEngine(VOCABULARY, 1 + LETTERS, heeds);
        engines.push(engine);
        onEngine(engine);
        return {
          engine,
          text: letterText,
          device: { vendor: 'test', architecture: '', description: 'bigram' },
        };
      },
      problems: async (config) => ({
        train: Array.from({ length: config.train }, (_, k) => letterProblem('train', k)),
        val: [],
        test: Array.from({ length: config.test }, (_, k) => letterProblem('test', k)),
      }),
      grade: gradeLetters,
      adapterFiles: (tensors) => ({
        'adapter.bin': new Uint8Array(tensors.get('table')!.data.buffer),
      }),
      onEvents: (_, batch) => events.push(...batch),
      onStatus: (status) => statuses.push(status),
      clock: () => (time += 7),
      stopwatch: () => (time += 7),
    },
  };
}
