import type { NamedFile } from '../../schema/protocol.ts';
import { NO_FILTER } from '../../state/route.ts';
import { go, useLab } from '../hooks.ts';
import { ArchiveInput } from '../parts/archive-input.tsx';

/**
 * Takes up runs that were exported here or made by the command line, such as those of a report, and
 * shows them.
 */
export function ImportRun() {
  const lab = useLab();

  async function take(files: readonly NamedFile[]) {
    const runs: string[] = [];
    for (const folder of runFolders(files)) {
      const runId = await lab.importRun(files.filter(({ path }) => path.startsWith(folder)));
      if (runId !== null) runs.push(runId);
    }
    const [only, ...others] = runs;
    if (only === undefined) return;
    go(
      others.length > 0
        ? { screen: 'compare', runs }
        : { screen: 'run', runId: only, filter: NO_FILTER },
    );
  }

  return (
    <ArchiveInput
      label="Import a run"
      onFiles={({ files }) => void take(files)}
      onError={(message) => lab.notify(message)}
    />
  );
}

/** Where logs lie; all of the files where there is none, so that it is said. */
function runFolders(files: readonly NamedFile[]): string[] {
  const logs = files.flatMap(({ path }) => /^(.*\/|)events\.jsonl$/.exec(path)?.[1] ?? []);
  return logs.length > 0 ? logs : [''];
}
