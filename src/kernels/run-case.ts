import type { OpenedDevice } from '../gpu/device.ts';
import { bindingsOf, type Kernel, type KernelCase, type ReferenceIo } from '../gpu/kernel.ts';
import type { BufferView } from '../gpu/memory.ts';

type Constants = Readonly<Record<string, number | boolean>>;

/** A case's arrays as the reference takes them: floats as doubles, words as they are; copies. */
export function toReference(io: KernelCase['io']): ReferenceIo {
  return Object.fromEntries(
    Object.entries(io).map(([name, array]) => [
      name,
      array instanceof Float32Array ? Float64Array.from(array) : array.slice(),
    ]),
  );
}

/** Runs a case's reference; returns the outputs (its read_write bindings). */
export function runReference(
  kernel: Kernel,
  c: KernelCase,
  constants: Constants = {},
): ReferenceIo {
  const io = toReference(c.io);
  kernel.reference(io, c.params, { ...kernel.constants, ...c.constants, ...constants });
  return pickOutputs(kernel, io);
}

/** Runs a case on the device; returns the outputs (its read_write bindings). */
export async function runOnDevice(
  opened: OpenedDevice,
  kernel: Kernel,
  c: KernelCase,
  constants: Constants = {},
): Promise<ReferenceIo> {
  const { memory, recorder } = opened;
  const views: Record<string, BufferView> = {};
  const bindings = bindingsOf(kernel);
  try {
    for (const { name } of bindings) {
      const array = c.io[name];
      if (array) views[name] = memory.upload(`case ${name}`, array);
    }
    recorder.run(kernel, c.params, views, { ...c.constants, ...constants });
    const outputs = bindings
      .filter((b) => b.access === 'read_write' && views[b.name])
      .map((b) => b.name);
    const results = await recorder.read(outputs.map((name) => views[name] as BufferView));
    await memory.settle();
    return Object.fromEntries(
      outputs.map((name, i) => {
        const before = c.io[name] as Float32Array | Uint32Array;
        const bytes = (results[i] as ArrayBuffer).slice(0, before.byteLength);
        return [
          name,
          before instanceof Float32Array
            ? Float64Array.from(new Float32Array(bytes))
            : new Uint32Array(bytes),
        ];
      }),
    );
  } finally {
    for (const view of Object.values(views)) memory.free(view);
    recorder.forgetBindGroups();
  }
}

/**
 * One output as numbers to compare: words as they are, except those that hold the bits of floats.
 */
export function comparable(
  kernel: Kernel,
  name: string,
  array: Float64Array | Uint32Array,
): Float64Array {
  const values = Float64Array.from(array);
  const mixed = kernel.floatWords?.[name];
  if (mixed && array instanceof Uint32Array) {
    const floats = new Float32Array(array.buffer, array.byteOffset, array.length);
    for (let i = 0; i < values.length; i++) {
      if (mixed.words.includes(i % mixed.stride)) values[i] = floats[i] as number;
    }
  }
  return values;
}

function pickOutputs(kernel: Kernel, io: ReferenceIo): ReferenceIo {
  return Object.fromEntries(
    bindingsOf(kernel).flatMap((b) =>
      b.access === 'read_write' && io[b.name]
        ? [[b.name, io[b.name] as Float64Array | Uint32Array]]
        : [],
    ),
  );
}
