import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../lib/format.ts';
import { zip, type ZipEntry } from '../../lib/zip.ts';
import {
  REPORT_ARCHIVE,
  REPORT_INDEX,
  reportRun,
  reportTexts,
  type ReportIndex,
} from '../../schema/report.ts';
import type { CommandContext, ViewerBundle } from '../command.ts';
import type { ReportRun } from './runs.ts';

/**
 * Most bytes of an archive: as base64 it must fit the longest string of a browser (2²⁹ characters)
 * with room to spare.
 */
const MOST_BYTES = 320 * 2 ** 20;
/** Bytes encoded at a time: whole groups of three. */
const PORTION = 3 * 2 ** 20;

/** Everything a report holds. Adapters stay as they are: noise does not become smaller. */
export async function reportArchiveOf(runs: readonly ReportRun[], madeAt: number): Promise<Blob> {
  const index: ReportIndex = { version: 1, madeAt, runs: runs.map(({ summary }) => summary) };
  const json = (path: string, value: unknown): ZipEntry => ({
    path,
    file: new Blob([JSON.stringify(value)]),
  });
  const entries = runs.flatMap(({ summary: { runId }, files, texts }) => [
    ...files.map(({ path, file }) => ({ path: reportRun(runId) + path, file })),
    json(reportTexts(runId), texts),
  ]);
  const archive = await zip(
    [json(REPORT_INDEX, index), ...entries],
    (path) => !path.endsWith('.safetensors'),
  );
  if (archive.size > MOST_BYTES)
    throw new Error(
      `These runs take ${formatBytes(archive.size)} compressed, more than the ` +
        `${formatBytes(MOST_BYTES)} that a browser opens as one page; give fewer runs, or ` +
        '--no-adapters.',
    );
  return archive;
}

/**
 * The parts of a report's HTML, in order. What comes from runs is base64, or escaped in the title;
 * besides, the page may run its own script only, by its hash, and fetch nothing.
 */
export async function* reportPage(
  title: string,
  archive: Blob,
  { root, viewer }: CommandContext,
): AsyncGenerator<string> {
  const bundle = inlined(await viewer());
  const icon = (await readFile(join(root, 'public', 'favicon.svg'))).toString('base64');
  const hash = createHash('sha256').update(bundle.script).digest('base64');
  const policy =
    `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; ` +
    "img-src data:; base-uri 'none'; form-action 'none'";
  yield `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escaped(title)}</title>
    <link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,${icon}" />
    <style>${bundle.style}</style>
  </head>
  <body>
    <div id="root">Reading the runs…</div>
    <noscript>This report draws its runs by JavaScript: allow it for this page and reload.</noscript>
    <script id="${REPORT_ARCHIVE.id}" type="${REPORT_ARCHIVE.type}">`;
  for (let at = 0; at < archive.size; at += PORTION) {
    yield Buffer.from(await archive.slice(at, at + PORTION).arrayBuffer()).toString('base64');
  }
  yield `</script>
    <script type="module">${bundle.script}</script>
  </body>
</html>
`;
}

/**
 * As they may stand within their elements: in both languages these characters occur in strings
 * only, which may be written otherwise.
 */
function inlined({ script, style }: ViewerBundle): ViewerBundle {
  return {
    script: script.replace(/<(?=!--|\/script)/gi, '\\x3c'),
    style: style.replace(/<(?=\/style)/gi, '\\3c '),
  };
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
