import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson, parseLines } from '../../lib/json.ts';
import type { LoadedProblem } from '../../data/problem.ts';
import { gradeSamples, taskParts, type ResultLine } from '../../eval/grade.ts';
import type { Grader } from '../../eval/grader.ts';
import type { Sample } from '../../eval/samples.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { loadProblems } from '../dataset.ts';
import { openGrader } from '../grader.ts';
import { againstCPython, oracleHolds, oracleText } from './grader-oracle.ts';
import { print, readText, remark } from '../io.ts';

/** Where the data sets lie below the data folder, and how many references each must pass. */
const SETS = {
  mbpp: { file: 'mbpp/mbpp.jsonl', count: 974 },
  'mbpp-sanitized': { file: 'mbpp/sanitized-mbpp.json', count: 427 },
  humaneval: { file: 'humaneval/HumanEval.jsonl.gz', count: 164 },
  'mbpp+': { file: 'evalplus/MbppPlus-v0.2.0.jsonl.gz', count: 378 },
  'humaneval+': { file: 'evalplus/HumanEvalPlus-v0.1.10.jsonl.gz', count: 164 },
} as const;
type SetName = keyof typeof SETS;

/** Verdicts that EvalPlus recorded, and the set they are of. */
const RECORDED = [
  { of: 'mbpp+', file: 'samples/evalplus/mbpp-llama3-8b-instruct_eval_results.json' },
  { of: 'humaneval+', file: 'samples/evalplus/humaneval-llama3-8b-instruct_eval_results.json' },
] as const;

const FLAGS = {
  data: {
    kind: 'text',
    fallback: '../shared/data',
    value: 'DIR',
    help: 'the folder with the data sets and samples',
  },
  sets: { kind: 'list', value: 'mbpp,…', help: `${Object.keys(SETS).join(', ')} (all)` },
  recorded: {
    kind: 'text',
    value: 'FILE',
    help: "another model's verdicts as EvalPlus writes them, with --sets naming its set",
  },
  cpython: {
    kind: 'integer',
    min: 1,
    value: 'N',
    help: 'instead: N generated programs with tests, judged here and by python3 (tools/grader)',
  },
  seed: { kind: 'integer', min: 0, fallback: 1, help: 'of the generated programs' },
  every: { kind: 'integer', min: 1, fallback: 1, help: 'take every so many-th task only' },
  out: {
    kind: 'text',
    fallback: 'bench/results',
    value: 'DIR',
    help: 'verify-*.json; a run that was cut off continues there',
  },
  json: { kind: 'flag', help: 'print the results as JSON' },
} as const satisfies Record<string, OptionSpec>;

const Recorded = v.object({
  eval: v.record(
    v.string(),
    v.array(
      v.object({
        task_id: v.string(),
        solution: v.string(),
        base_status: v.string(),
        plus_status: v.nullable(v.string()),
      }),
    ),
  ),
});

/** One set verified. */
interface Report {
  readonly name: string;
  readonly checked: number;
  /**
   * Of references: those that pass; of recorded verdicts: those that are equal, base and
   * base-and-plus.
   */
  readonly agree: { readonly base: number; readonly plus: number | null };
  readonly exceptions: readonly {
    readonly task_id: string;
    readonly ours: string;
    readonly wanted: string;
    readonly why: string;
  }[];
}

