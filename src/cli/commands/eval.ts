import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseProblems } from '../../data/order.ts';
import { evaluate, type Answer } from '../../eval/evaluate.ts';
import { resultLine } from '../../eval/grade.ts';
import { evaluationSummary } from '../../eval/summary.ts';
import { presetOf } from '../../session/presets.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { DATASET_VALUE, loadProblems, resolveDataset } from '../dataset.ts';
import { openGrader } from '../grader.ts';
import { print, remark } from '../io.ts';
import { loadEngine, MODEL_FLAGS, openModelFiles, parseWeights, putAdapter, WEIGHT_FLAGS } from '../model.ts';

const FLAGS = {
  ...MODEL_FLAGS,
  ...WEIGHT_FLAGS,
  dataset: { kind: 'text', required: true, value: DATASET_VALUE, help: 'a named set or a problem file' },
  split: {
    kind: 'text',
    choices: ['train', 'validation', 'test', 'all'],
    fallback: 'test',
    help: 'which of its problems',
  },
  limit: { kind: 'integer', min: 1, help: 'a seeded choice of so many (all of the split)' },
  n: { kind: 'integer', min: 1, fallback: 1, help: 'answers a problem' },
  temperature: { kind: 'number', min: 0, fallback: 0, help: '0 is greedy' },
  'top-p': { kind: 'number', min: 0, max: 1, fallback: 1, help: 'nucleus; 1 is off' },
  'max-tokens': { kind: 'integer', min: 1, help: 'most new tokens (the preset of the model)' },
  timeout: { kind: 'number', min: 0.1, fallback: 10, help: 'seconds a program' },
  seed: { kind: 'integer', min: 0, max: 2 ** 32 - 1, fallback: 0, help: 'of the samples and of --limit' },
  out: { kind: 'text', required: true, value: 'DIR', help: 'where samples.jsonl, results.jsonl and summary.json go' },
  json: { kind: 'flag', help: 'print the summary as JSON' },
} as const satisfies Record<string, OptionSpec>;

export const evalCommand: Command = {
  name: 'eval',
  summary: 'a model, with or without adapter, on a data set',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const weights = parseWeights(flags.weights);
    const files = await openModelFiles(flags.model, root);
    const dataset = await resolveDataset(flags.dataset);
    const all = await loadProblems(dataset, root);
    const split = flags.split === 'all' ? all : all.filter((problem) => problem.split === flags.split);
    if (split.length === 0)
      throw new Error(`${flags.dataset} has no problems in its ${flags.split} split; try --split all.`);
    const problems = flags.limit === undefined ? split : chooseProblems(split, flags.limit, flags.seed, flags.split);
    const started = performance.now();
    const engine = await loadEngine(files, weights);
    const adapter = await putAdapter(engine, flags.adapter);
    const grader = await openGrader({ evaluation: true });
    let answers: Answer[];
    try {
      let shown = 0;
      answers = await evaluate(
        {
          engine,
          text: files.text,
          grade: (problem, completion) =>
            grader.grade(problem, completion, { format: files.text.format, timeoutSeconds: flags.timeout }),
          progress: (_, done, total) => {
            if (done - shown < total / 10 && done < total) return;
            shown = done;
            remark(`${done} of ${total} answers judged`);
          },
        },
        {
          problems,
          adapter,
          greedy: false,
          samples: flags.n,
          temperature: flags.temperature,
          topP: flags['top-p'],
          maxTokens: flags['max-tokens'] ?? presetOf('grpo', files.name).maxTokens,
          seed: flags.seed,
        },
      );
    } finally {
      await grader.close();
      engine.destroy();
    }
    const wall = (performance.now() - started) / 1000;
    const summary = evaluationSummary(answers, {
      model: files.name,
      adapter: flags.adapter ?? null,
      dataset,
      samples: flags.n,
      seed: flags.seed,
      wall,
    });
    await mkdir(flags.out, { recursive: true });
    const lines = (of: (answer: Answer) => object) =>
      answers.map((answer) => `${JSON.stringify(of(answer))}\n`).join('');
    await writeFile(
      join(flags.out, 'samples.jsonl'),
      lines((a) => ({ task_id: a.problem.id, solution: a.graded.code ?? a.text })),
    );
    await writeFile(
      join(flags.out, 'results.jsonl'),
      lines((a) => resultLine(a.problem.id, a.sample, a.graded)),
    );
    await writeFile(join(flags.out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    if (flags.json) await print(JSON.stringify(summary));
    else
      await print(
        `${summary.base.passes} of ${answers.length} answers pass; pass@1 ${(100 * summary.base['pass@1']).toFixed(1)} % (95 %: ${summary.base.ci95.map((x) => (100 * x).toFixed(1)).join(' to ')} %).`,
      );
    return 0;
  },
};
