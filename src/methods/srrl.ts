import type { RunConfig, SrrlConfig } from '../schema/config.ts';
import { visibleAsserts } from '../data/feedback.ts';
import { rounds } from './dynamic.ts';
import { firstAttempts } from './grpo.ts';
import type { MethodContext, StepInput, StepOutcome } from './method.ts';
import { learn, type Lesson } from './learn.ts';
import { Step, type Rollout, type StepFigures } from './step.ts';

/*
 * SRRL: GRPO with a self-refinement phase.
 *
 * c1: `first` attempts at each problem. c2: for each that failed, `refinements` repairs at a low
 * temperature, from a prompt that holds that very attempt and what became of it. One update on all
 * completions of the problem; failed code and feedback are context, never targets.
 *
 * What docs/methods.md leaves open:
 * - A first attempt that the sandbox failed to judge is not refined, since nobody knows that it
 *   failed.
 * - A refinement prompt that leaves no room for an answer within the model's context is left out,
 *   with a warning.
 * - `phase` advantages: c1 among c1; c2 among its siblings, the repairs of one attempt.
 * - Whatever of GRPO is not named here holds (grpo.ts): 0/1 rewards, null for the sandbox's
 *   failures, masks, no signal.
 */
export async function srrlStep(
  context: MethodContext,
  config: RunConfig,
  input: StepInput,
): Promise<StepOutcome> {
  const { step, srrl } = begin(context, config, input);
  const { first, second } = await rounds(step, async (problems) => {
    const { first, failed } = await attempts(step, srrl, problems);
    const asks = failed.map((attempt) => ({
      problem: attempt.problem,
      prompt: refinementPrompt(step, attempt),
      samples: srrl.refinements,
      parent: attempt,
    }));
    const second = await step.complete(step.fitting(asks, config.maxTokens), {
      phase: 'refine',
      kind: 'refinement',
      adapter: 'student',
      temperature: srrl.temperature,
      maxTokens: config.maxTokens,
      format: context.text.refinedFormat,
    });
    return { first, second };
  });
  return await learn(
    step,
    lesson(step, srrl, first, second, (rollout) => rollout.parent!),
  );
}

/**
 * The control `resample`: SRRL's places, filled without feedback. Where SRRL repairs a failed
 * attempt this asks the plain prompt again, as often and at the run's own temperature; all else is
 * the same. At an equal token budget it runs more steps, because its second answers need no long
 * prompts.
 */
export async function resampleStep(
  context: MethodContext,
  config: RunConfig,
  input: StepInput,
): Promise<StepOutcome> {
  const { step, srrl } = begin(context, config, input);
  const source = new Map<Rollout, Rollout>();
  const { first, second } = await rounds(step, async (problems) => {
    const { first, failed } = await attempts(step, srrl, problems);
    const asks = problems.flatMap((problem) => {
      const again = failed.filter((attempt) => attempt.problem === problem);
      return again.length > 0
        ? [{ problem, prompt: again[0]!.prompt, samples: srrl.refinements * again.length }]
        : [];
    });
    const second = await step.complete(asks, {
      phase: 'retry',
      kind: 'attempt',
      adapter: 'student',
      temperature: config.temperature,
      maxTokens: config.maxTokens,
    });
    second.forEach((rollout, i) => source.set(rollout, failed[Math.floor(i / srrl.refinements)]!));
    return { first, second };
  });
  // The same prompt throughout: one group, one weight.
  const alike = { ...srrl, advantage: 'pooled', lambda: 1 } as const;
  return await learn(
    step,
    lesson(step, alike, first, second, (rollout) => source.get(rollout)!),
  );
}

function begin(context: MethodContext, config: RunConfig, input: StepInput) {
  const { srrl } = config;
  if (!srrl)
    throw new Error(
      `A run of ${config.method} needs the settings under \`srrl\` in its configuration.`,
    );
  const step = new Step(context, config, input, srrl.first * (1 + srrl.refinements));
  return { step, srrl };
}

async function attempts(step: Step, srrl: SrrlConfig, problems: readonly number[]) {
  const first = await firstAttempts(step, srrl.first, problems);
  return { first, failed: first.filter((attempt) => attempt.reward === 0) };
}

function refinementPrompt({ context, problems }: Step, attempt: Rollout) {
  const { text, graded } = attempt;
  return context.text.refinement({
    problem: problems[attempt.problem]!,
    code: graded!.code ?? text,
    verdict: graded!.verdict,
  });
}

/** @param answers the failed first attempt that a second answer was given after. */
function lesson(
  step: Step,
  srrl: SrrlConfig,
  first: readonly Rollout[],
  second: readonly Rollout[],
  answers: (rollout: Rollout) => Rollout,
): Lesson {
  const isSecond = new Set(second);
  return {
    groups: advantageGroups(step, srrl, first, second, answers),
    first,
    weight: (rollout) => (isSecond.has(rollout) ? srrl.lambda : undefined),
    rescue: rescueOf(step, second, answers),
  };
}

/**
 * Who is normalised with whom: all completions of a problem, or c1 among c1 and c2 among the
 * repairs of one attempt.
 */
function advantageGroups(
  { problems }: Step,
  { advantage }: SrrlConfig,
  first: readonly Rollout[],
  second: readonly Rollout[],
  answers: (rollout: Rollout) => Rollout,
): Rollout[][] {
  return problems.flatMap((_, index) => {
    const c1 = first.filter((rollout) => rollout.problem === index);
    const c2 = second.filter((rollout) => rollout.problem === index);
    if (advantage === 'pooled') return [[...c1, ...c2]];
    const siblings = c1
      .map((attempt) => c2.filter((rollout) => answers(rollout) === attempt))
      .filter((group) => group.length > 0);
    return [c1, ...siblings];
  });
}

function rescueOf(
  { problems, config }: Step,
  second: readonly Rollout[],
  answers: (rollout: Rollout) => Rollout,
): NonNullable<StepFigures['rescue']> {
  const passes = second.filter((rollout) => rollout.reward === 1);
  const plain = (rollout: Rollout) =>
    (rollout.graded?.code ?? rollout.text).replace(/\s+/g, ' ').trim();
  return {
    failed: new Set(second.map(answers)).size,
    rescued: new Set(passes.map(answers)).size,
    answers: second.length,
    passes: passes.length,
    changed: second.filter((rollout) => plain(rollout) !== plain(answers(rollout))).length,
    visibleOnly:
      config.asserts === 'all'
        ? null
        : second.filter((rollout) => passesVisibleOnly(rollout, problems, config)).length,
  };
}

/**
 * The sign of hard-coding: every assert that the model saw passes, and one that it did not see
 * fails.
 */
function passesVisibleOnly(
  rollout: Rollout,
  problems: Step['problems'],
  { asserts }: RunConfig,
): boolean {
  const visible = new Set(visibleAsserts(problems[rollout.problem]!, asserts));
  const seen = rollout.graded!.verdict.asserts.filter((assert) => visible.has(assert.source));
  return (
    rollout.reward === 0 && seen.length > 0 && seen.every((assert) => assert.status === 'pass')
  );
}
