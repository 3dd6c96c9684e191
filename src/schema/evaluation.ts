import * as v from 'valibot';
import { Verdict, VerdictStatus, passCount } from './verdict.ts';

/*
 * An evaluation is a log, as a run is: `evaluation.started`, one `answer.judged` an answer,
 * `evaluation.ended`, one JSON object a line. Answers come in the order they are judged. A screen
 * gets each without its text and asserts (`AnswerHead`) and asks for what it shows.
 */
export const EVALUATION_VERSION = 1;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));

export const EvaluationConfig = v.object({
  version: v.literal(EVALUATION_VERSION),
  source: v.variant('kind', [
    v.object({
      kind: v.literal('model'),
      model: v.string(),
      /** The finished run or imported adapter (its id) that is put on; null: the model as it is. */
      adapterOf: v.nullable(v.string()),
      /** Answers a problem. */
      n: v.pipe(positive, v.maxValue(1000)),
      /** 0 is greedy. */
      temperature: v.pipe(v.number(), v.minValue(0), v.maxValue(10)),
      split: v.picklist(['train', 'validation', 'test', 'all']),
      /** A seeded choice of so many problems; null: all of the split. */
      limit: v.nullable(positive),
      seed: v.pipe(count, v.maxValue(2 ** 32 - 1)),
    }),
    v.object({ kind: v.literal('samples'), file: v.string() }),
  ]),
  /** A data set's name, or that of the file it came from. */
  dataset: v.string(),
  /** Wall-clock limit of one program, in seconds, before calibration to the machine. */
  timeoutSeconds: v.pipe(v.number(), v.minValue(0.1)),
});
export type EvaluationConfig = v.InferOutput<typeof EvaluationConfig>;

/** Where there are k samples a problem, `pass@k` comes besides. */
export const Rates = v.looseObject({
  problems: count,
  passes: count,
  'pass@1': v.number(),
  ci95: v.tuple([v.number(), v.number()]),
});
export type Rates = v.InferOutput<typeof Rates>;

/** summary.json of an evaluation. */
export const EvaluationSummary = v.object({
  version: v.literal(1),
  /** Null where a samples file was graded. */
  model: v.nullable(v.string()),
  adapter: v.nullable(v.string()),
  dataset: v.string(),
  samples_per_problem: count,
  base: Rates,
  /** By base and plus inputs together, where the data set has them. */
  plus: v.optional(Rates),
  /** What has to be said beside figures of fewer than 100 problems. */
  label: v.optional(v.string()),
  timeouts: count,
  crashes: count,
  infra: count,
  wall_s: v.number(),
});
export type EvaluationSummary = v.InferOutput<typeof EvaluationSummary>;

const base = { seq: count, time: v.number() };

const Started = v.object({
  ...base,
  type: v.literal('evaluation.started'),
  version: v.literal(EVALUATION_VERSION),
  config: EvaluationConfig,
  /** Those asked or answered, in the data set's order, and how many answers each will have. */
  problems: v.array(v.object({ id: v.string(), text: v.string(), answers: positive })),
  /** Problems the data set has. */
  available: count,
});

const Parts = v.object({ base: VerdictStatus, plus: VerdictStatus });

export const JudgedAnswer = v.object({
  ...base,
  type: v.literal('answer.judged'),
  problem: v.string(),
  /** The problem's id as the samples file writes it. */
  taskId: v.string(),
  sample: count,
  /** What the model or the file said. */
  text: v.string(),
  /** The program in it; null: none. */
  code: v.nullable(v.string()),
  verdict: Verdict,
  parts: v.optional(Parts),
});
export type JudgedAnswer = v.InferOutput<typeof JudgedAnswer>;

const Ended = v.object({
  ...base,
  type: v.literal('evaluation.ended'),
  reason: v.picklist(['finished', 'cancelled', 'failed']),
  /** One sentence, where it failed. */
  message: v.optional(v.string()),
  /** Of the answers judged; null where there are none. */
  summary: v.nullable(EvaluationSummary),
});

/** A line of the stored log. */
export const EvaluationRecord = v.variant('type', [Started, JudgedAnswer, Ended]);
export type EvaluationRecord = v.InferOutput<typeof EvaluationRecord>;

const AnswerHead = v.object({
  ...base,
  type: v.literal('answer.judged'),
  problem: v.string(),
  sample: count,
  status: VerdictStatus,
  parts: v.optional(Parts),
  /** Asserts that pass, of so many. */
  passed: count,
  asserts: count,
  /** Type and message of the error that ended the program. */
  error: v.optional(v.string()),
});
export type AnswerHead = v.InferOutput<typeof AnswerHead>;

/** What screens fold: the log without texts and asserts. */
export const EvaluationEvent = v.variant('type', [Started, AnswerHead, Ended]);
export type EvaluationEvent = v.InferOutput<typeof EvaluationEvent>;
export type EvaluationStarted = v.InferOutput<typeof Started>;
export type EvaluationEnded = v.InferOutput<typeof Ended>;

export function eventOf(record: EvaluationRecord): EvaluationEvent {
  if (record.type !== 'answer.judged') return record;
  const { seq, time, type, problem, sample, verdict, parts } = record;
  const error =
    verdict.error &&
    [verdict.error.type, verdict.error.message].filter((part) => part !== '').join(': ');
  return {
    ...{ seq, time, type, problem, sample, status: verdict.status },
    ...(parts && { parts }),
    ...{ passed: passCount(verdict), asserts: verdict.asserts.length },
    ...(error !== undefined && { error }),
  };
}

/** Parses a line of an evaluation's log; throws a sentence naming the field. */
export function parseEvaluationRecord(value: unknown): EvaluationRecord {
  const parsed = v.safeParse(EvaluationRecord, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new Error(`${v.getDotPath(issue) ?? 'the line'}: ${issue.message}`);
}
