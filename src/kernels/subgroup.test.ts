import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenedDevice } from '../gpu/device.ts';
import type { Kernel } from '../gpu/kernel.ts';
import { Recorder } from '../gpu/recorder.ts';
import { openTestDevice } from '../gpu/testing/node-gpu.ts';
import { linearSubgroup, linearSubgroupBackward, subgroupRows } from './linear-variants.ts';
import { linear, linearBackward } from './linear.ts';
import { runOnDevice } from './run-case.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await openTestDevice();
});
afterAll(() => opened?.device.destroy());

it.each<readonly [string, Kernel, Kernel]>([
  ['product', linear, linearSubgroup],
  ['transposed product', linearBackward, linearSubgroupBackward],
])(
  'gives the bits of the plain %s of f32 and f16 weights on a software adapter, which takes it in its place',
  async (_name, plain, bySubgroup) => {
    if (!opened.software || opened.subgroupSize === null) {
      console.warn('SKIPPED: this adapter is hardware or has no subgroups of a fixed size.');
      return;
    }
    for (const c of plain.cases()) {
      const expected = await runOnDevice(opened, plain, c);
      expect(
        await runOnDevice(opened, bySubgroup, c, subgroupRows(c.params['rows'] ?? 0)),
        c.title,
      ).toEqual(expected);
    }
  },
);

it('is refused with a sentence where the device has no subgroups', () => {
  const [c] = linearSubgroup.cases();
  if (!c) throw new Error('The kernel has no case.');
  const without = new Recorder(opened.device, opened.memory, opened.lost, null);
  expect(() => without.run(linearSubgroup, c.params, {})).toThrow(
    'Kernel linear_subgroup needs subgroups of a fixed size, which this device does not have.',
  );
});
