import { availableParallelism } from 'node:os';
import type { LoadedProblem } from '../../data/problem.ts';
import { advantagesOf } from '../../methods/advantage.ts';
import type { Completion, TrainSequence } from '../../model/engine.ts';
import type { GpuEngine } from '../../model/gpu-engine.ts';
import { createNodeSandbox } from '../../sandbox/node/node-sandbox.ts';
import { poolSize } from '../../sandbox/pool.ts';
import type { PythonRunner } from '../../sandbox/python-sandbox.ts';
import { tokenIds } from './bed.ts';
import { timed } from './clock.ts';
import { load, median, rounded, rounds, type Section } from './section.ts';
import { ADAMW, PG } from './train.ts';

const GROUP = 10;

export interface StepShape {
  readonly prompt: number;
  readonly completion: number;
  readonly samples: number;
}

/** A step's shape: 10 completions of 512 tokens on a GPU, of 32 on a software adapter. */
export function stepShape(engine: GpuEngine, size: number): StepShape {
  const { software } = engine.opened;
  const [prompt, longest] = software ? [64, 32] : [128, 512];
  return { prompt, completion: Math.max(8, Math.round((longest * size) / 8) * 8), samples: GROUP };
}

export const grpoSection: Section = {
  name: 'grpo',
  summary:
    'a whole step: a group sampled with the adapter on, graded, and the update with its reference pass',
  async run({ bed, problems, size, note }) {
    const engine = await bed.engine();
    const shape = stepShape(engine, size);
    const sandbox = createNodeSandbox({ workers: poolSize(availableParallelism()), recheck: 0 });
    try {
      // The first of all compiles pipelines and boots guests.
      await wholeStep(engine, sandbox, problems, { ...shape, completion: 8 });
      const steps: StepTimes[] = [];
      for (let round = 0; round < rounds(size / 2); round++)
        steps.push(await wholeStep(engine, sandbox, problems, shape));
      const of = (part: keyof StepTimes) => median(steps.map((step) => step[part]));
      const whole = median(
        steps.map(({ sampling, grading, update }) => sampling + grading + update),
      );
      const tokens = shape.samples * shape.completion;
      note(
        `${shape.samples} × ${shape.completion}: ${rounded(whole, 2)} s, of these sampling ` +
          `${rounded(of('sampling'), 2)}, ` +
          `grading ${rounded(of('grading'), 2)}, update ${rounded(of('update'), 2)}`,
      );
      return {
        load: load(),
        sequences: shape.samples,
        prompt_tokens: shape.prompt,
        completion_tokens: shape.completion,
        graded: `${shape.samples} reference solutions: a fixed amount of work, whatever the model writes`,
        step_s: rounded(whole, 3),
        sampling_s: rounded(of('sampling'), 3),
        grading_s: rounded(of('grading'), 3),
        update_s: rounded(of('update'), 3),
        sampling_share: rounded(of('sampling') / whole, 3),
        grading_share: rounded(of('grading') / whole, 3),
        update_share: rounded(of('update') / whole, 3),
        sampled_tokens_per_second: rounded(tokens / of('sampling'), 2),
        micro_batch_rows: engine.microBatchRows,
      };
    } finally {
      await sandbox.close();
    }
  },
};

interface StepTimes {
  readonly sampling: number;
  readonly grading: number;
  readonly update: number;
}

async function wholeStep(
  engine: GpuEngine,
  sandbox: PythonRunner,
  problems: readonly LoadedProblem[],
  shape: StepShape,
): Promise<StepTimes> {
  const sampled = await timed(() => sampleGroup(engine, shape));
  const graded = await timed(() => gradeReferences(sandbox, problems, shape.samples));
  const updated = await timed(() => update(engine, shape, sampled.value));
  return { sampling: sampled.spent.wall, grading: graded.spent.wall, update: updated.spent.wall };
}

/** A group without stop rules, so that it has as many tokens whatever the weights are. */
export function sampleGroup(
  engine: GpuEngine,
  { prompt, completion, samples }: StepShape,
): Promise<Completion[]> {
  return engine.generate([
    {
      prompt: tokenIds(engine.vocabSize, prompt, 0),
      samples,
      adapter: 'student',
      temperature: 1,
      topK: 0,
      topP: 1,
      seed: 1,
      stream: 0,
      maxTokens: completion,
      stopIds: [],
    },
  ]);
}

async function gradeReferences(
  sandbox: PythonRunner,
  problems: readonly LoadedProblem[],
  count: number,
): Promise<void> {
  const verdicts = await Promise.all(
    Array.from({ length: count }, (_, i) => {
      const problem = problems[i % problems.length];
      if (!problem) throw new Error('The data set holds no problem to grade.');
      const { setup, setupAfterSolution, reference: solution } = problem;
      return sandbox.grade({
        solution,
        setup,
        setupAfterSolution,
        asserts: [...problem.shown, ...problem.hidden],
        timeoutSeconds: 10,
      });
    }),
  );
  const bad = verdicts.find((verdict) => verdict.status !== 'pass');
  if (bad) throw new Error(`A reference solution got ${bad.status}.`);
}

/** The update on what was sampled; rewards alternate, so that every completion carries signal. */
export async function update(
  engine: GpuEngine,
  { prompt }: StepShape,
  completions: readonly Completion[],
): Promise<void> {
  const [{ advantages } = { advantages: [] as number[] }] = advantagesOf(
    [completions.map((_, i) => (i % 2 === 0 ? 1 : 0))],
    { baseline: 'group-mean', scale: 'group-std' },
  );
  const sequences = completions.map((completion, i): TrainSequence => ({
    group: 0,
    prompt: tokenIds(engine.vocabSize, prompt, 0),
    completion: completion.ids,
    temperature: 1,
    advantage: advantages[i] ?? 0,
    samplerLogprobs: completion.logprobs,
  }));
  await engine.trainStep({
    adapter: 'student',
    sequences,
    loss: PG,
    optimizer: ADAMW,
    reference: true,
  });
}
