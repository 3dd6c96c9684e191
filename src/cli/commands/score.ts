import * as v from 'valibot';
import { parseLines } from '../../lib/json.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { blocks, print, readStdin } from '../io.ts';
import { loadEngine, MODEL_FLAGS, openModelFolder, parseWeights, putAdapter, WEIGHT_FLAGS } from '../model.ts';

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
    const lines = parseLines(Line, await readStdin(), 'stdin');
    const engine = await loadEngine(files, weights);
    const adapter = await putAdapter(engine, flags.adapter);
    for (const block of blocks(lines, BLOCK)) {
      const scores = await engine.score(
        block.map((line) => ({
          ids: line.ids,
          promptLength: line.prompt_len,
          adapter,
          ...(line.top ? { top: line.top } : {}),
        })),
      );
      for (const { logprobs, entropy, top } of scores) {
        await print(JSON.stringify({ logprobs: [...logprobs], entropy: [...entropy], ...(top ? { top } : {}) }));
      }
    }
    engine.destroy();
    return 0;
  },
};
