/**
 * Kernels that compute the same in several ways, and which of them a model uses for how many rows.
 * All there is to know of a variant stands in TASKS: what is measured, checked, chosen, tested and
 * accepted in a log follows from it.
 */
import type { Kernel, KernelCase } from '../gpu/kernel.ts';
import { isTiled, type WeightPrecision } from '../lib/weight-blocks.ts';
import {
  attention,
  attentionDecode,
  attentionKeyValueBackward,
  attentionKeyValueBackwardTiled,
  attentionQueryBackward,
  attentionQueryBackwardTiled,
  attentionTiled,
} from './attention.ts';
import { headNorm } from './head-norm.ts';
import { kdLoss } from './kd-loss.ts';
import {
  linearBlock,
  linearBlockBackward,
  linearGroup,
  linearGroupRows,
  linearSubgroup,
  linearSubgroupBackward,
  PROLOGUES,
  subgroupRows,
  type Prologue,
} from './linear-variants.ts';
import {
  linear,
  linearBackward,
  linearTiled,
  linearTiledBackward,
  type LinearBackwardParams,
  type LinearParams,
} from './linear.ts';
import { loraWeightBackward, loraWeightBackwardSplit } from './lora.ts';
import type { Constants } from './reference-helpers.ts';
import { rmsNorm } from './rms-norm.ts';
import { rope } from './rope.ts';
import { sample } from './sample.ts';
import { swiglu } from './swiglu.ts';
import { tokenLoss } from './token-loss.ts';
import { weightConstants } from './weight-constants.ts';

/**
 * Row counts that are decided for; any other takes the decision of the next larger, or of the last.
 */
export const ROW_COUNTS = [1, 4, 10, 32, 256, 1024] as const;

/**
 * Variant by task: "product tiles 10" is a product of up to ten rows by quantised weights. What is
 * not named is 'plain', so that {} is the lab without choices. Stored in a run's log and forced
 * when it goes on.
 */
export type Variants = Readonly<Record<string, string>>;

/** One way to do a task. `K` names its kernels by the part they play. */
export interface Variant<K extends Readonly<Record<string, Kernel>>> {
  readonly kernels: K;
  /** What makes the variant of its kernels, for so many rows; {} where it is the kernel itself. */
  readonly constants: (rows: number) => Readonly<Record<string, number | boolean>>;
  /** Whether it is worth measuring for so many rows; a log may name it for any. */
  readonly suits: (rows: number) => boolean;
}

type Task<K extends Readonly<Record<string, Kernel>>> = Readonly<Record<string, Variant<K>>> & {
  readonly plain: Variant<K>;
};

function variant<K extends Readonly<Record<string, Kernel>>>(
  kernels: K,
  constants: Variant<K>['constants'] = () => ({}),
  suits: Variant<K>['suits'] = () => true,
): Variant<K> {
  return { kernels, constants, suits };
}

const from = (least: number) => (rows: number) => rows >= least;
const upTo = (most: number) => (rows: number) => rows <= most;

/**
 * Products by groups of 1, 4 and 8 rows, worth a try where one group is full at least and weights
 * are read 16 times at most.
 */
function groups<K extends Readonly<Record<string, Kernel>>>(
  kernels: K,
  prologue: keyof typeof PROLOGUES,
): Record<string, Variant<K>> {
  return Object.fromEntries(
    [1, 4, 8].map((ROWS) => [
      `group ${ROWS}`,
      variant(
        kernels,
        () => ({ ROWS, PROLOGUE: PROLOGUES[prologue] }),
        (rows) => rows >= ROWS && rows <= 16 * ROWS,
      ),
    ]),
  );
}

interface ProductKernels extends Readonly<Record<string, Kernel>> {
  readonly product: Kernel<LinearParams>;
}

function products(plain: Kernel<LinearParams>, group: ProductKernels): Task<ProductKernels> {
  return {
    plain: variant({ product: plain }),
    ...groups(group, 'none'),
    block: variant({ product: linearBlock }, undefined, from(10)),
    subgroup: variant({ product: linearSubgroup }, subgroupRows),
  };
}

interface TransposedKernels extends Readonly<Record<string, Kernel>> {
  readonly transposed: Kernel<LinearBackwardParams>;
}

function transposedProducts(plain: Kernel<LinearBackwardParams>): Task<TransposedKernels> {
  return {
    plain: variant({ transposed: plain }),
    block: variant({ transposed: linearBlockBackward }, undefined, from(10)),
    subgroup: variant({ transposed: linearSubgroupBackward }, subgroupRows, from(10)),
  };
}

/** What comes before products: a dispatch of its own, or the prologue of the products' kernels. */
type PrologueKernels =
  | { readonly before: Kernel }
  | { readonly rows: Kernel<LinearParams>; readonly tiles: Kernel<LinearParams> };

function prologues(kind: Prologue, before: Kernel): Task<PrologueKernels> {
  return {
    plain: variant({ before }),
    ...groups({ rows: linearGroupRows, tiles: linearGroup }, kind),
  };
}

