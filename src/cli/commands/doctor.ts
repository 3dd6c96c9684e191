import { nodeGpu } from '../../gpu/node-gpu.ts';
import { deviceReport } from '../../session/device-report.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { print } from '../io.ts';

const FLAGS = {
  json: { kind: 'flag', help: 'the report as one JSON object' },
} as const satisfies Record<string, OptionSpec>;

export const doctor: Command = {
  name: 'doctor',
  summary: 'the GPU adapter, its features and limits, a self-test and its measured speed',
  flags: FLAGS,
  async run(argv) {
    const flags = parseFlags(FLAGS, argv);
    const report = await deviceReport(nodeGpu(), { measure: true });
    if (flags.json) {
      await print(JSON.stringify(report));
      return report.available ? 0 : 1;
    }
    await print(report.summary);
    if (!report.available) return 1;
    await print(
      `adapter   ${[report.vendor, report.architecture, report.description].filter(Boolean).join(' · ')}${report.software ? ' (software)' : ''}`,
    );
    await print(`features  ${report.features.join(', ') || 'none'}`);
    for (const [name, value] of Object.entries(report.limits)) await print(`  ${name.padEnd(36)} ${value}`);
    for (const test of report.selfTest) await print(`${test.ok ? 'ok  ' : 'FAIL'}  ${test.name}: ${test.detail}`);
    if (report.measured) {
      const { gflops, gbPerSecond } = report.measured;
      await print(`measured  ${gflops.toFixed(1)} GFLOP/s, ${gbPerSecond.toFixed(1)} GB/s`);
    }
    for (const warning of report.warnings) await print(`note      ${warning}`);
    return report.selfTest.every((test) => test.ok) ? 0 : 1;
  },
};