export const verify: Command = {
  name: 'bench verify',
  summary: 'the full conformance sets: references pass, recorded verdicts are reproduced',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const names = (flags.sets ?? Object.keys(SETS)) as SetName[];
    const unknown = names.find((name) => !Object.hasOwn(SETS, name));
    if (unknown !== undefined)
      throw new Error(
        `--sets: there is no set ${unknown}; there are ${Object.keys(SETS).join(', ')}.`,
      );
    await mkdir(flags.out, { recursive: true });
    if (flags.cpython !== undefined)
      return againstPython(flags.cpython, flags.seed, root, flags.out, flags.json);
    const grader = openGrader({ evaluation: true });
    const reports: Report[] = [];
    try {
      for (const name of names) {
        const { file, count } = SETS[name];
        const path = join(flags.data, file);
        if (!existsSync(path)) {
          remark(`${name} is skipped: there is no ${path}.`);
          continue;
        }
        const all = await loadProblems(path, root);
        if (all.length !== count)
          throw new Error(`${path} holds ${all.length} problems, and ${name} has ${count}.`);
        const problems = all.filter((_, i) => i % flags.every === 0);
        if (flags.recorded === undefined)
          reports.push(await references(name, problems, grader, flags.out));
        const recorded =
          flags.recorded === undefined ? RECORDED : [{ of: name, file: flags.recorded }];
        for (const { of, file: verdicts } of recorded) {
          const at = flags.recorded ?? join(flags.data, verdicts);
          if (of === name && existsSync(at))
            reports.push(await reproduced(name, at, problems, grader, flags.out));
        }
      }
    } finally {
      await grader.close();
    }
    for (const report of reports) {
      await writeFile(
        join(flags.out, `verify-${slug(report.name)}.json`),
        `${JSON.stringify(report, null, 2)}\n`,
      );
      if (!flags.json) await print(sentence(report));
    }
    if (flags.json) await print(JSON.stringify(reports));
    return reports.every(holds) ? 0 : 1;
  },
};

/** Generated programs, which CPython has judged; the report goes to verify-cpython.json. */
async function againstPython(
  count: number,
  seed: number,
  root: string,
  out: string,
  json: boolean,
): Promise<number> {
  const grader = openGrader({});
  try {
    const found = await againstCPython(count, seed, root, grader, (done, total) => {
      if (done % 250 === 0 || done === total) remark(`${done} of ${total} programs judged.`);
    });
    await writeFile(join(out, 'verify-cpython.json'), `${JSON.stringify(found, null, 2)}\n`);
    await print(json ? JSON.stringify(found) : oracleText(found));
    return oracleHolds(found) ? 0 : 1;
  } finally {
    await grader.close();
  }
}

/** Every reference passes, and none of its asserts ran in-process. */
async function references(
  name: SetName,
  problems: readonly LoadedProblem[],
  grader: Grader,
  out: string,
): Promise<Report> {
  const samples = problems.map(({ id, reference }) => ({ task_id: id, solution: reference }));
  const lines = await resumed(`${name} references`, samples, problems, grader, out);
  const failed = lines.filter(
    (line) => line.status !== 'pass' || line.asserts.some((assert) => assert.inProcess),
  );
  return {
    name: `${name} references`,
    checked: lines.length,
    agree: { base: lines.length - failed.length, plus: null },
    exceptions: failed.map((line) => ({
      task_id: line.task_id,
      ours: line.status,
      wanted: 'pass',
      why: why(line),
    })),
  };
}

/** EvalPlus' verdicts come out again: `base`, and `plus` as base and plus together. */
async function reproduced(
  name: SetName,
  path: string,
  problems: readonly LoadedProblem[],
  grader: Grader,
  out: string,
): Promise<Report> {
  const keys = new Set(problems.map((problem) => taskParts(problem.id).key));
  const theirs = Object.values(
    parseJson(Recorded, await readText(path, 'The recorded verdicts'), path).eval,
  )
    .flat()
    .filter((entry) => keys.has(taskParts(entry.task_id).key));
  const label = `${name} recorded ${path.replace(/^.*\//, '').replace(/_?eval_results\.json$/, '')}`;
  const lines = await resumed(label, theirs, problems, grader, out);
  const verdicts = theirs.map((entry) => ({
    base: entry.base_status === 'pass',
    plus: entry.base_status === 'pass' && entry.plus_status === 'pass',
  }));
  const same = (part: 'base' | 'plus', i: number) =>
    (lines[i]![part] === 'pass') === verdicts[i]![part];
  const differ = lines.filter((_, i) => !same('base', i) || !same('plus', i));
  return {
    name: label,
    checked: lines.length,
    agree: {
      base: lines.filter((_, i) => same('base', i)).length,
      plus: lines.filter((_, i) => same('plus', i)).length,
    },
    exceptions: differ.map((line) => {
      const entry = theirs[lines.indexOf(line)]!;
      return {
        task_id: line.task_id,
        ours: `base ${line.base}, plus ${line.plus ?? 'none'}`,
        wanted: `base ${entry.base_status}, plus ${entry.plus_status ?? 'none'}`,
        why: why(line),
      };
    }),
  };
}