const lanes = (LANES: number) => () => ({ LANES });
const vocabulary = { loss: tokenLoss, distillation: kdLoss, draw: sample };

/**
 * Every task and its variants, by the names that stand in logs. Products are by weights in rows
 * (f32, f16) or in tiles (q8, q4). For few rows a norm and SwiGLU may be taken in by the products
 * that read them (whatever the products' own task says), and the norm of heads by RoPE. Sums over
 * the vocabulary are shared by 64 lanes or by 256, which WebGPU has everywhere.
 */
export const TASKS = {
  'product rows': products(linear, { product: linearGroupRows }),
  'product tiles': products(linearTiled, { product: linearGroup }),
  'transposed rows': transposedProducts(linearBackward),
  'transposed tiles': transposedProducts(linearTiledBackward),
  norm: prologues('norm', rmsNorm),
  swiglu: prologues('swiglu', swiglu),
  'head norm': {
    plain: variant<Readonly<Record<string, Kernel>>>({ before: headNorm, rope }),
    rope: variant<Readonly<Record<string, Kernel>>>({ rope }, () => ({ HEAD_NORM: true })),
  },
  attention: {
    plain: variant({ attention }),
    decode: variant({ attention: attentionDecode }, undefined, upTo(256)),
    tiled: variant({ attention: attentionTiled }, undefined, from(10)),
  },
  'attention backward': {
    plain: variant({ query: attentionQueryBackward, keyValue: attentionKeyValueBackward }),
    tiled: variant({
      query: attentionQueryBackwardTiled,
      keyValue: attentionKeyValueBackwardTiled,
    }),
  },
  'lora gradient': {
    plain: variant({ gradient: loraWeightBackward }),
    split: variant({ gradient: loraWeightBackwardSplit }, undefined, from(32)),
  },
  vocabulary: {
    plain: variant(vocabulary, lanes(64)),
    wide: variant(vocabulary, lanes(256)),
  },
} satisfies Readonly<Record<string, Task<Readonly<Record<string, Kernel>>>>>;

export type TaskName = keyof typeof TASKS;
export const TASK_NAMES = Object.keys(TASKS) as readonly TaskName[];

/** The task of products by weights stored like this, or of their transposed. */
export function productTask<T extends 'product' | 'transposed'>(
  kind: T,
  precision: WeightPrecision,
): `${T} ${'rows' | 'tiles'}` {
  return `${kind} ${isTiled(precision) ? 'tiles' : 'rows'}`;
}

/**
 * Key of a task at a number of rows. Sampler and trainer take the same sums over the vocabulary, so
 * that they agree to the bit.
 */
export function taskKey(task: TaskName, rows: number): string {
  if (task === 'vocabulary') return task;
  return `${task} ${ROW_COUNTS.find((count) => rows <= count) ?? ROW_COUNTS.at(-1)}`;
}

