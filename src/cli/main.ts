import { messageOf } from '../lib/errors.ts';
import { nearest } from '../lib/format.ts';
import { helpOf, UsageError } from './args.ts';
import type { Command, CommandContext } from './command.ts';
import { bench } from './commands/bench.ts';
import { doctor } from './commands/doctor.ts';
import { evalCommand } from './commands/eval.ts';
import { generate } from './commands/generate.ts';
import { grade } from './commands/grade.ts';
import { makeModel } from './commands/make-model.ts';
import { reportCommand } from './commands/report.ts';
import { run } from './commands/run.ts';
import { score } from './commands/score.ts';
import { tokenize } from './commands/tokenize.ts';
import { train } from './commands/train.ts';
import { print } from './io.ts';

const COMMANDS: readonly Command[] = [
  doctor,
  tokenize,
  score,
  generate,
  train,
  run,
  evalCommand,
  grade,
  reportCommand,
  bench,
  makeModel,
];

/** The code of a program that SIGPIPE ended, which Node does not let through. */
const NOBODY_READS = 141;

/**
 * The command line: resolves with the exit code (0 done, 1 failed, 2 bad usage, 130 interrupted,
 * 141 nobody reads stdout any longer).
 */
export async function main(argv: readonly string[], context: CommandContext): Promise<number> {
  // Sandbox processes do not hold the process open, and neither does the GPU; a command that waits
  // for them must.
  const alive = setInterval(() => undefined, 60_000);
  // `print` rejects where stdout fails; without a listener the stream would end the process with a
  // stack trace. Remarks may get lost.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    return await dispatch(argv, context);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return NOBODY_READS;
    process.stderr.write(`afterthought: ${oneLine(messageOf(error))}\n`);
    if (process.env['AFTERTHOUGHT_DEBUG'] && error instanceof Error)
      process.stderr.write(`${error.stack}\n`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    clearInterval(alive);
  }
}

async function dispatch(argv: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    await print(overview());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (!command) {
    const guess = nearest(
      name,
      COMMANDS.map((candidate) => candidate.name),
    );
    throw new UsageError(
      'There is no command ' +
        `\`${name}\`${guess ? `; did you mean ${guess}?` : `; there are ${COMMANDS.map((c) => c.name).join(', ')}.`}`,
    );
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    await print(`afterthought ${command.name}: ${command.summary}\n\n${helpOf(command.flags)}`);
    return 0;
  }
  return command.run(rest, context);
}

function overview(): string {
  const rows = COMMANDS.map((command) => `  ${command.name.padEnd(10)} ${command.summary}`);
  return (
    `Usage: afterthought <command> [flags]\n\n${rows.join('\n')}\n\nafterthought <command> ` +
    '--help lists its flags.'
  );
}

function oneLine(text: string): string {
  return text.split('\n')[0]!;
}
