import { openDevice } from '../gpu/device.ts';
import { measureDevice, type Measurement } from '../kernels/measure.ts';
import { selfTest } from '../kernels/self-test.ts';
import { messageOf } from '../lib/errors.ts';
import type { DeviceReport } from '../schema/protocol.ts';

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

/**
 * What the machine offers, in words and numbers, and whether its kernels compute what they should.
 * Never throws: no device is a report too. `measure` also times the device, which takes under a
 * second more.
 */
export async function deviceReport(
  gpu: GPU | undefined,
  options: { readonly measure?: boolean } = {},
): Promise<DeviceReport & { readonly measured: Measurement | null }> {
  try {
    const opened = await openDevice(gpu);
    try {
      const tests = await selfTest(opened);
      const failed = tests.filter((test) => !test.ok).map((test) => test.name);
      const { vendor, architecture, description } = opened.info;
      const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'a GPU';
      return {
        available: true,
        summary: opened.software
          ? `WebGPU works on ${name}, a software adapter: the embedded model trains, slowly.`
          : `WebGPU works on ${name}.`,
        vendor,
        architecture,
        description,
        software: opened.software,
        features: [...opened.features].sort(),
        limits: Object.fromEntries(LIMITS.map((limit) => [limit, opened.device.limits[limit]])),
        selfTest: tests,
        warnings: failed.length
          ? [
              `This device computes wrongly (${failed.join(', ')}), so nothing it trains can ` +
                'be trusted; update its driver.',
            ]
          : [],
        measured: options.measure ? await measureDevice(opened) : null,
      };
    } finally {
      opened.device.destroy();
    }
  } catch (error) {
    return {
      available: false,
      summary: messageOf(error),
      vendor: '',
      architecture: '',
      description: '',
      software: false,
      features: [],
      limits: {},
      selfTest: [],
      warnings: [],
      measured: null,
    };
  }
}
