import type { GpuEngine } from '../../model/gpu-engine.ts';
import { sampleGroup, stepShape, update } from './grpo.ts';
import { residentMib } from './processor.ts';
import { rounded, type Section } from './section.ts';

const mib = (bytes: number): number => rounded(bytes / 2 ** 20, 2);

export const memorySection: Section = {
  name: 'memory',
  summary:
    'what a fresh engine holds on the device by part, and the process on the host: loaded, ' +
    'after sampling, after an update',
  async run({ bed, size, note }) {
    bed.close();
    const before = residentMib(process.pid);
    const engine = await bed.load();
    const shape = stepShape(engine, size);
    const loaded = reading(engine);
    const completions = await sampleGroup(engine, shape);
    const sampled = reading(engine);
    await update(engine, shape, completions);
    const updated = reading(engine);
    note(
      `device ${updated.device_mib} MiB after an update (peak ${updated.device_peak_mib}), ` +
        `host ${updated.host_mib ?? 'unknown'} MiB`,
    );
    return {
      step:
        `${shape.samples} × ${shape.completion} tokens after ${shape.prompt}, ` +
        `micro-batches of ${engine.microBatchRows} rows`,
      host_before_mib: before,
      loaded,
      sampled,
      updated,
      host_peak_mib: rounded(process.resourceUsage().maxRSS / 1024),
    };
  },
};

function reading({ opened: { memory } }: GpuEngine) {
  return {
    device_mib: mib(memory.bytes),
    device_peak_mib: mib(memory.peak),
    parts_mib: Object.fromEntries([...memory.report()].map(([part, bytes]) => [part, mib(bytes)])),
    host_mib: residentMib(process.pid),
  };
}
