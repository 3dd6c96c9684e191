import * as v from 'valibot';
import { hash32 } from '../../lib/rng.ts';
import { mapLines } from '../../lib/json.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { blocks, print, readText } from '../io.ts';
import {
  checkIds,
  loadWithAdapter,
  MODEL_FLAGS,
  openModelFolder,
  parseWeights,
  WEIGHT_FLAGS,
  withText,
  type ModelFiles,
} from '../model.ts';
import { Message } from './tokenize.ts';

const FLAGS = {
  ...MODEL_FLAGS,
  ...WEIGHT_FLAGS,
  prompts: {
    kind: 'text',
    required: true,
    value: 'in.jsonl',
    help: 'lines {"id", "prompt"} or {"id", "messages"} or {"id", "ids"}',
  },
  n: { kind: 'integer', min: 1, fallback: 1, help: 'completions a prompt' },
  temperature: { kind: 'number', min: 0, fallback: 1, help: '0 is greedy' },
  'top-p': { kind: 'number', min: 0, max: 1, fallback: 1, help: 'nucleus; 1 is off' },
  'top-k': { kind: 'integer', min: 0, fallback: 0, help: '0 is off' },
  'max-tokens': {
    kind: 'integer',
    min: 1,
    fallback: 128,
    help: 'most new tokens, the end token included',
  },
  seed: {
    kind: 'integer',
    min: 0,
    max: 2 ** 32 - 1,
    fallback: 0,
    help: "random numbers are keyed by it, the prompt's id, the sample and the token's place",
  },
  json: { kind: 'flag', help: 'no effect: the output is JSON lines always' },
} as const satisfies Record<string, OptionSpec>;

const id = v.union([v.string(), v.number()]);
const Line = v.union(
  [
    v.object({
      id,
      ids: v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(0))), v.minLength(1)),
    }),
    v.object({ id, messages: v.array(Message) }),
    v.object({ id, prompt: v.string() }),
  ],
  'a line needs "id" and one of "prompt", "messages", "ids"',
);

/** Prompts generated together; completions are printed in the prompts' order. */
const BLOCK = 16;

export const generate: Command = {
  name: 'generate',
  summary: 'completions of prompts, one JSON line each',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const weights = parseWeights(flags.weights);
    const folder = await openModelFolder(flags.model, weights, root);
    const text = await readText(flags.prompts, 'The prompts file');
    // Without a tokenizer prompts are ids and completions have no text.
    const files =
      (await folder.source.size('tokenizer.json')) === null ? null : await withText(folder, root);
    const streamOf = streams();
    const prompts = mapLines(Line, text, flags.prompts, (line, label) => {
      const ids = promptIds(line, files, label);
      checkIds(ids, folder.config, label, flags['max-tokens']);
      return { id: line.id, ids, stream: streamOf(line.id) };
    });
    const { engine, adapter } = await loadWithAdapter(folder, weights, flags.adapter);
    const stopIds = files?.tokenizer.eosIds ?? engine.config.eosIds;
    for (const block of blocks(prompts, BLOCK)) {
      const completions = await engine.generate(
        block.map((prompt) => ({
          prompt: prompt.ids,
          samples: flags.n,
          adapter,
          temperature: flags.temperature,
          topK: flags['top-k'],
          topP: flags['top-p'],
          seed: flags.seed,
          stream: prompt.stream,
          maxTokens: flags['max-tokens'],
          stopIds,
        })),
      );
      const ordered = [...completions].sort((a, b) => a.request - b.request || a.sample - b.sample);
      for (const { request, sample, ids, logprobs, finish } of ordered) {
        const prompt = block[request]!;
        const text = files?.text.decode(ids, prompt.ids) ?? null;
        await print(
          JSON.stringify({
            id: prompt.id,
            sample,
            ids,
            text,
            logprobs: [...logprobs],
            finish,
          }),
        );
      }
    }
    engine.destroy();
    return 0;
  },
};

/**
 * Where a prompt's random numbers begin: by its id, so that neither neighbours nor order change
 * what it draws.
 */
function streams(): (id: string | number) => number {
  const seen = new Map<string, number>();
  return (id) => {
    const key = JSON.stringify(id);
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    return hash32(before, ...new TextEncoder().encode(key));
  };
}

function promptIds(
  line: v.InferOutput<typeof Line>,
  files: ModelFiles | null,
  label: string,
): readonly number[] {
  if ('ids' in line) return line.ids;
  if (!files)
    throw new Error(`${label}, is text, and the model's folder has no tokenizer.json; give "ids".`);
  // A rendered conversation holds its special tokens already; a bare prompt gets those the
  // tokenizer begins a text with.
  const ids =
    'messages' in line
      ? files.tokenizer.encode(files.chat.renderChat(line.messages))
      : files.tokenizer.encode(line.prompt, { addSpecialTokens: true });
  if (ids.length === 0)
    throw new Error(
      `${label}, has an empty prompt; a completion needs at least one token to continue from.`,
    );
  return ids;
}
