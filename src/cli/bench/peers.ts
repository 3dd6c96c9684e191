import type { OpenedDevice } from '../../gpu/device.ts';
import { plain } from '../../kernels/linear.ts';
import { fastestProduct, type ProductShape } from '../../kernels/measure.ts';
import { normals } from '../../kernels/reference-helpers.ts';
import { distance, distances } from './peers/agreement.ts';
import { drawBlock, type BlockShape } from './peers/block.ts';
import { jaxBlock, JaxSide, openJax, transpose } from './peers/jax.ts';
import { ourBlock } from './peers/ours.ts';
import { interleave, type Side } from './peers/side.ts';
import { bothClocks, type Spent } from './clock.ts';
import {
  load,
  median,
  rounded,
  rounds,
  shares,
  type BenchContext,
  type Section,
} from './section.ts';

/**
 * Nano's block; two that are wider, small enough for a software adapter; on a GPU those of Qwen2.5
 * 0.5B and 1.5B too.
 */
const BLOCKS: readonly (BlockShape & { readonly name: string; readonly hardware?: true })[] = [
  { name: 'nano', rows: 256, width: 128, heads: 4, kvHeads: 2, headDim: 32, intermediate: 384 },
  {
    name: '512 wide',
    rows: 128,
    width: 512,
    heads: 8,
    kvHeads: 2,
    headDim: 64,
    intermediate: 1024,
  },
  {
    name: '896 wide',
    rows: 128,
    width: 896,
    heads: 14,
    kvHeads: 2,
    headDim: 64,
    intermediate: 1792,
  },
  {
    name: '0.5B',
    rows: 1024,
    width: 896,
    heads: 14,
    kvHeads: 2,
    headDim: 64,
    intermediate: 4864,
    hardware: true,
  },
  {
    name: '1.5B',
    rows: 1024,
    width: 1536,
    heads: 12,
    kvHeads: 2,
    headDim: 128,
    intermediate: 8960,
    hardware: true,
  },
];
/** (rows, inner) by (inner, outputs). */
const PRODUCTS: readonly (ProductShape & { readonly hardware?: true })[] = [
  { rows: 128, inner: 512, cols: 512 },
  { rows: 256, inner: 1024, cols: 1024 },
  { rows: 4096, inner: 4096, cols: 4096, hardware: true },
];
/** Largest relative distance ‖a − b‖ / ‖b‖ at which results count as the same. */
const SAME = 1e-4;

export const peersSection: Section = {
  name: 'peers',
  summary:
    'jax-js on the same adapter: matrix product, transformer block forward, and forward with backward',
  async run(context) {
    const { bed, size } = context;
    const { opened } = await bed.engine();
    const here = <T extends { readonly hardware?: true }>(all: readonly T[]) =>
      all
        .filter((shape) => !opened.software || !shape.hardware)
        .slice(0, size < 0.5 ? 1 : undefined);
    const jax = await openJax();
    const products = [];
    for (const shape of here(PRODUCTS)) products.push(await product(opened, jax, shape, context));
    const blocks = [];
    for (const { name, ...shape } of here(BLOCKS))
      for (const lora of [false, true])
        blocks.push(await block(opened, jax, name, shape, lora, context));
    return { load: load(), peer: '@jax-js/jax, jit, warmed up', products, blocks };
  },
};

type JaxModule = Awaited<ReturnType<typeof openJax>>;

