import { nodeGpu } from '../../gpu/node-gpu.ts';
import { formatBytes, formatPercent, formatSeconds } from '../../lib/format.ts';
import { DEFAULT_METHOD, METHOD_NAMES } from '../../schema/config.ts';
import { MEMORY_PARTS, PART_NAMES, type RunPlan, type StepEstimate } from '../../schema/plan.ts';
import { deviceReport } from '../../session/device-report.ts';
import { parseFlags, type OptionSpec, type Values } from '../args.ts';
import type { Command } from '../command.ts';
import { DATASET_VALUE } from '../dataset.ts';
import { print } from '../io.ts';
import { MEMORY_FLAG } from '../machine.ts';
import { MODEL_FLAGS, WEIGHT_FLAGS } from '../model.ts';
import { planOf } from '../plan.ts';

const FLAGS = {
  model: {
    ...MODEL_FLAGS.model,
    required: false,
    help: 'also plan a run with this model: memory, storage, whether it fits',
  },
  method: {
    kind: 'text',
    choices: METHOD_NAMES,
    fallback: DEFAULT_METHOD,
    help: 'of the planned run',
  },
  dataset: { kind: 'text', value: DATASET_VALUE, fallback: 'starter', help: 'of the planned run' },
  weights: WEIGHT_FLAGS.weights,
  ...MEMORY_FLAG,
  measure: {
    kind: 'flag',
    help: 'load the model and measure how long a step of the planned run takes',
  },
  json: { kind: 'flag', help: 'the report as one JSON object' },
} as const satisfies Record<string, OptionSpec>;

export const doctor: Command = {
  name: 'doctor',
  summary:
    'the GPU adapter, its features and limits, a self-test, its measured speed, and what a run would take',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const report = await deviceReport(nodeGpu(), { measure: true });
    const planned =
      flags.model !== undefined && report.available
        ? await planOf({ ...flags, model: flags.model }, root)
        : null;
    if (flags.json) {
      await print(JSON.stringify({ ...report, ...planned }));
      return report.available ? 0 : 1;
    }
    await print(report.summary);
    if (!report.available) return 1;
    await print(
      'adapter   ' +
        `${[report.vendor, report.architecture, report.description].filter(Boolean).join(' · ')}${report.software ? ' (software)' : ''}`,
    );
    await print(`features  ${report.features.join(', ') || 'none'}`);
    for (const [name, value] of Object.entries(report.limits))
      await print(`  ${name.padEnd(36)} ${value}`);
    for (const test of report.selfTest)
      await print(`${test.ok ? 'ok  ' : 'FAIL'}  ${test.name}: ${test.detail}`);
    if (report.measured) {
      const { gflops, gbPerSecond } = report.measured;
      await print(`measured  ${gflops.toFixed(1)} GFLOP/s, ${gbPerSecond.toFixed(1)} GB/s`);
    }
    for (const warning of report.warnings) await print(`note      ${warning}`);
    if (planned) await printPlan(flags, planned.plan, planned.step);
    return report.selfTest.every((test) => test.ok) ? 0 : 1;
  },
};

async function printPlan(
  { model, method }: Values<typeof FLAGS>,
  { memory, storage }: RunPlan,
  step: StepEstimate | null,
): Promise<void> {
  await print(
    `\n${method} on ${model}, ${memory.precision} weights, micro-batches of ` +
      `${memory.sizes.microBatchRows} tokens, ${memory.sizes.slots} answers at a time`,
  );
  for (const part of MEMORY_PARTS)
    await print(`  ${PART_NAMES[part].padEnd(36)} ${formatBytes(memory.parts[part])}`);
  await print(`  ${'in all'.padEnd(36)} ${formatBytes(memory.device)}`);
  await print(`${memory.fits ? 'fits     ' : 'NO ROOM  '} ${memory.summary}`);
  if (memory.advice) await print(`          ${memory.advice}`);
  await print(`host      about ${formatBytes(memory.host)} beside it while a checkpoint is kept`);
  await print(`storage   ${storage.summary}`);
  if (!step) return;
  await print(
    `step      ${formatSeconds(step.step.half)} with answers of half the length they may have, ` +
      `${formatSeconds(step.step.full)} with all of it ` +
      `(sampling ${formatSeconds(step.sample.full)}, update ` +
      `${formatSeconds(step.update.full)}; ` +
      (step.noise === null
        ? 'worked out from a small piece)'
        : `two measurements differed by ${formatPercent(step.noise)})`),
  );
}
