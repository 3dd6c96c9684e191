import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { messageOf } from '../../lib/errors.ts';
import { parseLines } from '../../lib/json.ts';
import { gradeSamples, type ResultLine } from '../../eval/grade.ts';
import type { Grader } from '../../eval/grader.ts';
import { parseSamples } from '../../eval/samples.ts';
import { loadProblems } from '../dataset.ts';

/** What tools/grader/generate.py says of a program: CPython's verdict on each of its tests. */
const Truth = v.object({
  task_id: v.union([v.number(), v.string()]),
  form: v.picklist(['list', 'check']),
  kind: v.string(),
  change: v.string(),
  statuses: v.pipe(v.array(v.string()), v.minLength(1)),
  python: v.string(),
});
type Truth = v.InferOutput<typeof Truth>;

/** A program on which the sandbox and CPython do not agree. */
export interface Disagreement {
  readonly task_id: string;
  readonly kind: string;
  readonly change: string;
  readonly cpython: readonly string[];
  readonly ours: string;
  readonly solution: string;
  readonly why: string;
}

/** The sandbox's verdicts beside CPython's. */
export interface OracleReport {
  readonly seed: number;
  readonly python: string;
  readonly checked: number;
  /** Programs that CPython refuses. */
  readonly refused: number;
  /** On pass or not. */
  readonly agree: number;
  /** CPython refuses it and the sandbox paid. In-process passes pay nothing and count apart. */
  readonly falsePasses: readonly Disagreement[];
  readonly falseFailures: readonly Disagreement[];
  /** Passes, right ones, that were judged beside the program and pay no reward. */
  readonly inProcess: number;
  readonly byKind: Readonly<Record<string, { checked: number; agree: number; inProcess: number }>>;
}

/** Agreement below this is a fault. */
const LEAST = 0.995;

export function oracleHolds({ checked, agree, falsePasses }: OracleReport): boolean {
  return falsePasses.length === 0 && agree >= LEAST * checked;
}

/**
 * Generates `count` programs with tests, which CPython judges, and judges them here. Throws a
 * sentence where there is no python3.
 *
 * @param root The project's folder, which holds tools/grader.
 */
export async function againstCPython(
  count: number,
  seed: number,
  root: string,
  grader: Grader,
  progress: (done: number, total: number) => void = () => undefined,
): Promise<OracleReport> {
  const folder = await mkdtemp(join(tmpdir(), 'afterthought-oracle-'));
  try {
    await generate(join(root, 'tools/grader/generate.py'), count, seed, folder);
    const truths = parseLines(
      Truth,
      await readFile(join(folder, 'verdicts.jsonl'), 'utf8'),
      'verdicts.jsonl',
    );
    const judged: { truth: Truth; line: ResultLine; solution: string }[] = [];
    for (const form of ['list', 'check'] as const) {
      const name = form === 'list' ? 'problems' : 'checks';
      const mine = truths.filter((truth) => truth.form === form);
      if (mine.length === 0) continue;
      const problems = await loadProblems(join(folder, `${name}.jsonl`), root);
      const file = join(folder, `samples-${name}.jsonl`);
      const samples = parseSamples(await readFile(file, 'utf8'), file);
      await gradeSamples(problems, samples, grader.grade, (line, _done, _total, place) => {
        const solution = samples[place]?.solution ?? '';
        judged.push({ truth: mine[place] as Truth, line, solution });
        progress(judged.length, truths.length);
      });
    }
    return report(seed, judged);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function generate(script: string, count: number, seed: number, out: string): Promise<void> {
  if (!existsSync(script))
    throw new Error(`There is no ${script}: --cpython needs a checkout of the project.`);
  const args = [script, '--seed', String(seed), '--count', String(count), '--out', out];
  try {
    await promisify(execFile)('python3', args, { maxBuffer: 1 << 24 });
  } catch (error) {
    throw new Error(
      `The programs could not be made: python3 tools/grader/generate.py failed (${messageOf(error)}). ` +
        'Python 3.10 or newer has to be on the path.',
      { cause: error },
    );
  }
}

function report(
  seed: number,
  judged: readonly { truth: Truth; line: ResultLine; solution: string }[],
): OracleReport {
  const byKind: Record<string, { checked: number; agree: number; inProcess: number }> = {};
  const falsePasses: Disagreement[] = [];
  const falseFailures: Disagreement[] = [];
  for (const { truth, line, solution } of judged) {
    const right = truth.statuses.every((status) => status === 'pass');
    const ours = line.status === 'pass';
    const beside = line.asserts.some((assert) => assert.inProcess === true);
    const kind = (byKind[truth.kind] ??= { checked: 0, agree: 0, inProcess: 0 });
    kind.checked += 1;
    if (ours === right) {
      kind.agree += 1;
      if (ours && beside) kind.inProcess += 1;
      continue;
    }
    const bad = line.asserts.find((assert) => assert.status !== 'pass');
    (ours ? falsePasses : falseFailures).push({
      task_id: line.task_id,
      kind: truth.kind,
      change: truth.change,
      cpython: truth.statuses,
      ours: line.status,
      solution,
      why:
        bad === undefined
          ? ''
          : `${bad.status} at ${bad.source}: got ${bad.actual ?? line.error?.message ?? 'nothing'}`,
    });
  }
  const sum = (of: (kind: { checked: number; agree: number; inProcess: number }) => number) =>
    Object.values(byKind).reduce((total, kind) => total + of(kind), 0);
  return {
    seed,
    python: judged[0]?.truth.python ?? '',
    checked: judged.length,
    refused: judged.filter(({ truth }) => truth.statuses.some((status) => status !== 'pass'))
      .length,
    agree: sum((kind) => kind.agree),
    falsePasses,
    falseFailures,
    inProcess: sum((kind) => kind.inProcess),
    byKind,
  };
}

/** A few lines for people. */
export function oracleText(found: OracleReport): string {
  const share = (100 * found.agree) / Math.max(1, found.checked);
  const list = (title: string, of: readonly Disagreement[]) =>
    of.length === 0
      ? []
      : [
          `${title}:`,
          ...of.slice(0, 20).flatMap((d) => [
            `  ${d.task_id} (${d.kind}, change: ${d.change}): CPython ${d.cpython.join(', ')}, here ${d.ours}. ${d.why}`,
            ...d.solution
              .trimEnd()
              .split('\n')
              .map((line) => `      ${line}`),
          ]),
        ];
  return [
    `CPython ${found.python}, seed ${found.seed}: ${found.agree} of ${found.checked} agree on pass or not ` +
      `(${share.toFixed(2)} %); ${found.falsePasses.length} false passes, ` +
      `${found.falseFailures.length} false failures; ${found.inProcess} passes in-process, without a reward.`,
    ...Object.entries(found.byKind)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(
        ([kind, { checked, agree, inProcess }]) =>
          `  ${kind}: ${agree} of ${checked}${inProcess > 0 ? `, ${inProcess} in-process` : ''}`,
      ),
    ...list('False passes', found.falsePasses),
    ...list('False failures', found.falseFailures),
  ].join('\n');
}