async function product(
  opened: OpenedDevice,
  jax: JaxModule,
  { rows, inner, cols }: ProductShape,
  context: BenchContext,
): Promise<Record<string, unknown>> {
  const { memory, recorder } = opened;
  const normal = normals(rows, inner, cols);
  const [hostX, hostW] = [normal(rows * inner), normal(cols * inner, 1 / Math.sqrt(inner))];
  const [x, w, y] = [
    memory.upload('peer x', hostX),
    memory.upload('peer w', hostW),
    memory.alloc('peer y', 4 * rows * cols),
  ];
  const { numpy: np } = jax;
  const array = (data: Float32Array, r: number, c: number) => np.array(data).reshape([r, c]);
  const jaxX = array(hostX, rows, inner);
  const multiply = jax.jit((a: typeof jaxX, b: typeof jaxX) => np.matmul(a, b));
  const jaxW = array(transpose(hostW, cols, inner), inner, cols);
  const theirs = new JaxSide(jax, () => multiply(jaxX.ref, jaxW.ref));
  const kernel = await fastestProduct(opened, { rows, inner, cols }, 0.2);
  const ours: Side = {
    run: () => recorder.run(kernel, plain(rows, inner / 4, cols), { x, w, y }),
    finish: () => recorder.finish(),
  };
  try {
    await memory.settle();
    ours.run();
    theirs.run();
    const relative = distance(
      await recorder.readF32(y),
      (await theirs.last.ref.data()) as Float32Array,
    );
    requireSame(relative, `the product of ${rows} × ${inner} by ${inner} × ${cols}`);
    const times = await interleave({ ours, theirs }, rounds(context.size));
    const { figures, words } = ratio(times, opened.software);
    context.note(`product ${rows} × ${inner} × ${cols}: ${words}`);
    return {
      rows,
      inner,
      outputs: cols,
      kernel: kernel.name,
      relative_distance: relative,
      ...figures,
    };
  } finally {
    for (const view of [x, w, y]) memory.free(view);
    recorder.forgetBindGroups();
    theirs.free();
    for (const value of [jaxX, jaxW]) value.dispose();
  }
}

async function block(
  { software }: OpenedDevice,
  jax: JaxModule,
  name: string,
  shape: BlockShape,
  lora: boolean,
  context: BenchContext,
): Promise<Record<string, unknown>> {
  const numbers = drawBlock(shape);
  const ours = await ourBlock(shape, numbers, lora);
  try {
    const theirs = await jaxBlock(jax, shape, numbers, lora);
    ours.forwardBackward.run();
    theirs.forwardBackward.run();
    const apart = distances(await ours.read(), await theirs.read());
    for (const [what, value] of Object.entries(apart))
      requireSame(value, `${what} of the block ${name}`);
    const count = rounds(context.size);
    const forward = ratio(
      await interleave({ ours: ours.forward, theirs: theirs.forward }, count),
      software,
    );
    const both = ratio(
      await interleave({ ours: ours.forwardBackward, theirs: theirs.forwardBackward }, count),
      software,
    );
    theirs.free();
    const title = `block ${name}${lora ? ' with LoRA' : ''}`;
    context.note(`${title}, forward: ${forward.words}; forward and backward: ${both.words}`);
    return {
      name,
      ...shape,
      lora,
      kernels: ours.kernels,
      relative_distance: Math.max(...Object.values(apart)),
      forward: forward.figures,
      forward_backward: both.figures,
    };
  } finally {
    ours.close();
  }
}

/** How many times as fast as the peer, and the milliseconds of both; in words for people. */
function ratio(times: Record<'ours' | 'theirs', Spent[]>, software: boolean) {
  const ratios = times.ours.map((own, i) =>
    bothClocks((clock) => (times.theirs[i]?.[clock] ?? NaN) / own[clock]),
  );
  const middle = (clock: keyof Spent) => rounded(median(ratios.map((round) => round[clock])), 2);
  const ms = (side: 'ours' | 'theirs') =>
    rounded(1000 * median(times[side].map(({ wall }) => wall)), 3);
  return {
    figures: {
      ours_ms: ms('ours'),
      theirs_ms: ms('theirs'),
      ...shares('times_as_fast', ratios, software),
    },
    words: `${middle('wall')} times as fast${software ? ` (${middle('processor')} by processor time)` : ''}`,
  };
}

function requireSame(relative: number, what: string): void {
  if (!(relative <= SAME))
    throw new Error(
      `The two sides disagree on ${what}: relative distance ${relative}, at most ${SAME} ` +
        'allowed. Their times would say nothing.',
    );
}
