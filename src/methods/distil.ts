import type { Prompt } from '../data/prompts.ts';
import { mean } from '../lib/stats.ts';
import type { AdapterName, Score, TokenColumns, TrainResult } from '../model/engine.ts';
import { KEPT_TOP, NO_TOKEN, type TopTokens } from '../schema/columns.ts';
import type { ReflKdConfig } from '../schema/config.ts';
import type { Rollout, Step } from './step.ts';

/** Something to distil: the same tokens under two contexts, each with its own positions. */
export interface Target {
  /** The retry that passed; its prompt is the teacher's. */
  readonly retry: Rollout;
  readonly reflection: Rollout;
  /** The student's prompt: the task without attempt, feedback or reflection. */
  readonly prompt: Prompt;
  /** Whose tokens are followed: the retry, or a fresh answer of the student. */
  readonly completion: Rollout;
}

export interface Distilled {
  /** Null: there was nothing to distil. */
  readonly result: TrainResult | null;
  /** Weight of each token of a target in the loss. */
  readonly weights: ReadonlyMap<Rollout, number>;
  readonly columns: ReadonlyMap<Rollout, TokenColumns>;
}

type KdConfig = ReflKdConfig['kd'];
const TEACHERS = { snapshot: 'student', ema: 'teacher', base: 'none' } as const satisfies Record<
  KdConfig['teacher'],
  AdapterName
>;

/**
 * One update of the student towards its teacher on the tokens of all targets: mean over targets of
 * the mean over tokens of τ² KL(teacher ‖ student), on the teacher's k most likely tokens and one
 * tail. The teacher is scored before the update. Its context is counted among the tokens computed.
 */
export async function distil(
  step: Step,
  kd: KdConfig,
  targets: readonly Target[],
): Promise<Distilled> {
  if (targets.length === 0) return { result: null, weights: new Map(), columns: new Map() };
  const { context, config } = step;
  const { engine } = context;
  const k = Math.min(kd.topK, engine.vocabSize - 1);
  return await step.update('distill', async () => {
    const asked = (adapter: AdapterName, prompt: (target: Target) => Prompt, top: number) =>
      engine.score(
        targets.map((target) => ({
          ids: [...prompt(target).ids, ...target.completion.completion.ids],
          promptLength: prompt(target).ids.length,
          adapter,
          temperature: kd.temperature,
          top,
        })),
      );
    const teacher = await asked(TEACHERS[kd.teacher], ({ retry }) => retry.prompt, k);
    const before = await asked('student', ({ prompt }) => prompt, Math.min(KEPT_TOP, k));
    const result = await engine.trainStep({
      adapter: 'student',
      sequences: targets.map(({ prompt, completion: { completion } }, i) => ({
        group: i,
        prompt: prompt.ids,
        completion: completion.ids,
        temperature: kd.temperature,
        weight: 1 / (targets.length * completion.ids.length),
        teacher: {
          k,
          ids: teacher[i]!.top!.flatMap((row) => row.map(([id]) => id)),
          logprobs: teacher[i]!.top!.flatMap((row) => row.map(([, logprob]) => logprob)),
        },
      })),
      loss: { kind: 'kd', mode: kd.mode },
      optimizer: { learningRate: step.learningRate, ...config.optimizer },
      reference: true, // KL to the base is logged
    });
    targets.forEach((target, i) => {
      const { ids } = target.completion.completion;
      step.addPromptTokens('retry', target.retry.prompt.ids.length + ids.length);
      const loss = result.columns[i]!.loss.map((value) => value * targets.length * ids.length);
      context.emit({
        type: 'target.distilled',
        step: step.input.step,
        problem: step.problems[target.retry.problem]!.id,
        rollout: target.completion.id,
        reflection: target.reflection.id,
        prompt: target.retry.prompt.text,
        tokens: ids.length,
        loss: result.skipped ? 0 : mean(loss),
        columns: context.distillation({
          ids: Uint32Array.from(ids),
          ends: context.text.ends(ids, target.completion.prompt.ids),
          loss,
          teacher: topTokens(teacher[i]!),
          student: topTokens(before[i]!),
        }),
      });
    });
    const each = <T>(value: (target: Target, i: number) => T) =>
      new Map(targets.map((target, i) => [target.completion, value(target, i)] as const));
    return {
      result,
      weights: each(({ completion }) => 1 / (targets.length * completion.completion.ids.length)),
      columns: each((_, i) => result.columns[i]!),
    };
  });
}

/** The best KEPT_TOP of each position. */
function topTokens({ top }: Score): TopTokens {
  const n = top!.length;
  const ids = new Uint32Array(n * KEPT_TOP);
  const logprobs = new Float32Array(n * KEPT_TOP).fill(NO_TOKEN);
  top!.forEach((row, position) => {
    row.slice(0, KEPT_TOP).forEach(([id, logprob], i) => {
      ids[position * KEPT_TOP + i] = id;
      logprobs[position * KEPT_TOP + i] = logprob;
    });
  });
  return { ids, logprobs };
}
