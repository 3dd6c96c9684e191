import * as v from 'valibot';
import { mapLines } from '../../lib/json.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { blocks, print, readStdin } from '../io.ts';
import {
  checkIds,
  loadWithAdapter,
  MODEL_FLAGS,
  openModelFolder,
  parseWeights,
  WEIGHT_FLAGS,
} from '../model.ts';

const FLAGS = {
  ...MODEL_FLAGS,
  ...WEIGHT_FLAGS,
  json: { kind: 'flag', help: 'no effect: the output is JSON lines always' },
} as const satisfies Record<string, OptionSpec>;

const Line = v.object({
  ids: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
  prompt_len: v.pipe(v.number(), v.integer(), v.minValue(1)),
  top: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
});

/** Lines scored together. */
const BLOCK = 16;

export const score: Command = {
  name: 'score',
  summary: 'log-probabilities and entropy of given tokens, JSON lines on stdin',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const weights = parseWeights(flags.weights);
    const files = await openModelFolder(flags.model, weights, root);
    const lines = mapLines(Line, await readStdin(), 'stdin', (line, label) => {
      const { length } = line.ids;
      checkIds(line.ids, files.config, label);
      if (line.prompt_len > length)
        throw new Error(`${label}, has a prompt_len of ${line.prompt_len}, but ${length} tokens.`);
      return line;
    });
    const { engine, adapter } = await loadWithAdapter(files, weights, flags.adapter);
    for (const block of blocks(lines, BLOCK)) {
      // A line that is all prompt has no position to score.
      const asked = block.filter((line) => line.prompt_len < line.ids.length);
      const scores = await engine.score(
        asked.map((line) => ({
          ids: line.ids,
          promptLength: line.prompt_len,
          adapter,
          ...(line.top ? { top: line.top } : {}),
        })),
      );
      const scoreOf = new Map(asked.map((line, i) => [line, scores[i]]));
      for (const line of block) {
        const { logprobs = [], entropy = [], top = [] } = scoreOf.get(line) ?? {};
        await print(
          JSON.stringify({
            logprobs: [...logprobs],
            entropy: [...entropy],
            ...(line.top ? { top } : {}),
          }),
        );
      }
    }
    engine.destroy();
    return 0;
  },
};
