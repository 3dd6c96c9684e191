import * as v from 'valibot';
import { messageOf } from '../lib/errors.ts';
import { withoutMark, withoutNulls } from '../lib/json.ts';
import type { CatalogEntry } from './catalog.ts';
import { evalPlusProblem } from './evalplus.ts';
import { chooseProblems, type ProblemSets } from './order.ts';
import { isParquet, parquetRecords } from './parquet.ts';
import type { LoadedProblem, Split } from './problem.ts';
import { checked } from './record.ts';

/*
 * Problem files: the starter problems (MBPP's fields plus hidden asserts and a split), MBPP as JSON
 * lines, MBPP sanitized as one JSON array, HumanEval and EvalPlus' releases as JSON lines. Splits
 * of MBPP are those of docs/methods.md, Data hygiene; HumanEval and the plus sets are for
 * evaluation only.
 */

const MbppLine = v.object({
  task_id: v.union([v.number(), v.string()]),
  text: v.optional(v.string()),
  /** What MBPP sanitized calls `text`. */
  prompt: v.optional(v.string()),
  code: v.string(),
  test_list: v.array(v.string()),
  hidden_test_list: v.optional(v.array(v.string()), []),
  test_setup_code: v.optional(v.string(), ''),
  /** MBPP sanitized. */
  test_imports: v.optional(v.array(v.string()), []),
  entry_point: v.optional(v.string()),
  difficulty: v.optional(v.number()),
  split: v.optional(v.picklist(['train', 'validation', 'test'])),
});

/** OpenAI's HumanEval: the tests are a function `check(candidate)`. */
const HumanEvalLine = v.object({
  task_id: v.string(),
  prompt: v.string(),
  entry_point: v.string(),
  canonical_solution: v.string(),
  test: v.string(),
});

/**
 * Parses a problem file's text; throws a sentence that names the line and what is wrong with it.
 */
export function parseProblems(text: string, label: string): LoadedProblem[] {
  return problemsOf(records(text, label), label);
}

/** Reads a problem file, whatever its form: text, gzip or parquet by its first bytes. */
export async function readProblems(
  bytes: Uint8Array<ArrayBuffer>,
  label: string,
): Promise<LoadedProblem[]> {
  if (isParquet(bytes)) {
    const rows = await parquetRecords(bytes.slice().buffer, label);
    return problemsOf(
      rows.map((json, index) => ({ json, where: `${label}, row ${index + 1},` })),
      label,
    );
  }
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const stream = new Blob([bytes]).stream();
  const text = await new Response(
    isGzip ? stream.pipeThrough(new DecompressionStream('gzip')) : stream,
  ).text();
  return parseProblems(text, label);
}

/** The problems of a named set, from its files in their order. */
export async function namedProblems(
  entry: CatalogEntry,
  files: readonly Uint8Array<ArrayBuffer>[],
): Promise<LoadedProblem[]> {
  const problems = (
    await Promise.all(files.map((bytes) => readProblems(bytes, entry.name)))
  ).flat();
  if (problems.length !== entry.problems)
    throw new Error(
      `${entry.name} came with ${problems.length} problems and has ${entry.problems}; give a file instead.`,
    );
  return problems;
}

/**
 * Those an evaluation asks: of one split or of all, and of these a seeded choice of `limit`, or
 * all.
 */
export function evaluationProblems(
  all: readonly LoadedProblem[],
  {
    dataset,
    split,
    limit,
    seed,
  }: { dataset: string; split: Split | 'all'; limit: number | null; seed: number },
): LoadedProblem[] {
  const problems = split === 'all' ? [...all] : all.filter((problem) => problem.split === split);
  if (problems.length === 0)
    throw new Error(
      `${dataset} has no problems in its ${split} split; choose another split, or all.`,
    );
  return limit === null ? problems : chooseProblems(problems, limit, seed, split);
}

function problemsOf(
  found: Iterable<{ json: unknown; where: string }>,
  label: string,
): LoadedProblem[] {
  const problems: LoadedProblem[] = [];
  const seen = new Set<string>();
  for (const { json, where } of found) {
    const problem = problemOf(json, where);
    if (seen.has(problem.id))
      throw new Error(`${where} repeats the id ${problem.id}; ids must be unique.`);
    seen.add(problem.id);
    problems.push(problem);
  }
  if (problems.length === 0) throw new Error(`${label} holds no problems.`);
  return problems;
}

export function bySplit(problems: readonly LoadedProblem[]): ProblemSets {
  const of = (split: Split) => problems.filter((problem) => problem.split === split);
  return { train: of('train'), val: of('validation'), test: of('test') };
}

