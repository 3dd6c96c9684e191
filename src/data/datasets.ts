import * as v from 'valibot';
import { messageOf } from '../lib/errors.ts';
import type { ProblemSets } from './order.ts';
import type { Problem } from './problem.ts';

/*
 * Problem files: the starter problems (MBPP's fields plus hidden asserts and a split), MBPP as JSON lines, and MBPP
 * sanitized as one JSON array. Splits of MBPP are METHODS' data hygiene.
 */

const Line = v.object({
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

type Split = 'train' | 'validation' | 'test';
export interface LoadedProblem extends Problem {
  /** Where the file says it, or MBPP's numbering does; null: in no split (MBPP 1–10, or in MBPP+ outside the test split). */
  readonly split: Split | null;
}

/** Parses a problem file; throws a sentence that names the line and what is wrong with it. */
export function parseProblems(text: string, label: string): LoadedProblem[] {
  const problems: LoadedProblem[] = [];
  const seen = new Set<string>();
  for (const { value, where } of records(text, label)) {
    const parsed = v.safeParse(Line, value);
    if (!parsed.success) {
      const issue = parsed.issues[0];
      throw new Error(`${where} is no programming problem: ${v.getDotPath(issue) ?? 'the line'}: ${issue.message}.`);
    }
    const problem = toProblem(parsed.output, where);
    if (seen.has(problem.id)) throw new Error(`${where} repeats the id ${problem.id}; ids must be unique.`);
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

function* records(text: string, label: string): Generator<{ value: unknown; where: string }> {
  const parse = (json: string, where: string): unknown => {
    try {
      return JSON.parse(json);
    } catch (error) {
      throw new Error(`${where} is not JSON: ${messageOf(error)}.`, { cause: error });
    }
  };
  if (text.trimStart().startsWith('[')) {
    const array = parse(text, label) as unknown[];
    for (const [index, value] of array.entries()) yield { value, where: `${label}, entry ${index + 1},` };
    return;
  }
  for (const [index, line] of text.split('\n').entries()) {
    const where = `${label}, line ${index + 1},`;
    if (line.trim() !== '') yield { value: parse(line, where), where };
  }
}

function toProblem(line: v.InferOutput<typeof Line>, where: string): LoadedProblem {
  const text = line.text ?? line.prompt;
  if (text === undefined) throw new Error(`${where} has neither "text" nor "prompt", so there is nothing to ask.`);
  if (line.test_list.length === 0)
    throw new Error(`${where} has no tests ("test_list" is empty), so no answer could be judged.`);
  const number = typeof line.task_id === 'number' ? line.task_id : null;
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

/** METHODS: test 11–510; validation 511–600 and train 601–974, each without what MBPP+ evaluates on. */
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
