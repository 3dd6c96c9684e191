import { openDevice } from '../gpu/device.ts';
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

/** What the machine offers, in words and numbers. Never throws: no device is a report too. */
export async function deviceReport(gpu: GPU | undefined): Promise<DeviceReport> {
  try {
    const opened = await openDevice(gpu);
    try {
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
        selfTest: [],
        warnings: [],
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
    };
  }
}
