import * as v from 'valibot';
import { KINDS, PHASES } from '../settings/kinds.ts';
import { RunConfig } from './config.ts';
import { EngineSizes } from './plan.ts';
import { Verdict } from './verdict.ts';

/**
 * The run log: an append-only list of these events, one JSON object a line. The engine writes it,
 * nothing else does; every screen is a function of it. `seq` numbers the lines of a run from 0;
 * `time` is for people (ms since the epoch) and nothing may depend on it.
 */
export const LOG_VERSION = 1;

const base = { seq: v.number(), time: v.number() };
const tokens = v.object({
  /**
   * Prompt tokens computed (a shared prefix once), tokens generated, tokens trained on: totals of
   * the run so far.
   */
  prompt: v.number(),
  generated: v.number(),
  trained: v.number(),
});
export type TokenTotals = v.InferOutput<typeof tokens>;

export const Rate = v.object({
  problems: v.number(),
  passes: v.number(),
  rate: v.number(),
  ci95: v.tuple([v.number(), v.number()]),
});

/** One kind of completion in one step. */
const kindFigures = v.object({
  kind: v.picklist(KINDS),
  completions: v.number(),
  /** Judged as a pass; 0 of reflections, which are not programs. */
  passes: v.number(),
  infra: v.number(),
  /** Tokens of this step, not totals. */
  tokens,
  /** Gradient norm of its completions alone, before clipping; null: none carried loss. */
  gradNorm: v.nullable(v.number()),
});
export type KindFigures = v.InferOutput<typeof kindFigures>;

