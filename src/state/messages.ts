import * as v from 'valibot';
import { RunConfig } from '../schema/config.ts';
import { EvaluationConfig, EvaluationEvent, JudgedAnswer } from '../schema/evaluation.ts';
import { RunEvent } from '../schema/events.ts';
import { PHASES } from '../settings/kinds.ts';
import { RunPlan, StepEstimate } from '../schema/plan.ts';
import { ModelOffer, ModelShelf, ModelTransfer } from '../schema/models.ts';
import type { SessionAnswers, SessionRequest, SessionStatus } from '../schema/protocol.ts';

/** Parsers of what the session's worker sends: the types of src/schema/protocol.ts, checked. */

const DeviceReport = v.object({
  available: v.boolean(),
  summary: v.string(),
  vendor: v.string(),
  architecture: v.string(),
  description: v.string(),
  software: v.boolean(),
  features: v.array(v.string()),
  limits: v.record(v.string(), v.number()),
  selfTest: v.array(v.object({ name: v.string(), ok: v.boolean(), detail: v.string() })),
  warnings: v.array(v.string()),
});

export const RunSummary = v.object({
  runId: v.string(),
  config: RunConfig,
  startedAt: v.number(),
  step: v.number(),
  state: v.picklist(['running', 'elsewhere', 'paused', 'interrupted', 'finished']),
  bytes: v.number(),
  checkpoints: v.number(),
});

const NamedFile = v.object({ path: v.string(), file: v.instance(Blob) });

const ImportedAdapter = v.object({
  id: v.string(),
  label: v.string(),
  rank: v.number(),
  base: v.nullable(v.string()),
  bytes: v.number(),
});

const EvaluationHead = v.object({
  id: v.string(),
  config: EvaluationConfig,
  startedAt: v.number(),
  judged: v.number(),
  answers: v.number(),
  state: v.picklist(['running', 'interrupted', 'finished', 'cancelled', 'failed']),
  rate: v.nullable(v.number()),
  bytes: v.number(),
});

const Status = v.variant('state', [
  v.object({ state: v.literal('idle') }),
  v.object({ state: v.literal('loading'), what: v.string(), fraction: v.nullable(v.number()) }),
  v.object({
    state: v.literal('running'),
    runId: v.string(),
    step: v.number(),
    phase: v.picklist([...PHASES, 'checkpoint']),
    done: v.number(),
    total: v.number(),
    pausing: v.boolean(),
  }),
  v.object({ state: v.literal('paused'), runId: v.string(), reason: v.string() }),
  v.object({ state: v.literal('evaluating'), evaluation: v.string(), what: v.string() }),
]) satisfies v.GenericSchema<unknown, SessionStatus>;

const Message = v.variant('type', [
  v.object({ type: v.literal('answer'), id: v.number(), value: v.unknown() }),
  v.object({ type: v.literal('failure'), id: v.number(), message: v.string() }),
  v.object({ type: v.literal('events'), runId: v.string(), events: v.array(RunEvent) }),
  v.object({
    type: v.literal('evaluation'),
    evaluation: v.string(),
    events: v.array(EvaluationEvent),
  }),
  v.object({ type: v.literal('model'), transfer: ModelTransfer }),
  v.object({ type: v.literal('status'), status: Status }),
  v.object({ type: v.literal('elsewhere'), runId: v.string(), status: v.nullable(Status) }),
]);
export type ParsedMessage = v.InferOutput<typeof Message>;

const runId = v.object({ runId: v.string() });
const DatasetOffer = v.object({
  name: v.string(),
  problems: v.nullable(v.number()),
  trains: v.boolean(),
  needs: v.nullable(v.string()),
  given: v.boolean(),
});
const modelId = v.object({ id: v.string() });
const done = v.pipe(
  v.unknown(),
  v.transform(() => null),
);
const answers: { [K in keyof SessionAnswers]: v.GenericSchema<unknown, SessionAnswers[K]> } = {
  device: DeviceReport,
  start: runId,
  plan: RunPlan,
  measure: StepEstimate,
  resume: runId,
  'evaluate-stopped': runId,
  pause: done,
  stop: done,
  runs: v.array(RunSummary),
  damaged: v.array(
    v.object({
      kind: v.picklist(['run', 'evaluation']),
      id: v.string(),
      reason: v.string(),
      bytes: v.number(),
    }),
  ),
  log: v.array(RunEvent),
  tokens: v.object({ block: v.instance(ArrayBuffer), text: v.array(v.string()) }),
  distillation: v.object({
    block: v.instance(ArrayBuffer),
    texts: v.array(v.tuple([v.number(), v.string()])),
  }),
  delete: done,
  'run-files': v.array(NamedFile),
  'import-run': runId,
  adapters: v.array(ImportedAdapter),
  'import-adapter': ImportedAdapter,
  'delete-adapter': done,
  preset: RunConfig,
  datasets: v.array(DatasetOffer),
  'import-dataset': DatasetOffer,
  evaluate: v.object({ id: v.string() }),
  cancel: done,
  evaluations: v.array(EvaluationHead),
  evaluation: v.array(EvaluationEvent),
  answer: JudgedAnswer,
  'evaluation-files': v.object({
    'samples.jsonl': v.string(),
    'results.jsonl': v.string(),
    'summary.json': v.string(),
  }),
  'delete-evaluation': done,
  models: ModelShelf,
  'look-up-model': ModelOffer,
  'download-model': modelId,
  'import-model': modelId,
  'cancel-model': done,
  'delete-model': done,
};

/** Parses one message of the worker; throws a sentence naming the field. */
export function parseMessage(data: unknown): ParsedMessage {
  return parse(Message, data, 'The training worker sent a message this page does not understand');
}

/** Parses the answer to a request of type `type`; throws a sentence naming the field. */
export function parseAnswer<K extends SessionRequest['type']>(
  type: K,
  value: unknown,
): SessionAnswers[K] {
  return parse(answers[type], value, `The training worker's answer to '${type}' does not parse`);
}

function parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown, what: string): T {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new Error(
    `${what}: ${v.getDotPath(issue) ?? 'message'}: ${issue.message}. Reload the page.`,
  );
}
