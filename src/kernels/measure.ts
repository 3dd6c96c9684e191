import type { OpenedDevice } from '../gpu/device.ts';
import type { Kernel } from '../gpu/kernel.ts';
import type { BufferView } from '../gpu/memory.ts';
import {
  linearBlock,
  linearBlockBackward,
  linearSubgroup,
  linearSubgroupBackward,
} from './linear-variants.ts';
import {
  linear,
  linearBackward,
  plain,
  type LinearBackwardParams,
  type LinearParams,
} from './linear.ts';

export interface Measurement {
  /** Of a matrix product by `linear`, f32: 10⁹ multiplications and additions a second. */
  readonly gflops: number;
  /** Of a buffer copy: 10⁹ bytes read and written a second. */
  readonly gbPerSecond: number;
}

/**
 * (rows, inner, outputs) of the product, and the rate in flop/s beyond which it is too small to
 * fill the device.
 */
const SIZES = [
  [64, 256, 256, 5e10],
  [512, 2048, 2048, Infinity],
] as const;
const COPY_BYTES = 8 << 20;
/** Longest a measurement is doubled for: the whole stays below a second on a software adapter. */
const ENOUGH_SECONDS = 0.06;

/**
 * Speed of the device, in well under a second; also tells the recorder, which cuts submits and
 * dispatches by it. A rough figure for a report: benches measure longer and at larger sizes.
 */
export async function measureDevice(opened: OpenedDevice): Promise<Measurement> {
  let flops = 0;
  for (const [rows, inner, cols, limit] of SIZES) {
    flops = await productRate(opened, linear, { rows, inner, cols }, ENOUGH_SECONDS);
    opened.recorder.flopsPerSecond = flops; // the next size is cut by it
    if (flops < limit) break;
  }
  const bytes = await copyRate(opened, COPY_BYTES, ENOUGH_SECONDS);
  return { gflops: flops / 1e9, gbPerSecond: bytes / 1e9 };
}

/** Seconds since some moment: the wall's, unless a bench has a better one. */
export type Clock = () => number;
const wall: Clock = () => performance.now() / 1000;

/** Bytes read and written a second by copies of `bytes`, measured for at least `seconds`. */
export async function copyRate(
  opened: OpenedDevice,
  bytes: number,
  seconds: number,
  clock?: Clock,
): Promise<number> {
  const { memory, recorder } = opened;
  const { from, to } = memory.whole(() => ({
    from: memory.alloc('measure from', bytes),
    to: memory.alloc('measure to', bytes),
  }));
  try {
    await memory.settle();
    return (
      2 * bytes * (await perSecond(opened, seconds, () => recorder.copy(from, to, bytes), clock))
    );
  } finally {
    memory.free(from);
    memory.free(to);
  }
}

/** Rows, inputs and outputs of a matrix product. */
export interface ProductShape {
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
}

/** Ways to compute x Wᵀ, and the gradient of its input. */
const PRODUCTS = [linear, linearBlock, linearSubgroup] as const;
const TRANSPOSED = [linearBackward, linearBlockBackward, linearSubgroupBackward] as const;

/** The fastest way to multiply f32 matrices of that shape on this device. */
export async function fastestProduct(
  opened: OpenedDevice,
  shape: ProductShape,
  seconds: number,
): Promise<Kernel<LinearParams>> {
  const rates = await productRates(opened, shape, seconds);
  return usable(opened, PRODUCTS).reduce((best, kernel) =>
    rates[kernel.name]! > rates[best.name]! ? kernel : best,
  );
}

/**
 * Floating-point operations a second of each way to multiply and to multiply backwards, by the
 * kernel's name.
 */
export async function productRates(
  opened: OpenedDevice,
  shape: ProductShape,
  seconds: number,
  clock?: Clock,
): Promise<Record<string, number>> {
  const rates: Record<string, number> = {};
  for (const kernel of usable(opened, PRODUCTS))
    rates[kernel.name] = await productRate(opened, kernel, shape, seconds, clock);
  for (const kernel of usable(opened, TRANSPOSED))
    rates[kernel.name] = await transposedRate(opened, kernel, shape, seconds, clock);
  return rates;
}

function usable<K extends Kernel>(
  { subgroupSize }: OpenedDevice,
  kernels: readonly K[],
): readonly K[] {
  return kernels.filter((kernel) => !kernel.subgroups || subgroupSize !== null);
}

/**
 * Floating-point operations a second of the product of an f32 x (rows, inner) with a matrix (cols,
 * inner), measured for at least `seconds`.
 */
function productRate(
  opened: OpenedDevice,
  kernel: Kernel<LinearParams>,
  shape: ProductShape,
  seconds: number,
  clock?: Clock,
): Promise<number> {
  const { rows, inner, cols } = shape;
  return rateOf(opened, shape, seconds, clock, (x, w, y) =>
    opened.recorder.run(kernel, plain(rows, inner / 4, cols), { x, w, y }),
  );
}

function transposedRate(
  opened: OpenedDevice,
  kernel: Kernel<LinearBackwardParams>,
  shape: ProductShape,
  seconds: number,
  clock?: Clock,
): Promise<number> {
  const { rows, inner, cols } = shape;
  const params = { rows, inner4: inner / 4, cols, dy_stride: cols, dy_offset: 0, accumulate: 0 };
  return rateOf(opened, shape, seconds, clock, (x, w, y) =>
    opened.recorder.run(kernel, params, { dy: y, w, dx: x }),
  );
}

async function rateOf(
  opened: OpenedDevice,
  { rows, inner, cols }: ProductShape,
  seconds: number,
  clock: Clock | undefined,
  work: (x: BufferView, w: BufferView, y: BufferView) => void,
): Promise<number> {
  const { memory, recorder } = opened;
  const floats = (label: string, count: number) => memory.alloc(`measure ${label}`, 4 * count);
  const { x, w, y } = memory.whole(() => ({
    x: floats('x', rows * inner),
    w: floats('w', cols * inner),
    y: floats('y', rows * cols),
  }));
  try {
    await memory.settle();
    return 2 * rows * inner * cols * (await perSecond(opened, seconds, () => work(x, w, y), clock));
  } finally {
    for (const view of [x, w, y]) memory.free(view);
    recorder.forgetBindGroups();
  }
}

/** Repetitions of `work` a second, once it has run and doubled until it takes `seconds`. */
export async function perSecond(
  { recorder }: OpenedDevice,
  seconds: number,
  work: () => void,
  clock = wall,
): Promise<number> {
  work();
  await recorder.finish();
  for (let count = 1; ; count *= 2) {
    const started = clock();
    for (let i = 0; i < count; i++) work();
    await recorder.finish();
    const taken = clock() - started;
    if (taken >= seconds || count >= 4096) return count / Math.max(taken, 1e-6);
  }
}
