import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swiglu } from '../kernels/swiglu.ts';
import { openDevice, type OpenedDevice } from './device.ts';
import { DeviceLostError, OutOfGpuMemoryError } from './errors.ts';
import { slice } from './memory.ts';
import { Profiler } from './profiler.ts';
import { openTestDevice } from './testing/node-gpu.ts';

describe('a machine without a usable GPU', () => {
  it('is told in a sentence what is missing and what to do', async () => {
    await expect(openDevice(undefined)).rejects.toThrow(/no WebGPU.*Use a current Chrome/s);
    const none = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    await expect(openDevice(none)).rejects.toThrow(/no adapter.*Update the graphics driver/s);
  });
});

describe('a device', () => {
  let opened: OpenedDevice;
  beforeAll(async () => {
    opened = await openTestDevice();
  });
  afterAll(() => opened.device.destroy());

  it('accounts for every buffer and gives a freed one back', () => {
    const { memory } = opened;
    const before = memory.bytes;
    const view = memory.alloc('probe one', 1000);
    expect(memory.bytes - before).toBe(1008);
    expect(memory.report().get('probe')).toBe(1008);
    memory.free(view);
    memory.free(view);
    expect(memory.bytes).toBe(before);
    expect(memory.peak).toBeGreaterThanOrEqual(before + 1008);
  });

  it('names what it had no room for, how large that was and what to do', async () => {
    const { memory } = opened;
    const bytes = opened.device.limits.maxStorageBufferBindingSize + 16;
    expect(() => memory.alloc('keys and values', bytes)).toThrow(OutOfGpuMemoryError);
    expect(() => memory.alloc('keys and values', bytes)).toThrow(
      /no room for keys and values \(\d+ MiB; .*fewer completions/s,
    );
    await memory.settle();
  });

  it('hands ranges back as they were written, odd byte counts included', async () => {
    const { memory, recorder } = opened;
    const words = Uint32Array.from({ length: 192 }, (_, i) => i * 3);
    const view = memory.upload('probe words', words);
    const [all, part] = await recorder.read([view, slice(view, 64, 5)]);
    expect([...new Uint32Array(all ?? new ArrayBuffer(0))]).toEqual([...words]);
    expect([...new Uint32Array(part ?? new ArrayBuffer(0))]).toEqual([192, 195, 198, 201, 204]);
    const odd = memory.upload('probe bytes', Uint8Array.of(1, 2, 3, 4, 5));
    const [bytes] = await recorder.read([odd]);
    expect([...new Uint8Array(bytes ?? new ArrayBuffer(0)).subarray(0, 6)]).toEqual([
      1, 2, 3, 4, 5, 0,
    ]);
  });

  it('cuts submits by estimated time, reuses pipelines, and times kernels when asked', async () => {
    const { memory, recorder, device } = opened;
    const gate_up = memory.alloc('probe input', 4 * 2 * 64);
    const y = memory.alloc('probe output', 4 * 64);
    const rate = recorder.flopsPerSecond;
    const run = (times: number) => {
      for (let i = 0; i < times; i++) recorder.run(swiglu, { rows: 1, width: 64 }, { gate_up, y });
    };
    recorder.flopsPerSecond = 1e12;
    await recorder.finish();
    const whole = recorder.counts.submits;
    run(20);
    await recorder.finish();
    expect(recorder.counts.submits - whole).toBe(1);
    recorder.flopsPerSecond = 1; // any dispatch now takes longer than a submit may
    run(20);
    await recorder.finish();
    expect(recorder.counts.submits - whole).toBe(21);
    recorder.flopsPerSecond = rate;
    if (opened.features.has('timestamp-query')) {
      recorder.profiler = new Profiler(device);
      run(3);
      await recorder.finish();
      expect(await recorder.profiler.report()).toMatchObject([{ name: 'swiglu', dispatches: 3 }]);
      recorder.profiler = null;
    }
    expect(opened.failure.error).toBeNull();
  });

  it('rejects what waits on it, and whatever comes after, once it is lost', async () => {
    const doomed = await openTestDevice();
    doomed.device.destroy();
    await expect(doomed.lost.promise).rejects.toBeInstanceOf(DeviceLostError);
    expect(doomed.lost.error?.message).toMatch(/device was lost/);
    expect(() => doomed.recorder.run(swiglu, { rows: 1, width: 64 }, {})).toThrow(DeviceLostError);
  });
});
