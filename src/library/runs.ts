/**
 * Runs as data: the schema of config.json and events.jsonl, token columns, comparisons.
 *
 * @example Compare two runs
 *
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { compareRuns, parseLog, recordOf } from 'afterthought/runs';
 *
 * const logs = ['runs/a/events.jsonl', 'runs/b/events.jsonl'];
 * const records = await Promise.all(
 *   logs.map(async (path) => recordOf(parseLog(await readFile(path)).events)!),
 * );
 * console.log(compareRuns(records).arms);
 * ```
 *
 * @module runs
 */
export { DEFAULT_METHOD, METHOD_NAMES, RunConfig, type Method } from '../schema/config.ts';
export { LOG_VERSION, RunEvent, parseEvent, type RunEventOf } from '../schema/events.ts';
export {
  decodeDistillationBlock,
  decodeTokenBlock,
  type DistillationBlock,
  type TokenBlock,
} from '../schema/columns.ts';
export { columnIndex, readBlock, type ColumnIndex } from '../storage/columns.ts';
export { parseLog, type ParsedLog } from '../storage/log-lines.ts';
export { recordOf, type RunRecord } from '../compare/record.ts';
export { refusalOf } from '../compare/comparable.ts';
export { compareRuns, type ComparedArm, type Comparison } from '../compare/compare.ts';
export { comparisonCsv } from '../compare/csv.ts';