/** Each record as JSON text, or as the value it was in an array. */
function* records(marked: string, label: string): Generator<{ json: unknown; where: string }> {
  const text = withoutMark(marked);
  if (text.trimStart().startsWith('[')) {
    const array = parseJson(text, label) as unknown[];
    for (const [index, json] of array.entries())
      yield { json, where: `${label}, entry ${index + 1},` };
    return;
  }
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() !== '') yield { json: line, where: `${label}, line ${index + 1},` };
  }
}

function parseJson(json: string, where: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new Error(`${where} is not JSON: ${messageOf(error)}.`, { cause: error });
  }
}

/** What kind of record it is shows in its fields. */
function problemOf(json: unknown, where: string): LoadedProblem {
  // Inputs are not JSON throughout (NaN, -Infinity), and 1 is not 1.0 in them.
  if (typeof json === 'string' && /"(?:base|plus)_input"\s*:/.test(json))
    return evalPlusProblem(json, where);
  const value = withoutNulls(typeof json === 'string' ? parseJson(json, where) : json);
  if (
    typeof value === 'object' &&
    value !== null &&
    'test' in value &&
    /^\s*inputs = /m.test(String(value.test)) &&
    /^\s*results = /m.test(String(value.test))
  ) {
    throw new Error(
      `${where} holds EvalPlus' tests as a script; give the release file ` +
        '(MbppPlus-v0.2.0.jsonl.gz, HumanEvalPlus-v0.1.10.jsonl.gz).',
    );
  }
  const isHumanEval = typeof value === 'object' && value !== null && 'canonical_solution' in value;
  return isHumanEval
    ? humanEvalProblem(checked(HumanEvalLine, value, where))
    : mbppProblem(checked(MbppLine, value, where), where);
}

function humanEvalProblem(line: v.InferOutput<typeof HumanEvalLine>): LoadedProblem {
  return {
    id: line.task_id,
    text: line.prompt,
    entryPoint: line.entry_point,
    setup: '',
    setupAfterSolution: false,
    shown: [],
    hidden: [`${line.test.trim()}\n\ncheck(${line.entry_point})`],
    helpers: line.prompt,
    reference: line.prompt + line.canonical_solution,
    prompt: line.prompt,
    split: 'test',
  };
}

function mbppProblem(line: v.InferOutput<typeof MbppLine>, where: string): LoadedProblem {
  const text = line.text ?? line.prompt;
  if (text === undefined)
    throw new Error(`${where} has neither "text" nor "prompt", so there is nothing to ask.`);
  if (line.test_list.length === 0)
    throw new Error(`${where} has no tests ("test_list" is empty), so no answer could be judged.`);
  const written = /^mbpp\/(\d+)$/i.exec(String(line.task_id))?.[1];
  const number = typeof line.task_id === 'number' ? line.task_id : written ? Number(written) : null;
  return {
    id: number === null ? String(line.task_id) : `mbpp/${number}`,
    text,
    ...(line.entry_point === undefined ? {} : { entryPoint: line.entry_point }),
    setup: [...line.test_imports, line.test_setup_code].filter((part) => part !== '').join('\n'),
    // MBPP 367 and 927: their setup builds objects of a class the solution defines.
    setupAfterSolution: number === 367 || number === 927,
    shown: line.test_list,
    hidden: line.hidden_test_list,
    reference: line.code,
    ...(line.difficulty === undefined ? {} : { difficulty: line.difficulty }),
    split: line.split ?? (number === null ? null : mbppSplit(number)),
  };
}

/**
 * docs/methods.md, Data hygiene: test 11–510; validation 511–600 and train 601–974, each without
 * what MBPP+ evaluates on.
 */
export function mbppSplit(id: number): Split | null {
  if (id >= 11 && id <= 510) return 'test';
  if (id < 511 || id > 974 || MBPP_PLUS.has(id)) return null;
  return id <= 600 ? 'validation' : 'train';
}

/** Task ids above 510 of MBPP+ v0.2.0, as ranges. */
const MBPP_PLUS: ReadonlySet<number> = new Set(
  `554-560 562-569 572-573 576-581 583 585-594 596-600 602-608 610-612 614-616 618-620 622-624 626 628-633 635
   637-639 641 643-644 720-726 728 730-737 739-745 748-755 757-760 762-767 769-773 775 777-778 780-782 784-788
   790-794 796-801 803-809`
    .split(/\s+/)
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    }),
);
