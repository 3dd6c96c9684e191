import * as v from 'valibot';
import { RunConfig } from './config.ts';
import { Verdict } from './verdict.ts';

/**
 * The run log: an append-only list of these events, one JSON object a line. The engine writes it, nothing else does;
 * every screen is a function of it. `seq` numbers the lines of a run from 0; `time` is for people (ms since the epoch)
 * and nothing may depend on it.
 */
export const LOG_VERSION = 1;

const base = { seq: v.number(), time: v.number() };
const tokens = v.object({
  /** Prompt tokens computed (a shared prefix once), tokens generated, tokens trained on: totals of the run so far. */
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

export const RunEvent = v.variant('type', [
  v.object({
    ...base,
    type: v.literal('run.started'),
    version: v.literal(LOG_VERSION),
    runId: v.string(),
    config: RunConfig,
    device: v.object({ vendor: v.string(), architecture: v.string(), description: v.string() }),
    /** Forced on resume, so that a resumed run is byte-identical. */
    tuner: v.object({ microBatchRows: v.number() }),
    /** Ids of the problems drawn for each use. */
    problems: v.object({ train: v.array(v.string()), val: v.array(v.string()), test: v.array(v.string()) }),
  }),
  v.object({ ...base, type: v.literal('run.resumed'), step: v.number() }),
  v.object({ ...base, type: v.literal('step.started'), step: v.number(), epoch: v.number(), problems: v.array(v.string()) }),
  v.object({
    ...base,
    type: v.literal('phase.started'),
    step: v.number(),
    phase: v.picklist(['sample', 'grade', 'update', 'evaluate']),
  }),
  v.object({
    ...base,
    type: v.literal('rollout.completed'),
    step: v.number(),
    /** Unique within the run: `<step>/<problem index>/<sample>`. */
    id: v.string(),
    problem: v.string(),
    sample: v.number(),
    /** The prompt as the model saw it. */
    prompt: v.string(),
    text: v.string(),
    /** The program extracted from `text`; null: no code. */
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
    reward: v.nullable(v.number()),
    passed: v.number(),
    asserts: v.number(),
    advantage: v.number(),
    /** Mean and standard deviation (ddof 1) of the group it was normalised by. */
    groupMean: v.number(),
    groupStd: v.number(),
    /** False: masked out of the loss (truncated, infra, or a group without signal). */
    inLoss: v.boolean(),
    /** Where its token columns start in tokens.bin, bytes; see src/schema/columns.ts. */
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
  }),
  v.object({
    ...base,
    type: v.literal('eval.completed'),
    when: v.picklist(['before', 'after']),
    greedy: v.nullable(Rate),
    sampled: v.nullable(v.object({ ...Rate.entries, samples: v.number(), temperature: v.number(), passAt8: v.nullable(v.number()) })),
    /** Passes per problem: greedy 0/1 and count of sampled passes. */
    perProblem: v.array(v.object({ id: v.string(), greedy: v.nullable(v.number()), sampled: v.nullable(v.number()) })),
  }),
  v.object({ ...base, type: v.literal('checkpoint.saved'), step: v.number(), bytes: v.number() }),
  v.object({ ...base, type: v.literal('warning.raised'), message: v.string() }),
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
export type NewEvent = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, 'seq' | 'time'> : never) : never;

/** Parses one line of events.jsonl; throws a sentence naming the field. */
export function parseEvent(value: unknown): RunEvent {
  const result = v.safeParse(RunEvent, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new Error(`This run log holds an event that does not parse: ${v.getDotPath(issue) ?? 'event'}: ${issue.message}.`);
}
