import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProblems } from '../data/datasets.ts';
import { Rng } from '../lib/rng.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';
import { graderOf, gradeSamples } from './grade.ts';

/** `bench verify` has the full sets. */
const SETS = [
  { file: 'evalplus/MbppPlus-v0.2.0.jsonl.gz', recorded: 'mbpp', problems: 378, inputs: 39_841 },
  {
    file: 'evalplus/HumanEvalPlus-v0.1.10.jsonl.gz',
    recorded: 'humaneval',
    problems: 164,
    inputs: 122_683,
  },
];
const LARGE = ['15', '83', '100', '130', '139']
  .map((id) => `HumanEval/${id}`)
  .concat('Mbpp/123', 'Mbpp/255', 'Mbpp/630');
const DATA = '../shared/data';
const present = existsSync(DATA);
if (!present)
  console.log('Skipped: ../shared/data is missing, so no recorded verdict was reproduced.');

interface Recorded {
  eval: Record<string, { solution: string; base_status: string; plus_status: string }[]>;
}

describe.skipIf(!present)('EvalPlus', () => {
  let sandbox: PythonSandbox;
  beforeAll(async () => {
    sandbox = createNodeSandbox({ workers: 1 });
    await sandbox.ready();
  }, 120_000);
  afterAll(() => sandbox.close());

  it.each(SETS)(
    'verdicts of $recorded are reproduced, and references pass: a seeded sample',
    async (set) => {
      const bytes = new Uint8Array(readFileSync(`${DATA}/${set.file}`));
      const problems = await readProblems(bytes, set.file);
      expect(problems).toHaveLength(set.problems);
      expect(problems.reduce((sum, p) => sum + p.differential!.plus.length, 0)).toBe(set.inputs);
      const { eval: verdicts } = JSON.parse(
        readFileSync(
          `${DATA}/samples/evalplus/${set.recorded}-llama3-8b-instruct_eval_results.json`,
          'utf8',
        ),
      ) as Recorded;
      // A thousand inputs, and outputs of megabytes, are for `bench verify`.
      const short = problems.filter(
        (p) => p.differential!.plus.length < 150 && !LARGE.includes(p.id),
      );
      const chosen = new Rng(20, 26).shuffle(short).slice(0, 8);
      const samples = chosen.flatMap((problem) => [
        { task_id: problem.id, solution: problem.reference },
        { task_id: problem.id, solution: verdicts[problem.id]![0]!.solution },
      ]);
      const lines = await gradeSamples(problems, samples, graderOf(sandbox));
      const got = lines.map((line) => [line.task_id, line.base === 'pass', line.plus === 'pass']);
      const wanted = chosen.flatMap(({ id }) => {
        const { base_status: base, plus_status: plus } = verdicts[id]![0]!;
        return [
          [id, true, true],
          [id, base === 'pass', base === 'pass' && plus === 'pass'],
        ];
      });
      expect(wanted.filter(([, base]) => base === false).length).toBeGreaterThan(0);
      expect(got).toEqual(wanted);
    },
  );
});