export const RunEvent = v.variant('type', [
  v.object({
    ...base,
    type: v.literal('run.started'),
    version: v.literal(LOG_VERSION),
    runId: v.string(),
    config: RunConfig,
    device: v.object({ vendor: v.string(), architecture: v.string(), description: v.string() }),
    /** Forced on resume, so that a resumed run is byte-identical. */
    tuner: v.object({
      ...EngineSizes.entries,
      slots: v.optional(v.number()), // older logs have no slots
      /** Kernel variants by task and rows; none named: the plain ones. */
      variants: v.optional(v.record(v.string(), v.string()), {}),
    }),
    /** Ids of the problems drawn for each use. */
    problems: v.object({
      train: v.array(v.string()),
      val: v.array(v.string()),
      test: v.array(v.string()),
    }),
  }),
  v.object({ ...base, type: v.literal('run.resumed'), step: v.number() }),
  v.object({
    ...base,
    type: v.literal('step.started'),
    step: v.number(),
    epoch: v.number(),
    problems: v.array(v.string()),
  }),
  v.object({
    ...base,
    type: v.literal('phase.started'),
    step: v.number(),
    phase: v.picklist(PHASES),
  }),
  v.object({
    ...base,
    type: v.literal('rollout.completed'),
    step: v.number(),
    /**
     * Unique within the run: `<step>/<problem index>/<sample>` of an attempt; of what follows from
     * it `<its id>.<n>` for the n-th refinement or reflection, `<its id>.<n>.<m>` for the m-th
     * retry with that reflection.
     */
    id: v.string(),
    kind: v.optional(v.picklist(KINDS), 'attempt'),
    /**
     * The attempt that is refined or reflected on, the reflection a retry was given; null of
     * attempts.
     */
    parent: v.optional(v.nullable(v.string()), null),
    problem: v.string(),
    sample: v.number(),
    /** The prompt as the model saw it. */
    prompt: v.string(),
    text: v.string(),
    /**
     * The program extracted from `text`; null: no code, as in every reflection, which gets no
     * verdict either.
     */
    code: v.nullable(v.string()),
    tokens: v.number(),
    finish: v.picklist(['eos', 'stop', 'length']),
    temperature: v.number(),
    /** Sum of the sampler's log-probs, mean entropy in nats. */
    logprob: v.number(),
    entropy: v.number(),
  }),
  v.object({ ...base, type: v.literal('verdict.reached'), rollout: v.string(), verdict: Verdict }),
  v.object({
    ...base,
    type: v.literal('rollout.rewarded'),
    rollout: v.string(),
    /** What it was paid; of a reflection the pass rate of the retries with it. */
    reward: v.nullable(v.number()),
    /** Passed asserts of all; of a reflection passed retries of all judged. */
    passed: v.number(),
    asserts: v.number(),
    /** What was added to the reward before it was compared: soft overlong, KL in the reward. */
    penalty: v.optional(v.number()),
    /** A; where tokens have each their own, the mean of them. */
    advantage: v.number(),
    /**
     * What its tokens weigh in the loss where that is not the advantage: λ of its phase, or a
     * reflection's gated w.
     */
    weight: v.optional(v.number()),
    /**
     * Mean and standard deviation (ddof 1) of the group it was normalised by; of a reflection the
     * baselines' pass rate and 0.
     */
    groupMean: v.number(),
    groupStd: v.number(),
    /** False: masked out of the loss (truncated, infra, or a group without signal). */
    inLoss: v.boolean(),
    /** Where its token columns start in tokens.bin, bytes; see src/schema/columns.ts. */
    columns: v.number(),
  }),
  v.object({
    ...base,
    /** A program that passed became a target for the student without reflection (Refl-KD). */
    type: v.literal('target.distilled'),
    step: v.number(),
    problem: v.string(),
    /** The completion that was the target: a retry, or a fresh attempt of the student. */
    rollout: v.string(),
    /** The reflection in the teacher's prompt. */
    reflection: v.string(),
    /** The teacher's prompt as it saw it. */
    prompt: v.string(),
    tokens: v.number(),
    /** Mean over its tokens of τ² KL(teacher ‖ student), before the update. */
    loss: v.number(),
    /** Where its distillation columns start in tokens.bin, bytes; see src/schema/columns.ts. */
    columns: v.number(),
  }),
  v.object({
    ...base,
    type: v.literal('update.applied'),
    step: v.number(),
    loss: v.number(),
    gradNorm: v.number(),
    kl: v.number(),
    entropy: v.number(),
    clipRatio: v.number(),
    /** Mean reward (infra left out) and fraction of rollouts that pass. */
    reward: v.number(),
    passRate: v.number(),
    /** Groups whose rewards were all equal, of all groups. */
    zeroSignal: v.number(),
    groups: v.number(),
    infra: v.number(),
    samplerGap: v.nullable(v.number()),
    skipped: v.boolean(),
    /** True: no group had signal, so the optimiser did not step. */
    noSignal: v.boolean(),
    totals: tokens,
    seconds: v.object({ sample: v.number(), grade: v.number(), update: v.number() }),
    tokensPerSecond: v.number(),
    /** By kind of completion, where a method has several. */
    kinds: v.optional(v.array(kindFigures), []),
    /**
     * Second answers to failed first ones, with feedback (SRRL) or without (`resample`); null: none
     * were asked for.
     */
    rescue: v.optional(
      v.nullable(
        v.object({
          /**
           * Failed first attempts that got second answers, and those of which at least one passed.
           */
          failed: v.number(),
          rescued: v.number(),
          answers: v.number(),
          passes: v.number(),
          /** Second answers whose program differs from the first by more than white space. */
          changed: v.number(),
          /**
           * Answers that pass every assert a model may see and not all there are; null where it may
           * see all shown ones.
           */
          visibleOnly: v.nullable(v.number()),
        }),
      ),
      null,
    ),
    /** Refl-KD: the reflector's own update. */
    reflection: v.optional(
      v.nullable(
        v.object({
          /** Problems with a failing baseline and with a reflection that weighed something. */
          problems: v.number(),
          weighed: v.number(),
          /** Mean pass rates of the same problems: baselines, and retries with a reflection. */
          baseline: v.number(),
          retries: v.number(),
          /**
           * The fair comparison: problems with attempts after the one reflected on, those attempts'
           * mean pass rate, and that of their retries. `baseline` holds a failure by choice, so
           * retries that learnt nothing exceed it too. Null: no such problem.
           */
          paired: v.optional(
            v.nullable(
              v.object({ problems: v.number(), baseline: v.number(), retries: v.number() }),
            ),
            null,
          ),
          loss: v.number(),
          gradNorm: v.number(),
          kl: v.number(),
          skipped: v.boolean(),
        }),
      ),
      null,
    ),
    /** Refl-KD: the student's update, whose figures are those of the step. */
    distillation: v.optional(
      v.nullable(v.object({ targets: v.number(), tokens: v.number(), loss: v.number() })),
      null,
    ),
  }),
  v.object({
    ...base,
    type: v.literal('eval.completed'),
    when: v.picklist(['before', 'after']),
    greedy: v.nullable(Rate),
    sampled: v.nullable(
      v.object({
        ...Rate.entries,
        samples: v.number(),
        temperature: v.number(),
        passAt8: v.nullable(v.number()),
      }),
    ),
    /** Passes per problem: greedy 0/1 and count of sampled passes; null: none was judged. */
    perProblem: v.array(
      v.object({
        id: v.string(),
        greedy: v.nullable(v.number()),
        sampled: v.nullable(v.number()),
        /** Samples that were judged; absent in older logs. */
        judged: v.optional(v.number()),
      }),
    ),
  }),
  v.object({ ...base, type: v.literal('checkpoint.saved'), step: v.number(), bytes: v.number() }),
  v.object({
    ...base,
    type: v.literal('warning.raised'),
    message: v.string(),
    /**
     * Where the engine's sizes had to change with it: from here on the run is not byte-identical to
     * one that kept them.
     */
    nonIdentical: v.optional(EngineSizes),
  }),
  v.object({ ...base, type: v.literal('run.paused'), step: v.number(), reason: v.string() }),
  v.object({
    ...base,
    type: v.literal('run.finished'),
    step: v.number(),
    reason: v.picklist(['steps', 'budget', 'stopped']),
    totals: tokens,
  }),
]);
export type RunEvent = v.InferOutput<typeof RunEvent>;
export type RunEventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;
/** What the engine hands to the log, which adds `seq` and `time`. */
export type NewEvent = RunEvent extends infer E
  ? E extends RunEvent
    ? Omit<E, 'seq' | 'time'>
    : never
  : never;

/** Parses one line of events.jsonl; throws a sentence naming the field. */
export function parseEvent(value: unknown): RunEvent {
  const result = v.safeParse(RunEvent, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new Error(
    `This run log holds an event that does not parse: ${v.getDotPath(issue) ?? 'event'}: ${issue.message}.`,
  );
}
