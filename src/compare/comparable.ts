import { settingText, type Arm } from './arms.ts';
import type { RunRecord } from './record.ts';

/** Why these runs cannot be compared, one sentence; null: they can. */
export function refusalOf(records: readonly RunRecord[]): string | null {
  if (records.length < 2)
    return `A comparison needs two runs or more; ${records.length} was given.`;
  for (const record of records) {
    const why = unusable(record);
    if (why !== null) return why;
  }
  return disagreement(records);
}

/** Why this run compares with no other, one sentence; null: nothing about it alone forbids it. */
function unusable(record: RunRecord): string | null {
  if (!record.finished)
    return `${nameOf(record)} is not finished (${record.steps} steps so far); let it end, or leave it out.`;
  if (record.outcomes !== null) return null;
  return record.testProblems.length === 0
    ? `${nameOf(record)} has no test problems, so it was never evaluated; leave it out.`
    : `${nameOf(record)} was stopped before its evaluation after training; evaluate it on its page, or leave it out.`;
}

function disagreement(records: readonly RunRecord[]): string | null {
  return (
    otherSetting(records, 'data sets', ({ config }) => config.dataset) ??
    otherSetting(records, 'models', ({ config }) => config.model) ??
    otherSetting(records, 'temperatures of evaluation', ({ config }) => config.evalTemperature) ??
    otherSetting(
      records,
      'most tokens of an answer (maxTokens)',
      ({ config }) => config.maxTokens,
    ) ??
    otherSetting(records, 'asserts in a prompt (asserts)', ({ config }) => config.asserts) ??
    otherProblems(records)
  );
}

export interface Comparable {
  /** The runs that compare with each other; fewer than two: none do. */
  readonly kept: readonly RunRecord[];
  /** The others, each with the sentence that says why. */
  readonly left: readonly { readonly runId: string; readonly why: string }[];
}

/** The largest set of runs that compare, built from each run in turn; of equal sets the first. */
export function comparableOf(records: readonly RunRecord[]): Comparable {
  const usable = records.filter((record) => unusable(record) === null);
  let kept: readonly RunRecord[] = [];
  for (const base of usable) {
    const set = usable.reduce(
      (held, record) =>
        record !== base && disagreement([...held, record]) === null ? [...held, record] : held,
      [base],
    );
    if (set.length > kept.length) kept = set;
  }
  const left = records
    .filter((record) => !kept.includes(record))
    .map((record) => ({
      runId: record.runId,
      why: unusable(record) ?? disagreement([...kept, record]) ?? '',
    }));
  return { kept: usable.filter((record) => kept.includes(record)), left };
}

/** Why two arms have nothing to be paired by; null: they share a seed. */
export function unpairedArms(arm: Arm, reference: Arm): string | null {
  if (arm.runs.some((run) => runOfSeed(reference, run.config.seed))) return null;
  const seeds = (of: Arm) => of.runs.map((run) => run.config.seed).join(', ');
  return (
    `${arm.name} (seed ${seeds(arm)}) and ${reference.name} (seed ${seeds(reference)}) ` +
    'have no seed in common, so their test problems differ; compare runs of the same ' +
    'seeds.'
  );
}

export function runOfSeed(arm: Arm, seed: number): RunRecord | undefined {
  return arm.runs.find((run) => run.config.seed === seed);
}

function otherSetting(
  records: readonly RunRecord[],
  what: string,
  of: (record: RunRecord) => unknown,
): string | null {
  const first = records[0]!;
  const other = records.find((record) => of(record) !== of(first));
  if (!other) return null;
  return (
    `${nameOf(first)} and ${nameOf(other)} are not comparable: their ${what} differ ` +
    `(${settingText(of(first))}, ${settingText(of(other))}).`
  );
}

/** Runs of one seed must have drawn the same test problems, or nothing pairs them. */
function otherProblems(records: readonly RunRecord[]): string | null {
  const bySeed = new Map<number, RunRecord>();
  for (const record of records) {
    const first = bySeed.get(record.config.seed);
    if (!first) {
      bySeed.set(record.config.seed, record);
      continue;
    }
    const known = new Set(first.testProblems);
    const same = record.testProblems.filter((id) => known.has(id)).length;
    if (same < known.size || same < record.testProblems.length)
      return (
        `${nameOf(first)} and ${nameOf(record)} are not comparable: they have seed ` +
        `${record.config.seed} in common and other test problems (${known.size} and ` +
        `${record.testProblems.length}, ${same} of them in both).`
      );
  }
  return null;
}

function nameOf({ runId }: RunRecord): string {
  return `Run ${runId}`;
}