/** The first thing that did not pass, in one line. */
function why(line: ResultLine): string {
  const bad = line.asserts.find((assert) => assert.status !== 'pass' || assert.inProcess);
  const error = line.error === undefined ? '' : `${line.error.type}: ${line.error.message}`;
  if (bad === undefined) return error;
  const values = bad.actual === undefined ? '' : `: got ${bad.actual}`;
  return `${bad.inProcess ? 'in-process ' : ''}${bad.status} at ${bad.source}${values} ${error}`.trim();
}

const Kept = v.object({ index: v.number(), line: v.looseObject({ task_id: v.string() }) });

/**
 * Grades samples, each result kept as it is reached: a run that was cut off goes on where it was.
 */
async function resumed(
  label: string,
  samples: readonly Sample[],
  problems: readonly LoadedProblem[],
  grader: Grader,
  out: string,
): Promise<ResultLine[]> {
  const file = join(out, `.verify-${slug(label)}-${samples.length}.part.jsonl`);
  const kept = new Map<number, ResultLine>();
  if (existsSync(file)) {
    const whole = (await readFile(file, 'utf8')).replace(/[^\n]*$/, '');
    for (const { index, line } of whole === '' ? [] : parseLines(Kept, whole, file))
      kept.set(index, line as unknown as ResultLine);
    remark(`${label}: ${kept.size} of ${samples.length} were done before.`);
  }
  const open = samples.map((_, index) => index).filter((index) => !kept.has(index));
  const begin = performance.now();
  const writes: Promise<void>[] = [];
  await gradeSamples(
    problems,
    open.map((index) => samples[index]!),
    grader.grade,
    (line, done, total, place) => {
      const index = open[place]!;
      const brief = {
        ...line,
        asserts: line.asserts.filter((a) => a.status !== 'pass' || a.inProcess).slice(0, 3),
      };
      kept.set(index, brief);
      writes.push(appendFile(file, `${JSON.stringify({ index, line: brief })}\n`));
      if (done % 50 === 0 || done === total) {
        const seconds = (performance.now() - begin) / 1000;
        remark(`${label}: ${done} of ${total}, ${(seconds / done).toFixed(2)} s each`);
      }
    },
    { timeoutSeconds: 120 },
  );
  await Promise.all(writes);
  return samples.map((_, index) => kept.get(index)!);
}

function slug(name: string): string {
  return name
    .replaceAll('+', '-plus')
    .replace(/[^a-zA-Z0-9-]+/g, '-')
    .replace(/-+$/, '');
}

/** References all pass; of recorded verdicts at least 99.5 % of base and 99 % of plus are equal. */
function holds({ checked, agree }: Report): boolean {
  if (agree.plus === null) return agree.base === checked;
  return agree.base >= 0.995 * checked && agree.plus >= 0.99 * checked;
}

function sentence({ name, checked, agree, exceptions }: Report): string {
  const share = (count: number) =>
    `${count} of ${checked} (${((100 * count) / Math.max(1, checked)).toFixed(1)} %)`;
  const counts =
    agree.plus === null
      ? `${share(agree.base)} pass`
      : `base ${share(agree.base)}, plus ${share(agree.plus)} equal`;
  return [
    `${name}: ${counts}`,
    ...exceptions.map((e) => `  ${e.task_id}: ${e.ours}, not ${e.wanted}: ${e.why}`),
  ].join('\n');
}
