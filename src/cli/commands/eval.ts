import { DEFAULT_METHOD } from '../../schema/config.ts';
import { join } from 'node:path';
import { evaluationProblems } from '../../data/datasets.ts';
import { evaluate, type Answer } from '../../eval/evaluate.ts';
import { evaluationFiles } from '../../eval/files.ts';
import { evalPlusProtocol, PROTOCOL_MAX_TOKENS, PROTOCOL_TOP_P } from '../../eval/protocol.ts';
import { evaluationSummary } from '../../eval/summary.ts';
import type { Rates } from '../../schema/evaluation.ts';
import { presetOf } from '../../session/presets.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { DATASET_VALUE, loadProblems, resolveDataset } from '../dataset.ts';
import { openGrader } from '../grader.ts';
import { outFolder, print, remark, writeWhole } from '../io.ts';
import {
  loadWithAdapter,
  MODEL_FLAGS,
  openModelFiles,
  parseWeights,
  WEIGHT_FLAGS,
} from '../model.ts';

const FLAGS = {
  ...MODEL_FLAGS,
  ...WEIGHT_FLAGS,
  dataset: {
    kind: 'text',
    required: true,
    value: DATASET_VALUE,
    help: 'a named set or a problem file',
  },
  split: {
    kind: 'text',
    choices: ['train', 'validation', 'test', 'all'],
    fallback: 'test',
    help: 'which of its problems',
  },
  limit: { kind: 'integer', min: 1, help: 'a seeded choice of so many (all of the split)' },
  n: { kind: 'integer', min: 1, fallback: 1, help: 'answers a problem' },
  temperature: { kind: 'number', min: 0, fallback: 0, help: '0 is greedy' },
  protocol: {
    kind: 'text',
    choices: ['evalplus', 'plain'],
    help: "evalplus: EvalPlus' prompts, stops and sanitiser (all but nano); plain: the prompts of training (nano)",
  },
  'top-p': {
    kind: 'number',
    min: 0,
    max: 1,
    help: "nucleus; 1 is off (1; EvalPlus' protocol: 0.95)",
  },
  'max-tokens': {
    kind: 'integer',
    min: 1,
    help: "most new tokens (the model's preset; EvalPlus' protocol: 768)",
  },
  timeout: { kind: 'number', min: 0.1, fallback: 10, help: 'seconds a program' },
  seed: {
    kind: 'integer',
    min: 0,
    max: 2 ** 32 - 1,
    fallback: 0,
    help: 'of the samples and of --limit',
  },
  out: {
    kind: 'text',
    required: true,
    value: 'DIR',
    help: 'where samples.jsonl, results.jsonl and summary.json go',
  },
  json: { kind: 'flag', help: 'print the summary as JSON' },
} as const satisfies Record<string, OptionSpec>;

export const evalCommand: Command = {
  name: 'eval',
  summary: 'a model, with or without adapter, on a data set',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const weights = parseWeights(flags.weights);
    const files = await openModelFiles(flags.model, weights, root);
    const dataset = await resolveDataset(flags.dataset);
    const all = await loadProblems(dataset, root);
    const { limit = null, seed } = flags;
    const problems = evaluationProblems(all, {
      dataset: flags.dataset,
      split: flags.split,
      limit,
      seed,
    });
    await outFolder(flags.out);
    const started = performance.now();
    const { engine, adapter } = await loadWithAdapter(files, weights, flags.adapter);
    const grader = openGrader({ evaluation: true });
    const byEvalPlus =
      (flags.protocol ?? (files.name === 'nano' ? 'plain' : 'evalplus')) === 'evalplus';
    const protocol = byEvalPlus ? evalPlusProtocol(files.text, files.tokenizer, files.chat) : null;
    const text = protocol ?? files.text;
    let answers: Answer[];
    try {
      let shown = 0;
      answers = await evaluate(
        {
          engine,
          text,
          grade: (problem, answer) =>
            grader.grade(problem, protocol?.program(problem, answer) ?? answer, {
              format: text.format,
              timeoutSeconds: flags.timeout,
            }),
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
          topP: flags['top-p'] ?? (byEvalPlus ? PROTOCOL_TOP_P : 1),
          maxTokens:
            flags['max-tokens'] ??
            (byEvalPlus ? PROTOCOL_MAX_TOKENS : presetOf(DEFAULT_METHOD, files.name).maxTokens),
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
    const filed = answers.map((answer) => ({ ...answer, taskId: answer.problem.id }));
    for (const [name, content] of Object.entries(evaluationFiles(filed, summary))) {
      await writeWhole(join(flags.out, name), content);
    }
    if (flags.json) await print(JSON.stringify(summary));
    else {
      await print(sentence(summary.plus ? 'base' : 'all tests', summary.base, answers.length));
      if (summary.plus) await print(sentence('base and plus', summary.plus, answers.length));
      if (summary.label) await print(`This is a ${summary.label}.`);
    }
    return 0;
  },
};

function sentence(tests: string, rates: Rates, answers: number): string {
  const percent = (x: number) => (100 * x).toFixed(1);
  const interval = rates.ci95.map(percent).join(' to ');
  return (
    `${tests}: ${rates.passes} of ${answers} answers pass; pass@1 ` +
    `${percent(rates['pass@1'])} % (95 %: ${interval} %).`
  );
}
