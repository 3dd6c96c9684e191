import { openDevice, type OpenedDevice } from '../device.ts';
import { nodeGpu } from '../node-gpu.ts';

/**
 * A device for a test file. No adapter is a failure, not a skip: the message says what to install.
 */
export async function openTestDevice(): Promise<OpenedDevice> {
  try {
    return await openDevice(nodeGpu());
  } catch (cause) {
    throw new Error(
      'These tests need a WebGPU adapter under Node and Dawn found none: install a GPU driver ' +
        'with Vulkan, or Mesa 24 or ' +
        'later for lavapipe (on Debian 12 "sudo bash scripts/system.sh" does it).',
      { cause },
    );
  }
}
