import { perSecond } from '../../kernels/measure.ts';
import { swiglu } from '../../kernels/swiglu.ts';
import { ceilings, ceilingSizes, type Ceilings } from './bed.ts';
import { median, rounded, rounds, type Section } from './section.ts';

export const deviceSection: Section = {
  name: 'device',
  summary: 'the ceilings: copy bandwidth, f32 product; what a dispatch and a submit cost',
  async run({ bed, size, note }) {
    const engine = await bed.engine();
    const { opened } = engine;
    const { memory, recorder } = opened;
    const peaks: Ceilings[] = [];
    for (let round = 0; round < rounds(size); round++) peaks.push((await ceilings(opened)).wall);
    const gbPerSecond = median(peaks.map((peak) => peak.bytesPerSecond)) / 1e9;
    const byKernel = Object.fromEntries(
      Object.keys(peaks[0]?.rates ?? {}).map((name) => [
        name,
        rounded(median(peaks.map((peak) => peak.rates[name] ?? 0)) / 1e9, 2),
      ]),
    );
    const gflops = median(peaks.map((peak) => peak.flopsPerSecond)) / 1e9;

    // A kernel that does next to nothing: many in one submit, one a submit, and one a submit that
    // is waited for.
    const [gate_up, y] = [
      memory.alloc('measure input', 4 * 8),
      memory.alloc('measure output', 4 * 4),
    ];
    await memory.settle();
    const small = () => recorder.run(swiglu, { rows: 1, width: 4 }, { gate_up, y });
    const dispatch = 1e6 / (await perSecond(opened, 0.3, small));
    const submit =
      1e6 /
      (await perSecond(opened, 0.3, () => {
        small();
        recorder.submit();
      }));
    const waited: number[] = [];
    for (let i = 0; i < 50; i++) {
      const begin = performance.now();
      small();
      await recorder.read([y]);
      waited.push(1000 * (performance.now() - begin));
    }
    for (const view of [gate_up, y]) memory.free(view);
    recorder.forgetBindGroups();
    const sizes = ceilingSizes(opened);
    note(
      `copies ${rounded(gbPerSecond)} GB/s, f32 product ${rounded(gflops)} GFLOP/s, a dispatch ${rounded(dispatch)} µs`,
    );
    return {
      copy_gb_per_second: rounded(gbPerSecond, 2),
      copy_bytes: sizes.copyBytes,
      product_gflops: rounded(gflops, 2),
      product_gflops_by_kernel: byKernel,
      product:
        `f32, (${sizes.product.rows}, ${sizes.product.inner}) by (${sizes.product.cols}, ` +
        `${sizes.product.inner}) or its backward, the faster`,
      dispatch_us: rounded(dispatch, 2),
      submit_us: rounded(submit, 2),
      tuner: engine.variants,
      read_back_us: rounded(median(waited), 2),
    };
  },
};
