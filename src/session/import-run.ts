import type { NamedFile } from '../schema/protocol.ts';
import { parseLog } from '../storage/log-lines.ts';

/**
 * What a run's folder holds that a reader needs, by its path within: the same in the browser and on
 * the command line.
 */
export const KEPT =
  /^(events\.jsonl|tokens\.bin|config\.json|summary\.json|(adapter|reflector)\/adapter_(config\.json|model\.safetensors))$/;

/**
 * A run out of the files of its folder, wherever in them it lies; throws a sentence where they are
 * none. Checkpoints stay behind, as they go on only where they were made: what is imported can be
 * read, not resumed.
 */
export async function importedRun(
  given: readonly NamedFile[],
): Promise<{ runId: string; files: NamedFile[] }> {
  const log = given.find(({ path }) => /(^|\/)events\.jsonl$/.test(path));
  if (!log)
    throw new Error(
      'There is no events.jsonl among these files, so they are not a run; choose its folder or its zip archive.',
    );
  const prefix = log.path.slice(0, -'events.jsonl'.length);
  const [started] = parseLog(new Uint8Array(await log.file.arrayBuffer())).events;
  if (started?.type !== 'run.started')
    throw new Error(
      `${log.path} does not begin as the log of a run does, or comes from another version.`,
    );
  const { runId } = started;
  if (/[/\\]|^\.*$/.test(runId))
    throw new Error(
      `${log.path} names its run ${JSON.stringify(runId)}, which no run of this lab is called.`,
    );
  const files = given
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path, file }) => ({ path: path.slice(prefix.length), file }))
    .filter(({ path }) => KEPT.test(path));
  return { runId, files };
}
