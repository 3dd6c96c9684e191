import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import type { VerdictStatus } from '../../schema/verdict.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { loadProblems } from '../dataset.ts';
import { openGrader } from '../grader.ts';
import { parseLines, print, readText, remark } from '../io.ts';
import { resultLine } from '../results.ts';

const FLAGS = {
  dataset: { kind: 'text', required: true, value: 'starter|FILE', help: 'the problems the samples answer' },
  samples: {
    kind: 'text',
    required: true,
    value: 'samples.jsonl',
    help: 'lines {"task_id", "solution"}; several a task are fine',
  },
  out: { kind: 'text', required: true, value: 'results.jsonl', help: "one verdict a sample, in the samples' order" },
  timeout: { kind: 'number', min: 0.1, fallback: 10, help: 'seconds a program' },
  json: { kind: 'flag', help: 'print the counts as JSON' },
} as const satisfies Record<string, OptionSpec>;

const Sample = v.pipe(
  v.looseObject({
    task_id: v.union([v.string(), v.number()]),
    solution: v.optional(v.string()),
    completion: v.optional(v.string()),
  }),
  v.check((line) => line.solution !== undefined || line.completion !== undefined, 'a sample needs "solution"'),
);

export const grade: Command = {
  name: 'grade',
  summary: 'verdicts for given completions',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const problems = new Map(
      (await loadProblems(flags.dataset, root)).map((problem) => [taskKey(problem.id), problem]),
    );
    const samples = parseLines(Sample, await readText(flags.samples, 'The samples'), flags.samples);
    const counts = new Map<string, number>();
    const jobs = samples.map((sample) => {
      const problem = problems.get(taskKey(String(sample.task_id)));
      if (!problem)
        throw new Error(`${flags.samples} answers task ${sample.task_id}, which ${flags.dataset} does not have.`);
      const index = counts.get(problem.id) ?? 0;
      counts.set(problem.id, index + 1);
      return { problem, taskId: String(sample.task_id), index, text: sample.solution ?? sample.completion ?? '' };
    });
    const grader = await openGrader();
    const tally: Partial<Record<VerdictStatus, number>> = {};
    try {
      let done = 0;
      const lines = await Promise.all(
        jobs.map(async (job) => {
          const { verdict } = await grader.grade(job.problem, job.text, flags.timeout);
          tally[verdict.status] = (tally[verdict.status] ?? 0) + 1;
          if (++done % 100 === 0 && done < jobs.length) remark(`${done} of ${jobs.length} graded`);
          return JSON.stringify(resultLine(job.taskId, job.index, verdict));
        }),
      );
      await mkdir(dirname(flags.out), { recursive: true });
      await writeFile(flags.out, `${lines.join('\n')}\n`);
    } finally {
      await grader.close();
    }
    if (flags.json) await print(JSON.stringify({ samples: jobs.length, ...tally }));
    else
      await print(
        `${jobs.length} samples: ${Object.entries(tally)
          .map(([status, count]) => `${count} ${status}`)
          .join(', ')}.`,
      );
    return 0;
  },
};

/** Task ids match with or without their data set's prefix: `601`, `Mbpp/601`, `mbpp/601`. */
function taskKey(id: string): string {
  return id.replace(/^(mbpp|humaneval)\//i, '');
}
