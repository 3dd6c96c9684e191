import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tokenizer } from '../../model/text/tokenizer.ts';
import { parseEvent, type RunEvent } from '../../schema/events.ts';
import type { NamedFile, RunSummary } from '../../schema/protocol.ts';
import type { ReportTexts } from '../../schema/report.ts';
import { importedRun, KEPT } from '../../session/import-run.ts';
import { runSummary } from '../../session/run-state.ts';
import { columnIndex, readBlock, rolloutTexts, targetTexts } from '../../storage/columns.ts';
import { parseLog } from '../../storage/log-lines.ts';
import { remark } from '../io.ts';
import { openTokenizer } from '../model.ts';

const LOG = 'events.jsonl';

export interface ReportRun {
  readonly summary: RunSummary;
  readonly events: readonly RunEvent[];
  /** What a reader needs of its folder. */
  readonly files: readonly NamedFile[];
  readonly texts: ReportTexts;
}

/** Gives the tokenizer that a run was made with. */
export type Tokenizers = (config: RunSummary['config']) => Promise<Tokenizer>;

/** Reads each tokenizer once. @param model whose to take for every run; null: each run's own */
export function tokenizersOf(model: string | null, root: string): Tokenizers {
  const read = new Map<string, Promise<Tokenizer>>();
  return ({ model: own, weights }) => {
    const key = model ?? `${own} ${weights}`;
    let tokenizer = read.get(key);
    if (!tokenizer) {
      tokenizer = openTokenizer(model ?? own, root, weights).then((opened) => opened.tokenizer);
      read.set(key, tokenizer);
    }
    return tokenizer;
  };
}

/** The folders of runs that `folder` stands for: itself, or those of a matrix, by name. */
export async function runFolders(folder: string): Promise<string[]> {
  const info = await stat(folder).catch(() => null);
  if (!info?.isDirectory())
    throw new Error(
      `There is no folder ${folder}; give the folder of a run, or of a matrix of runs.`,
    );
  if ((await sizeOf(join(folder, LOG))) !== null) return [folder];
  const runs: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const size = await sizeOf(join(folder, name, LOG));
    if (size === 0) remark(`${join(folder, name)} is left out: its run has not begun.`);
    else if (size !== null) runs.push(join(folder, name));
  }
  if (runs.length === 0)
    throw new Error(
      `${folder} holds no ${LOG}, and no folder in it a run that has begun; give the folder of ` +
        'a run, or of a matrix of runs.',
    );
  return runs;
}

async function sizeOf(file: string): Promise<number | null> {
  return (await stat(file).catch(() => null))?.size ?? null;
}

/**
 * Reads a run that ends where its log does now, should it be going on. Nothing in its folder is
 * touched.
 */
export async function readRun(
  folder: string,
  tokenizers: Tokenizers,
  keeps: (path: string) => boolean,
): Promise<ReportRun> {
  // The log first: the columns of every event in it are stored by then.
  const log = await readFile(join(folder, LOG));
  if (log.length === 0) throw new Error(`The run in ${folder} has not begun: its ${LOG} is empty.`);
  const { events, wholeBytes } = parseLog(log);
  if (events.length === 0)
    throw new Error(`${join(folder, LOG)} cannot be read by this version: ${firstComplaint(log)}`);
  const paths = (await readdir(folder, { recursive: true })).filter(
    (path) => path !== LOG && KEPT.test(path) && keeps(path),
  );
  const others = paths
    .sort()
    .map(async (path) => ({ path, file: new Blob([await readFile(join(folder, path))]) }));
  const given = [
    { path: LOG, file: new Blob([log.subarray(0, wholeBytes)]) },
    ...(await Promise.all(others)),
  ];
  const { runId, files } = await importedRun(given);
  const bytes = { total: files.reduce((sum, { file }) => sum + file.size, 0), checkpoints: 0 };
  const summary = runSummary(runId, events, bytes, null)!;
  const tokens = files.find(({ path }) => path === 'tokens.bin')?.file ?? new Blob();
  return {
    summary,
    events,
    files,
    texts: await textsOf(summary, events, tokens, await tokenizers(summary.config)),
  };
}

/** What is wrong with the first line of a log that has no whole event. */
function firstComplaint(log: Uint8Array): string {
  const [line = ''] = new TextDecoder().decode(log).split('\n', 1);
  try {
    parseEvent(JSON.parse(line));
    return 'its first line is cut short.';
  } catch (error) {
    return error instanceof SyntaxError ? 'its first line is not JSON.' : (error as Error).message;
  }
}

async function textsOf(
  { runId }: RunSummary,
  events: readonly RunEvent[],
  tokens: Blob,
  tokenizer: Tokenizer,
): Promise<ReportTexts> {
  const index = columnIndex(runId, events);
  const read = async (offset: number, bytes: number) =>
    new Uint8Array(await tokens.slice(offset, offset + bytes).arrayBuffer());
  const rollouts: Record<string, readonly string[]> = {};
  const targets: Record<string, ReportTexts['targets'][string]> = {};
  for (const id of index.rollouts.keys())
    rollouts[id] = rolloutTexts(
      tokenizer,
      await readBlock(index, 'rollouts', id, read),
      index.prompts.get(id) ?? '',
    );
  for (const id of index.targets.keys())
    targets[id] = targetTexts(tokenizer, await readBlock(index, 'targets', id, read));
  return { rollouts, targets };
}
