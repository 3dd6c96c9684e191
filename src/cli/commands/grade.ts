import { gradeSamples } from '../../eval/grade.ts';
import { parseSamples } from '../../eval/samples.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { DATASET_VALUE, loadProblems } from '../dataset.ts';
import { openGrader } from '../grader.ts';
import { outFile, print, readText, remark, writeWhole } from '../io.ts';

const FLAGS = {
  dataset: {
    kind: 'text',
    required: true,
    value: DATASET_VALUE,
    help: 'the problems the samples answer',
  },
  samples: {
    kind: 'text',
    required: true,
    value: 'samples.jsonl',
    help: 'lines {"task_id", "solution"}; several a task are fine',
  },
  out: {
    kind: 'text',
    required: true,
    value: 'results.jsonl',
    help: "one verdict a sample, in the samples' order",
  },
  timeout: { kind: 'number', min: 0.1, fallback: 30, help: 'seconds a program' },
  json: { kind: 'flag', help: 'print the counts as JSON' },
} as const satisfies Record<string, OptionSpec>;

export const grade: Command = {
  name: 'grade',
  summary: 'verdicts for given completions',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const problems = await loadProblems(flags.dataset, root);
    const samples = parseSamples(await readText(flags.samples, 'The samples'), flags.samples);
    await outFile(flags.out);
    const grader = openGrader({ evaluation: true });
    try {
      const lines = await gradeSamples(
        problems,
        samples,
        grader.grade,
        (_, done, total) => {
          if (done % 100 === 0 && done < total) remark(`${done} of ${total} graded`);
        },
        { timeoutSeconds: flags.timeout },
      );
      await writeWhole(flags.out, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      const tally: Record<string, number> = {};
      for (const { status } of lines) tally[status] = (tally[status] ?? 0) + 1;
      // A pass of an assert that ran beside the program is one to CPython, and pays no reward.
      const beside = lines.filter(
        ({ status, asserts }) => status === 'pass' && asserts.some((assert) => assert.inProcess),
      ).length;
      const counts = Object.entries(tally).map(([status, count]) =>
        status === 'pass' && beside > 0
          ? `${count} pass (${beside} of them in-process, without a reward)`
          : `${count} ${status}`,
      );
      await print(
        flags.json
          ? JSON.stringify({
              samples: lines.length,
              ...tally,
              ...(beside > 0 && { inProcess: beside }),
            })
          : `${lines.length} samples: ${counts.join(', ')}.`,
      );
    } finally {
      await grader.close();
    }
    return 0;
  },
};
