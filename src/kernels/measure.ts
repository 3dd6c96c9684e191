import type { OpenedDevice } from '../gpu/device.ts';
import { linear, plain } from './linear.ts';

export interface Measurement {
  /** Of a matrix product by `linear`, f32: 10⁹ multiplications and additions a second. */
  readonly gflops: number;
  /** Of a buffer copy: 10⁹ bytes read and written a second. */
  readonly gbPerSecond: number;
}

/** (rows, inner, outputs) of the product, and the rate in flop/s beyond which it is too small to fill the device. */
const SIZES = [
  [64, 256, 256, 5e10],
  [512, 2048, 2048, Infinity],
] as const;
const COPY_BYTES = 8 << 20;
/** Longest a measurement is doubled for: the whole stays below a second on a software adapter. */
const ENOUGH_SECONDS = 0.06;

/**
 * Speed of the device, in well under a second; also tells the recorder, which cuts its submits by it. A rough figure for
 * a report: benches measure properly.
 */
export async function measureDevice(opened: OpenedDevice): Promise<Measurement> {
  let flops = 0;
  for (const [rows, inner, cols, limit] of SIZES) {
    flops = await flopsOf(opened, rows, inner, cols);
    if (flops < limit) break;
  }
  const { memory, recorder } = opened;
  const [from, to] = [memory.alloc('measure from', COPY_BYTES), memory.alloc('measure to', COPY_BYTES)];
  try {
    await memory.settle();
    const copies = await perSecond(opened, () => recorder.copy(from, to, COPY_BYTES));
    recorder.flopsPerSecond = flops;
    return { gflops: flops / 1e9, gbPerSecond: (2 * COPY_BYTES * copies) / 1e9 };
  } finally {
    memory.free(from);
    memory.free(to);
  }
}

/** Rate of a product (rows, inner) · (cols, inner)ᵀ, in floating-point operations a second. */
async function flopsOf(opened: OpenedDevice, rows: number, inner: number, cols: number): Promise<number> {
  const { memory, recorder } = opened;
  const x = memory.alloc('measure x', 4 * rows * inner);
  const w = memory.alloc('measure w', 4 * cols * inner);
  const y = memory.alloc('measure y', 4 * rows * cols);
  try {
    await memory.settle();
    const params = plain(rows, inner / 4, cols);
    return 2 * rows * inner * cols * (await perSecond(opened, () => recorder.run(linear, params, { x, w, y })));
  } finally {
    for (const view of [x, w, y]) memory.free(view);
    recorder.forgetBindGroups();
  }
}

/** Repetitions of `work` a second, once it has run and doubled until the time can be read. */
async function perSecond(opened: OpenedDevice, work: () => void): Promise<number> {
  work();
  await opened.recorder.finish();
  for (let count = 1; ; count *= 2) {
    const started = performance.now();
    for (let i = 0; i < count; i++) work();
    await opened.recorder.finish();
    const seconds = (performance.now() - started) / 1000;
    if (seconds >= ENOUGH_SECONDS || count >= 4096) return count / Math.max(seconds, 1e-6);
  }
}
