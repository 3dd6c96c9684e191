import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenedDevice } from '../gpu/device.ts';
import { openTestDevice } from '../gpu/testing/node-gpu.ts';
import { measureDevice } from './measure.ts';
import { rmsNorm } from './rms-norm.ts';
import { isSound, selfTest } from './self-test.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await openTestDevice();
});
afterAll(() => opened?.device.destroy());

it('passes on this device, and leaves neither buffers nor errors behind', async () => {
  const before = opened.memory.bytes;
  const results = await selfTest(opened);
  expect(results.filter((result) => !result.ok)).toEqual([]);
  expect(results.length).toBeGreaterThanOrEqual(7);
  expect(opened.memory.bytes).toBe(before);
  expect(opened.failure.error).toBeNull();
});

it('tells which kernel is wrong, where and by how much', async () => {
  const other = await openTestDevice();
  const { recorder } = other;
  const run = recorder.run.bind(recorder);
  // A device that gets one kernel wrong: another epsilon stands for it.
  recorder.run = (kernel, params, buffers, constants) =>
    run(kernel, kernel.name === rmsNorm.name ? { ...params, eps: 1 } : params, buffers, constants);
  const results = await selfTest(other);
  expect(results.filter((result) => !result.ok).map((result) => result.name)).toEqual([
    'normalisation',
  ]);
  expect(results.find((result) => !result.ok)?.detail).toMatch(
    /^y: Worst at index \d+ of 1794: .* times the tolerance/,
  );
  other.device.destroy();
});

it('trusts a kernel that agrees with its reference, not one that is wrong or does not compile', async () => {
  const before = opened.memory.bytes;
  const wrong = { ...rmsNorm, name: 'wrong', wgsl: rmsNorm.wgsl.replace('p.eps', '(p.eps + 1.0)') };
  const broken = { ...rmsNorm, name: 'broken', wgsl: `${rmsNorm.wgsl}\nfn unfinished( {` };
  expect(wrong.wgsl).not.toBe(rmsNorm.wgsl);
  expect(await isSound(opened, rmsNorm)).toBe(true);
  expect(await isSound(opened, wrong)).toBe(false);
  expect(await isSound(opened, broken)).toBe(false);
  expect(opened.failure.error).toBeNull();
  expect(opened.memory.bytes).toBe(before);
  expect(await isSound(opened, rmsNorm)).toBe(true);
});

it('measures the speed of products and copies and tells the recorder', async () => {
  const before = opened.memory.bytes;
  const { gflops, gbPerSecond } = await measureDevice(opened);
  expect(gflops).toBeGreaterThan(0.01);
  expect(gbPerSecond).toBeGreaterThan(0.01);
  expect(opened.recorder.flopsPerSecond / gflops).toBeCloseTo(1e9, 0);
  expect(opened.memory.bytes).toBe(before);
  console.log(
    `${opened.info.description}: ${gflops.toFixed(2)} GFLOP/s, ${gbPerSecond.toFixed(2)} GB/s`,
  );
});

it('says which device was lost instead of calling its arithmetic wrong', async () => {
  const other = await openTestDevice();
  other.device.destroy();
  await other.device.lost;
  await new Promise((resolve) => setTimeout(resolve, 0));
  await expect(selfTest(other)).rejects.toThrow('The GPU device was lost');
});
