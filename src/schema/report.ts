import type { RunSummary } from './protocol.ts';

/*
 * A report is an HTML file with a zip archive in it, as base64: report.json, the files of each run
 * below `runs/<id>/`, and what the tokenizer says of its tokens in `texts/<id>.json`.
 */

/** Of the element that holds the archive. */
export const REPORT_ARCHIVE = { id: 'runs', type: 'application/zip' } as const;

export const REPORT_INDEX = 'report.json';

/** Where the files of a run lie in the archive. */
export function reportRun(runId: string): string {
  return `runs/${runId}/`;
}

export function reportTexts(runId: string): string {
  return `texts/${runId}.json`;
}

/** report.json */
export interface ReportIndex {
  readonly version: 1;
  /** When the report was made, ms since the epoch. */
  readonly madeAt: number;
  readonly runs: readonly RunSummary[];
}

/**
 * By rollout id: the text of each token, and of distilled targets that of every id their block
 * names.
 */
export interface ReportTexts {
  readonly rollouts: Readonly<Record<string, readonly string[]>>;
  readonly targets: Readonly<Record<string, readonly (readonly [id: number, text: string])[]>>;
}
