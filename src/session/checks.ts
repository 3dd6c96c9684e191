import * as v from 'valibot';
import { refuseOverlap, type ProblemSets } from '../data/order.ts';
import type { AdapterTensors } from '../model/engine.ts';
import { differences } from '../lib/differences.ts';
import { messageOf } from '../lib/errors.ts';
import { RunConfig } from '../schema/config.ts';
import type { RunEvent, RunEventOf } from '../schema/events.ts';
import { METHODS } from '../settings/methods.ts';
import { objectiveRefusal } from '../settings/objectives.ts';
import type { FoundCheckpoint, StoredRun } from '../storage/run-store.ts';
import { storagePlan } from './planning.ts';
import type { OpenedModel, RunPorts } from './run-ports.ts';

/** The run's problems; refuses a run without end and splits that intersect. */
export async function checkedProblems(ports: RunPorts, config: RunConfig): Promise<ProblemSets> {
  if (config.steps === null && config.budgetTokens === null) {
    throw new Error(
      'The run has neither a number of steps nor a token budget, so it would never end; set `steps` or `budgetTokens`.',
    );
  }
  const refusal = METHODS[config.method].shared.some((path) => path === 'objective.baseline')
    ? objectiveRefusal(config, config.problemsPerStep)
    : null;
  if (refusal !== null) throw new Error(refusal.sentence);
  const sets = await ports.problems(config);
  refuseOverlap(sets);
  return sets;
}

/** The adapter that the student is to start from; null: a fresh one. */
export async function startOf(ports: RunPorts, config: RunConfig): Promise<AdapterTensors | null> {
  const { adapter } = config;
  if (adapter === null) return null;
  if (!ports.readAdapter)
    throw new Error(
      `Runs start from fresh adapters here; start from ${adapter} on the command line.`,
    );
  return await ports.readAdapter(adapter, config);
}

export async function storedConfig(stored: StoredRun): Promise<RunConfig> {
  const bytes = await stored.readFile('config.json');
  if (!bytes)
    throw new Error(`Run ${stored.runId} has no config.json, so there is nothing to resume.`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new Error(`config.json of run ${stored.runId} does not parse: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  return parseConfig(value, `config.json of run ${stored.runId}`);
}

/** Parses a run's configuration; throws a sentence naming the field. */
export function parseConfig(value: unknown, what: string): RunConfig {
  const parsed = v.safeParse(RunConfig, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new Error(
    `${what} does not parse: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}.`,
  );
}

/**
 * The model of a new run, once it is clear that its prompts fit into the model and what it stores
 * into the store.
 */
export async function openChecked(
  ports: RunPorts,
  config: RunConfig,
  sets: ProblemSets,
): Promise<OpenedModel> {
  const model = await ports.openModel(config, sets);
  try {
    refuseLongPrompts(model, config, sets);
    return {
      ...model,
      warnings: [...(model.warnings ?? []), ...(await storageWarnings(ports, config, model))],
    };
  } catch (error) {
    model.engine.destroy();
    throw error;
  }
}

function refuseLongPrompts(
  { engine, text }: OpenedModel,
  config: RunConfig,
  sets: ProblemSets,
): void {
  for (const problem of [...sets.train, ...sets.test]) {
    const length = text.prompt(problem).ids.length;
    if (length + config.maxTokens > engine.maxContext) {
      throw new Error(
        `The prompt of ${problem.id} has ${length} tokens; with ${config.maxTokens} new ones ` +
          `it exceeds the model's context of ${engine.maxContext}. Ask for fewer new tokens.`,
      );
    }
  }
}

/** Refuses a run that there is surely no room for; what else is to be said of the store. */
async function storageWarnings(
  ports: RunPorts,
  config: RunConfig,
  { plan }: OpenedModel,
): Promise<string[]> {
  if (!plan || !ports.room) return [];
  const storage = storagePlan(config, plan, await ports.room());
  if (!storage.fits) throw new Error(`The run was not started. ${storage.summary}`);
  return storage.persisted === false ? [storage.summary] : [];
}

/**
 * Refuses to begin where a run has been. Only a log that holds nothing but a start (the run was
 * killed before its first checkpoint), with nothing beside it, may be begun again.
 */
export function refuseLoss(
  stored: StoredRun,
  events: readonly RunEvent[],
  found: FoundCheckpoint,
): void {
  const started = events.every(({ type }) => type === 'run.started' || type === 'warning.raised');
  const { tokenBytes } = stored.offset();
  if (started && tokenBytes === 0 && found.checkpoint === null && found.passedOver.length === 0)
    return;
  throw lost(stored.runId, found, events.length);
}

/** Why a run cannot continue, and what can be done; nothing of it has been changed. */
export function lost(
  runId: string,
  { checkpoint, passedOver }: FoundCheckpoint,
  events = 0,
): Error {
  const what =
    checkpoint !== null
      ? `Run ${runId} has a checkpoint of step ${checkpoint.step}, and its log does not begin with ` +
        'run.started.'
      : passedOver.length > 0
        ? `Run ${runId} has no checkpoint that can be used. ${passedOver.join(' ')}`
        : `Run ${runId} has no checkpoint, and its log holds ${events} events.`;
  return new Error(
    `${what} It cannot continue exactly, and nothing of it was changed: put the missing file back ` +
      'from a copy, or start a new run under another name. What the log holds can still be read ' +
      'and reported.',
  );
}

/** Refuses a config.json that is not the one the run began with. */
export function refuseOtherSettings(started: RunEventOf<'run.started'>, config: RunConfig): void {
  const differ = differences(started.config, config);
  if (differ.length === 0) return;
  const said = differ.map(
    ({ path, first, second }) =>
      `${path} ${JSON.stringify(first)} in the log, ${JSON.stringify(second)} in config.json`,
  );
  throw new Error(
    `config.json is not the one this run began with (${said.join('; ')}), so the run would not ` +
      'continue exactly. Nothing was changed: put those values back, or start a new run.',
  );
}

export function refuseOtherProblems(started: RunEventOf<'run.started'>, sets: ProblemSets): void {
  for (const name of ['train', 'val', 'test'] as const) {
    if (started.problems[name].join('\n') !== sets[name].map((p) => p.id).join('\n')) {
      throw new Error(
        `The ${name} problems of this run are not those it began with (the data set changed), ` +
          'so it cannot continue exactly; start a new run.',
      );
    }
  }
}
