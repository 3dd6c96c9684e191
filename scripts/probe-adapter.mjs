// Prints the adapter and device that Dawn gives under Node as one line of JSON; exit code 1 when
// there is none.
import { create } from 'webgpu';

// Collected, this object takes the process down.
globalThis.dawn = create([]);
const adapter = await globalThis.dawn.requestAdapter();
if (!adapter) process.exit(1);
const device = await adapter.requestDevice();
const { vendor, architecture, description } = adapter.info;
console.log(
  JSON.stringify({ vendor, architecture, description, features: [...device.features].sort() }),
);
process.exit(0);
