import { UsageError } from '../args.ts';
import { verify } from '../bench/verify.ts';
import type { Command } from '../command.ts';

export const bench: Command = {
  name: 'bench',
  summary: 'verify: the full conformance sets',
  flags: verify.flags,
  async run([what, ...argv], context) {
    if (what !== 'verify') throw new UsageError('bench takes `verify`: afterthought bench verify.');
    return verify.run(argv, context);
  },
};
