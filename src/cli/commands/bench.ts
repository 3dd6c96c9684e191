import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseFlags, type OptionSpec } from '../args.ts';
import { sandboxSection } from '../bench/sandbox.ts';
import { load, machine, type Section } from '../bench/section.ts';
import { verify } from '../bench/verify.ts';
import type { Command } from '../command.ts';
import { loadProblems } from '../dataset.ts';
import { print, remark } from '../io.ts';

const SECTIONS: readonly Section[] = [sandboxSection];

const FLAGS = {
  only: { kind: 'list', choices: SECTIONS.map((section) => section.name), help: 'some sections' },
  dataset: { kind: 'text', fallback: 'starter', value: 'starter|FILE', help: 'whose reference solutions are run' },
  size: { kind: 'number', min: 0.01, max: 1, fallback: 1, help: 'share of the full measurement' },
  out: { kind: 'text', value: 'FILE', help: 'write the figures there too, as JSON' },
  json: { kind: 'flag', help: 'the figures as one JSON object' },
} as const satisfies Record<string, OptionSpec>;

export const bench: Command = {
  name: 'bench',
  summary: 'measured figures, each beside a peer or a ceiling of the same run; bench verify: the full conformance sets',
  flags: FLAGS,
  async run(argv, context) {
    if (argv[0] === 'verify') return verify.run(argv.slice(1), context);
    const { root } = context;
    const flags = parseFlags(FLAGS, argv);
    const problems = await loadProblems(flags.dataset, root);
    const before = load();
    const figures: Record<string, unknown> = {};
    for (const section of SECTIONS) {
      if (flags.only && !flags.only.includes(section.name)) continue;
      remark(`${section.name}: ${section.summary}`);
      figures[section.name] = await section.run({ problems, size: flags.size, note: (line) => remark(`  ${line}`) });
    }
    const result = {
      version: 1,
      date: new Date().toISOString(),
      command: ['./bin/afterthought bench', ...argv].join(' '),
      machine: machine(),
      load: { before, after: load() },
      ...figures,
    };
    if (flags.out !== undefined) {
      await mkdir(dirname(flags.out), { recursive: true });
      await writeFile(flags.out, `${JSON.stringify(result, null, 2)}\n`);
    }
    await print(JSON.stringify(result, null, flags.json ? undefined : 2));
    return 0;
  },
};