/** A task's variant of that name; undefined where it has none. */
export function variantNamed<T extends TaskName>(
  task: T,
  name: string,
): (typeof TASKS)[T]['plain'] | undefined {
  const table: Readonly<Record<string, (typeof TASKS)[T]['plain']>> = TASKS[task];
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function named<T extends TaskName>(task: T, name: string): (typeof TASKS)[T]['plain'] {
  const found = variantNamed(task, name);
  if (!found) throw new Error(`The task "${task}" has no variant "${name}".`);
  return found;
}

/** What is chosen for a task at a number of rows. */
export function chosenVariant<T extends TaskName>(
  variants: Variants,
  task: T,
  rows: number,
): (typeof TASKS)[T]['plain'] {
  const name = variants[taskKey(task, rows)] ?? 'plain';
  return named(task, name);
}

/** Names of a task's variants worth measuring for a number of rows on this device. */
export function candidates(task: TaskName, rows: number, device: VariantDevice): string[] {
  return Object.entries(TASKS[task])
    .filter(([, found]) => found.suits(rows) && lacking(found, device) === null)
    .map(([name]) => name);
}

/** What a device has of what variants need; an `OpenedDevice` is one. */
export interface VariantDevice {
  /** Null where it has no subgroups of one fixed size. */
  readonly subgroupSize: number | null;
}

/** The kernel of a variant that the device cannot run. */
function lacking(
  { kernels }: Variant<Readonly<Record<string, Kernel>>>,
  { subgroupSize }: VariantDevice,
): Kernel | null {
  const needy = Object.values(kernels).find((kernel) => kernel.subgroups);
  return needy && subgroupSize === null ? needy : null;
}

/** A kernel as a variant runs it, and which of its cases are to agree with the reference. */
export interface Check {
  readonly kernel: Kernel;
  readonly constants: Constants;
  readonly asked: (found: KernelCase) => boolean;
}

/** Constants that say what a kernel computes; the others say how, so that any case serves. */
const WHAT = ['PROLOGUE', 'HEAD_NORM'] as const;

/** What must hold on a device before a variant takes part. */
export function checksOf(task: TaskName, name: string, rows: number): Check[] {
  const { kernels, constants: made } = named(task, name);
  const constants = made(rows);
  return Object.values<Kernel>(kernels).map((kernel) => ({
    kernel,
    constants,
    asked: (c) =>
      WHAT.every(
        (what) =>
          !(what in constants) || { ...kernel.constants, ...c.constants }[what] === constants[what],
      ),
  }));
}

/** Products by subgroups, whatever their number of rows and layout of weights. */
export function subgroupVariants(): Variants {
  const tasks = TASK_NAMES.filter((task) => variantNamed(task, 'subgroup'));
  return Object.fromEntries(
    tasks.flatMap((task) => ROW_COUNTS.map((rows) => [taskKey(task, rows), 'subgroup'])),
  );
}

const KEYS: ReadonlyMap<string, TaskName> = new Map(
  TASK_NAMES.flatMap((task) => ROW_COUNTS.map((rows) => [taskKey(task, rows), task] as const)),
);

/**
 * Throws a sentence for what this version or this device does not have: a log of another would not
 * give the same bits.
 */
export function checkVariants(variants: Variants, device: VariantDevice): void {
  for (const [key, name] of Object.entries(variants)) {
    const wrong = problemOf(key, name, device);
    if (wrong !== null) throw new Error(`The run was computed with ${wrong}, or start it anew.`);
  }
}

function problemOf(key: string, name: string, device: VariantDevice): string | null {
  const given = `a variant "${name}" of ${key}`;
  const version = 'Go on with the version that began it';
  const task = KEYS.get(key);
  if (task === undefined) {
    const named = TASK_NAMES.find((known) => known === key.replace(/ ?\d+$/, ''));
    const reason = named
      ? `Of "${named}" this version knows ${[...KEYS].flatMap(([k, t]) => (t === named ? [k] : [])).join(', ')}`
      : `This version has no such task; it knows ${TASK_NAMES.join(', ')}`;
    return `${given}. ${reason}. ${version}`;
  }
  const found = variantNamed(task, name);
  if (!found)
    return (
      `${given}, which this version does not have; ` +
      `it knows ${Object.keys(TASKS[task]).join(', ')}. ${version}`
    );
  const kernel = lacking(found, device);
  return (
    kernel &&
    `${given}. Its kernel ${kernel.name} needs subgroups of a fixed size, which this device ` +
      'does not have. Go on on the device that began it'
  );
}

export interface Chosen<P extends string> {
  readonly kernel: Kernel<P>;
  readonly constants: Constants;
}

/** Whether products of so many rows do the prologue themselves. */
export function takesIn(variants: Variants, prologue: Prologue, rows: number): boolean {
  return !('before' in chosenVariant(variants, prologue, rows).kernels);
}

/**
 * The kernel of a product; with a prologue, which must be one that `takesIn`, that of a product
 * which does it. To be run with `GroupParams`, of which every kernel takes its own.
 */
export function productKernel(
  variants: Variants,
  precision: WeightPrecision,
  rows: number,
  prologue?: Prologue,
): Chosen<LinearParams> {
  const weights = weightConstants(precision);
  if (prologue === undefined) {
    const { kernels, constants } = chosenVariant(variants, productTask('product', precision), rows);
    return { kernel: kernels.product, constants: { ...weights, ...constants(rows) } };
  }
  const { kernels, constants } = chosenVariant(variants, prologue, rows);
  if ('before' in kernels)
    throw new Error(
      `A product of ${rows} rows was to do ${prologue} itself, but the variant chosen ` +
        `needs a dispatch of ${kernels.before.name} before it.`,
    );
  return {
    kernel: isTiled(precision) ? kernels.tiles : kernels.rows,
    constants: { ...weights, ...constants(rows) },
  };
}

export function transposedKernel(
  variants: Variants,
  precision: WeightPrecision,
  rows: number,
): Chosen<LinearBackwardParams> {
  const task = productTask('transposed', precision);
  const { kernels, constants } = chosenVariant(variants, task, rows);
  return {
    kernel: kernels.transposed,
    constants: { ...weightConstants(precision), ...constants(rows) },
  };
}

/** Whether RoPE's kernel norms the heads too. */
export function ropeNorms(variants: Variants, rows: number): boolean {
  return !('before' in chosenVariant(variants, 'head norm', rows).kernels);
}

export function attentionKernel(variants: Variants, rows: number): typeof attention {
  return chosenVariant(variants, 'attention', rows).kernels.attention;
}

export function attentionBackwardKernels(
  variants: Variants,
  rows: number,
): { readonly query: typeof attention; readonly keyValue: typeof attention } {
  return chosenVariant(variants, 'attention backward', rows).kernels;
}

export function loraGradientKernel(variants: Variants, rows: number): typeof loraWeightBackward {
  return chosenVariant(variants, 'lora gradient', rows).kernels.gradient;
}

/** Constants of the kernels that go over a vocabulary. */
export function vocabularyConstants(variants: Variants): Constants {
  return chosenVariant(variants, 'vocabulary', 1).constants(1);
}
