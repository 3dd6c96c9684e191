import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseFlags, UsageError, type OptionSpec } from '../args.ts';
import { Bed } from '../bench/bed.ts';
import { decodeSection } from '../bench/decode.ts';
import { deviceSection } from '../bench/device.ts';
import { grpoSection } from '../bench/grpo.ts';
import { loadingSection } from '../bench/loading.ts';
import { memorySection } from '../bench/memory.ts';
import { peersSection } from '../bench/peers.ts';
import { precisionSection } from '../bench/precision.ts';
import { prefillSection } from '../bench/prefill.ts';
import { sandboxSection } from '../bench/sandbox.ts';
import { load, machine, type Section } from '../bench/section.ts';
import { trainSection } from '../bench/train.ts';
import { verify } from '../bench/verify.ts';
import type { Command } from '../command.ts';
import { loadProblems } from '../dataset.ts';
import { print, remark, writeWhole } from '../io.ts';
import { parseWeights, WEIGHT_FLAGS } from '../model.ts';

const SECTIONS: readonly Section[] = [
  deviceSection,
  decodeSection,
  prefillSection,
  trainSection,
  grpoSection,
  memorySection,
  loadingSection,
  precisionSection,
  sandboxSection,
];

const FLAGS = {
  only: { kind: 'list', choices: SECTIONS.map((section) => section.name), help: 'some sections' },
  model: {
    kind: 'text',
    fallback: 'nano',
    value: 'nano|FOLDER',
    help: 'what is generated with and trained',
  },
  weights: WEIGHT_FLAGS.weights,
  groups: { kind: 'list', fallback: ['1', '4', '10', '32'], help: 'sequences decoded at once' },
  dataset: {
    kind: 'text',
    fallback: 'starter',
    value: 'starter|FILE',
    help: 'whose reference solutions are run',
  },
  peers: { kind: 'flag', help: 'also jax-js on the same adapter, beside our own kernels' },
  size: { kind: 'number', min: 0.01, max: 1, fallback: 1, help: 'share of the full measurement' },
  out: { kind: 'text', value: 'FILE', help: 'write the figures there too, as JSON' },
  json: { kind: 'flag', help: 'the figures as one JSON object' },
} as const satisfies Record<string, OptionSpec>;

export const bench: Command = {
  name: 'bench',
  summary:
    'measured figures, each beside a peer or a ceiling of the same run; bench verify: the full conformance sets',
  flags: FLAGS,
  async run(argv, context) {
    if (argv[0] === 'verify') return verify.run(argv.slice(1), context);
    const { root } = context;
    const flags = parseFlags(FLAGS, argv);
    const groups = parseGroups(flags.groups);
    const problems = await loadProblems(flags.dataset, root);
    const bed = await Bed.of(flags.model, parseWeights(flags.weights), root);
    const before = load();
    const figures: Record<string, unknown> = {};
    const { size } = flags;
    for (const section of [...SECTIONS, ...(flags.peers ? [peersSection] : [])]) {
      if (flags.only && section !== peersSection && !flags.only.includes(section.name)) continue;
      remark(`${section.name}: ${section.summary}`);
      figures[section.name] = await section.run({
        bed,
        groups,
        problems,
        size,
        note: (line) => remark(`  ${line}`),
      });
    }
    bed.close();
    const result = {
      version: 1,
      date: new Date().toISOString(),
      command: ['./bin/afterthought bench', ...argv].join(' '),
      machine: machine(),
      ...bed.subject(),
      load: { before, after: load() },
      ...figures,
    };
    if (flags.out !== undefined) {
      await mkdir(dirname(flags.out), { recursive: true });
      await writeWhole(flags.out, `${JSON.stringify(result, null, 2)}\n`);
    }
    await print(JSON.stringify(result, null, flags.json ? undefined : 2));
    return 0;
  },
};

/** Group sizes, smallest first; the first is what the others are held against. */
function parseGroups(words: readonly string[]): number[] {
  const groups = words.map(Number);
  const bad = words.find((_, i) => !Number.isInteger(groups[i]) || groups[i]! < 1);
  if (bad !== undefined)
    throw new UsageError(`--groups takes whole numbers from 1 on; \`${bad}\` is none.`);
  return groups.sort((a, b) => a - b);
}
