import { create, globals } from 'webgpu';

let gpu: GPU | null = null;

/**
 * Dawn for Node. The object must stay referenced for the life of the process: collected, it takes
 * the process down.
 */
export function nodeGpu(): GPU {
  if (!gpu) {
    Object.assign(globalThis, globals);
    gpu = create([]);
  }
  return gpu;
}
