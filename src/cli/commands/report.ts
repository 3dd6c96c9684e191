import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { compareRuns } from '../../compare/compare.ts';
import { recordOf } from '../../compare/record.ts';
import { messageOf } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/format.ts';
import { parseWords, UsageError, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { outFile, print, remark, writeWhole } from '../io.ts';
import { reportArchiveOf, reportPage } from '../report/page.ts';
import {
  readRun,
  runFolders,
  tokenizersOf,
  type ReportRun,
  type Tokenizers,
} from '../report/runs.ts';

const FLAGS = {
  out: { kind: 'text', required: true, value: 'FILE.html', help: 'the report' },
  model: {
    kind: 'text',
    value: 'nano|OWNER/NAME|FOLDER',
    help: 'whose tokenizer names the tokens (that of each run’s model)',
  },
  'no-adapters': { kind: 'flag', help: 'leave the trained adapters out' },
  json: { kind: 'flag', help: 'print {"out", "runs", "bytes"}' },
} as const satisfies Record<string, OptionSpec>;

export const reportCommand: Command = {
  name: 'report',
  summary: 'runs as one HTML file that opens anywhere: report DIR… --out report.html',
  flags: FLAGS,
  async run(argv, context) {
    const { words: folders, flags } = parseWords(FLAGS, argv);
    if (folders.length === 0)
      throw new UsageError(
        'Of which runs? Give folders of runs, or of a matrix of them: report DIR… --out report.html',
      );
    const out = resolve(flags.out);
    await outFile(out);
    // What lies in folders of its own is an adapter.
    const keeps = (path: string) => !flags['no-adapters'] || !path.includes('/');
    const runs = await readRuns(folders, tokenizersOf(flags.model ?? null, context.root), keeps);
    if (runs.length > 1) sayWhatDoesNotCompare(runs);
    const ids = runs.map(({ summary }) => summary.runId);
    await writeWhole(
      out,
      reportPage(
        `Afterthought: ${ids.join(', ')}`,
        await reportArchiveOf(runs, Date.now()),
        context,
      ),
    );
    const { size } = await stat(out);
    if (flags.json) await print(JSON.stringify({ out, runs: ids, bytes: size }));
    else
      remark(
        `${flags.out} holds ${ids.length === 1 ? `run ${ids[0]}` : `${ids.length} runs`} ` +
          `(${formatBytes(size)}); it opens in any browser, without a network.`,
      );
    return 0;
  },
};

async function readRuns(
  given: readonly string[],
  tokenizers: Tokenizers,
  keeps: (path: string) => boolean,
): Promise<ReportRun[]> {
  const folders = new Set(
    (await Promise.all(given.map((folder) => runFolders(resolve(folder))))).flat(),
  );
  const runs = new Map<string, ReportRun & { readonly folder: string }>();
  for (const folder of folders) {
    const run = await readRun(folder, tokenizers, keeps);
    const { runId } = run.summary;
    const twin = runs.get(runId);
    if (twin)
      throw new Error(
        `The runs in ${twin.folder} and ${folder} are both called ${runId}; give one of them, ` +
          'or make a report of each.',
      );
    runs.set(runId, { ...run, folder });
  }
  return [...runs.values()];
}

/** The report's own screen says it too; runs are worth reading all the same. */
function sayWhatDoesNotCompare(runs: readonly ReportRun[]): void {
  try {
    compareRuns(runs.map(({ events }) => recordOf(events)).filter((record) => record !== null));
  } catch (error) {
    remark(`No comparison: ${messageOf(error)}`);
  }
}
