import { DeviceLostError } from './errors.ts';
import { GpuMemory } from './memory.ts';
import { Recorder } from './recorder.ts';

export interface OpenedDevice {
  readonly device: GPUDevice;
  readonly info: {
    readonly vendor: string;
    readonly architecture: string;
    readonly description: string;
  };
  /** A CPU pretending to be a GPU (lavapipe, SwiftShader, WARP). */
  readonly software: boolean;
  readonly features: ReadonlySet<string>;
  /**
   * Lanes of a subgroup where all of them have the same, 4 to 64; null where there are none or
   * sizes vary.
   */
  readonly subgroupSize: number | null;
  readonly memory: GpuMemory;
  readonly recorder: Recorder;
  /** Set once the device is gone; every later call throws it. */
  readonly lost: { readonly error: DeviceLostError | null; readonly promise: Promise<never> };
  /** First error WebGPU reported outside any scope; a bug, never ignored. */
  readonly failure: { error: Error | null };
}

const WANTED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'subgroups'];
/** Raised to what the adapter has; everything still works at WebGPU's defaults. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
] as const;

export const NO_WEBGPU =
  'This browser offers no WebGPU, so nothing can be trained or sampled here; stored runs can still be read. ' +
  'Use a current Chrome, Edge, Firefox or Safari, and switch hardware acceleration on.';

/** What an adapter says of itself before a device is opened. */
export interface AdapterFacts {
  readonly info: OpenedDevice['info'];
  readonly software: boolean;
  readonly limits: Pick<GPUSupportedLimits, (typeof RAISED_LIMITS)[number]>;
}

/** Throws a sentence when there is no adapter. */
export async function adapterFacts(gpu: GPU | undefined): Promise<AdapterFacts> {
  return factsOf(await requestAdapter(gpu));
}

function factsOf({ info, limits }: GPUAdapter): AdapterFacts {
  const { vendor, architecture, description, device } = info;
  return {
    info: { vendor, architecture, description },
    software: /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(
      `${vendor} ${architecture} ${description} ${device}`,
    ),
    limits,
  };
}

async function requestAdapter(gpu: GPU | undefined): Promise<GPUAdapter> {
  if (!gpu) throw new Error(NO_WEBGPU);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new Error(
      'WebGPU is there but found no adapter it accepts. Update the graphics driver; on Linux ' +
        'without a GPU install Mesa 24 or newer (lavapipe).',
    );
  }
  return adapter;
}

/**
 * Opens a device with raised limits. Throws a sentence when there is no adapter. Losing the device
 * is an ordinary event: `lost.promise` rejects with `DeviceLostError` and so does everything that
 * waits on it.
 */
export async function openDevice(gpu: GPU | undefined): Promise<OpenedDevice> {
  const adapter = await requestAdapter(gpu);
  const { info, software } = factsOf(adapter);
  const requiredLimits: Record<string, number> = {};
  for (const name of RAISED_LIMITS) requiredLimits[name] = adapter.limits[name];
  const device = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits,
  });
  const lost: { error: DeviceLostError | null; readonly promise: Promise<never> } = {
    error: null,
    promise: device.lost.then((info) => {
      lost.error = new DeviceLostError(
        `The GPU device was lost (${info.reason}${info.message ? `: ${info.message.split('\n')[0]}` : ''}).`,
      );
      throw lost.error;
    }),
  };
  // Everyone who waits races this promise; without a handler of its own a loss while idle would be
  // an unhandled rejection.
  lost.promise.catch(() => undefined);

  const failure: { error: Error | null } = { error: null };
  device.addEventListener('uncapturederror', (event) => {
    failure.error ??= new Error(`The GPU reported an error: ${event.error.message}`);
  });
  const memory = new GpuMemory(device);
  const subgroupSize = fixedSubgroupSize(adapter);
  return {
    device,
    info,
    software,
    features: new Set<string>(adapter.features),
    subgroupSize,
    memory,
    recorder: new Recorder(device, memory, lost, subgroupSize),
    lost,
    failure,
  };
}

function fixedSubgroupSize({ features, info }: GPUAdapter): number | null {
  const { subgroupMinSize: least, subgroupMaxSize: most } = info;
  if (!features.has('subgroups') || least === undefined || least !== most) return null;
  return least >= 4 && least <= 64 ? least : null;
}
