/**
 * Kernels that compute the same in several ways, and which of them a model uses for how many rows.
 */
import type { Kernel } from '../gpu/kernel.ts';
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
  linearBackwardFor,
  linearFor,
  type LinearBackwardParams,
  type LinearParams,
} from './linear.ts';
import { loraWeightBackward, loraWeightBackwardSplit } from './lora.ts';
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

export type Task =
  | { readonly kind: 'product' | 'transposed'; readonly precision: WeightPrecision }
  // What comes before products: a dispatch of its own, or the prologue of group kernels, whatever
  // the products' task says.
  | { readonly kind: Prologue }
  // Norm of query and key heads: a dispatch of its own, or within RoPE's.
  | { readonly kind: 'head norm' }
  | { readonly kind: 'attention' | 'attention backward' | 'lora gradient' | 'vocabulary' };

/** One way to compute a task: with which kernel, at which sizes, for how many rows. */
interface Variant<K> {
  readonly kernel: K;
  /** Whether it is worth trying for so many rows. */
  readonly suits: (rows: number) => boolean;
  /** It needs subgroups of a size that the device fixes. */
  readonly subgroups?: true;
}
/** A variant of a product, whose kernel and constants depend on the weights. */
interface ProductVariant<P extends string> extends Variant<
  (precision: WeightPrecision) => Kernel<P>
> {
  readonly constants: (precision: WeightPrecision, rows: number) => Chosen<P>['constants'];
}

const always = () => true;
const from = (least: number) => (rows: number) => rows >= least;

/** Groups that are full once at least, and read weights 16 times at most. */
const group = (size: number, prologue: keyof typeof PROLOGUES): ProductVariant<LinearParams> => ({
  kernel: (precision) => (isTiled(precision) ? linearGroup : linearGroupRows),
  constants: (precision) => ({
    ...weightConstants(precision),
    ROWS: size,
    PROLOGUE: PROLOGUES[prologue],
  }),
  suits: (rows) => rows >= size && rows <= 16 * size,
});
const groups = (prologue: keyof typeof PROLOGUES) => ({
  'group 1': group(1, prologue),
  'group 4': group(4, prologue),
  'group 8': group(8, prologue),
});
/** A dispatch of its own before the product. */
const apart = { kernel: null, suits: always } as const;
const bySubgroups = (precision: WeightPrecision, rows: number) => ({
  ...weightConstants(precision),
  ...subgroupRows(rows),
});

const PRODUCTS: Readonly<Record<string, ProductVariant<LinearParams>>> = {
  plain: { kernel: linearFor, constants: weightConstants, suits: always },
  ...groups('none'),
  block: { kernel: () => linearBlock, constants: weightConstants, suits: from(10) },
  subgroup: {
    kernel: () => linearSubgroup,
    constants: bySubgroups,
    suits: always,
    subgroups: true,
  },
};
const TRANSPOSED: Readonly<Record<string, ProductVariant<LinearBackwardParams>>> = {
  plain: { kernel: linearBackwardFor, constants: weightConstants, suits: always },
  block: { kernel: () => linearBlockBackward, constants: weightConstants, suits: from(10) },
  subgroup: {
    kernel: () => linearSubgroupBackward,
    constants: bySubgroups,
    suits: from(10),
    subgroups: true,
  },
};
const TAKEN_IN: Readonly<
  Record<Prologue, Readonly<Record<string, typeof apart | ProductVariant<LinearParams>>>>
> = {
  norm: { plain: apart, ...groups('norm') },
  swiglu: { plain: apart, ...groups('swiglu') },
};
const HEAD_NORMS = {
  plain: { kernel: false, suits: always },
  rope: { kernel: true, suits: always },
};
const ATTENTIONS: Readonly<Record<string, Variant<typeof attention>>> = {
  plain: { kernel: attention, suits: always },
  decode: { kernel: attentionDecode, suits: (rows) => rows <= 256 },
  tiled: { kernel: attentionTiled, suits: from(10) },
};
const ATTENTION_BACKWARDS = {
  plain: {
    kernel: { query: attentionQueryBackward, keyValue: attentionKeyValueBackward },
    suits: always,
  },
  tiled: {
    kernel: { query: attentionQueryBackwardTiled, keyValue: attentionKeyValueBackwardTiled },
    suits: always,
  },
};
const LORA_GRADIENTS: Readonly<Record<string, Variant<typeof loraWeightBackward>>> = {
  plain: { kernel: loraWeightBackward, suits: always },
  split: { kernel: loraWeightBackwardSplit, suits: from(32) },
};
/**
 * Lanes that share a row of logits in `token_loss`, `kd_loss` and `sample`; WebGPU has 256
 * everywhere.
 */
const VOCABULARIES = {
  plain: { kernel: { LANES: 64 }, suits: always },
  wide: { kernel: { LANES: 256 }, suits: always },
};

/** Every task with its variants by name; all that is known of either is read from here. */
const VARIANTS: Readonly<Record<Task['kind'], Readonly<Record<string, Variant<unknown>>>>> = {
  product: PRODUCTS,
  transposed: TRANSPOSED,
  norm: TAKEN_IN.norm,
  swiglu: TAKEN_IN.swiglu,
  'head norm': HEAD_NORMS,
  attention: ATTENTIONS,
  'attention backward': ATTENTION_BACKWARDS,
  'lora gradient': LORA_GRADIENTS,
  vocabulary: VOCABULARIES,
};

/**
 * Key of a task at a number of rows. Sampler and trainer take the same sums over the vocabulary, so
 * that they agree to the bit.
 */
export function taskKey(task: Task, rows: number): string {
  if (task.kind === 'vocabulary') return task.kind;
  const layout = 'precision' in task ? (isTiled(task.precision) ? ' tiles' : ' rows') : '';
  const count = ROW_COUNTS.find((c) => rows <= c) ?? ROW_COUNTS[ROW_COUNTS.length - 1];
  return `${task.kind}${layout} ${count}`;
}

/**
 * Variants worth measuring for a task at a number of rows; those that would waste most of their
 * work are left out.
 */
export function candidates(task: Task, rows: number, subgroups: boolean): readonly string[] {
  return Object.entries(VARIANTS[task.kind])
    .filter(([, variant]) => variant.suits(rows) && (subgroups || variant.subgroups !== true))
    .map(([name]) => name);
}

/** The variant that is chosen for a task of so many rows. */
function chosen<V>(table: Readonly<Record<string, V>>, variants: Variants, key: string): V {
  const name = variants[key] ?? 'plain';
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined) throw unknownVariant(key, name, Object.keys(table));
  return found;
}

/** Products by subgroups, whatever their size and precision. */
export function subgroupVariants(): Variants {
  const tasks: Task[] = (['f32', 'q8'] as const).flatMap((precision) => [
    { kind: 'product', precision },
    { kind: 'transposed', precision },
  ]);
  return Object.fromEntries(
    tasks.flatMap((task) => ROW_COUNTS.map((rows) => [taskKey(task, rows), 'subgroup'])),
  );
}

/** Variants for a device without subgroups of a fixed size: plain ones stand in. */
export function withoutSubgroups(variants: Variants): Variants {
  return Object.fromEntries(Object.entries(variants).filter(([, name]) => name !== 'subgroup'));
}

/** Every key of a task at a number of rows, with the task's kind. */
const KEYS: ReadonlyMap<string, Task['kind']> = new Map(
  (Object.keys(VARIANTS) as Task['kind'][]).flatMap((kind) =>
    (['f32', 'q8'] as const).flatMap((precision) =>
      ROW_COUNTS.map((rows) => {
        const task = kind === 'product' || kind === 'transposed' ? { kind, precision } : { kind };
        return [taskKey(task, rows), kind] as const;
      }),
    ),
  ),
);

/**
 * Throws a sentence for tasks and variants that this version does not have: a log of another version
 * would not give the same bits.
 */
export function checkVariants(variants: Variants): void {
  for (const [key, name] of Object.entries(variants)) {
    const kind = KEYS.get(key);
    if (kind === undefined)
      throw new Error(
        `The run chose a kernel for "${key}", which is no task of this version (there are ` +
          `${[...KEYS.keys()].join(', ')}); continue it with the version that began it, or start ` +
          'it anew.',
      );
    if (!Object.hasOwn(VARIANTS[kind], name))
      throw unknownVariant(key, name, Object.keys(VARIANTS[kind]));
  }
}

function unknownVariant(key: string, name: string, known: readonly string[]): Error {
  return new Error(
    `The run was computed with a variant "${name}" of ${key} that this version does not have ` +
      `(it has ${known.join(', ')}); continue it with the version that began it, or start it anew.`,
  );
}

export interface Chosen<P extends string> {
  readonly kernel: Kernel<P>;
  readonly constants: Readonly<Record<string, number>>;
}

/** Whether products of so many rows do the prologue themselves. */
export function takesIn(variants: Variants, prologue: Prologue, rows: number): boolean {
  const key = taskKey({ kind: prologue }, rows);
  return chosen(TAKEN_IN[prologue], variants, key).kernel !== null;
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
  const key = taskKey(prologue ? { kind: prologue } : { kind: 'product', precision }, rows);
  const variant = chosen(prologue ? TAKEN_IN[prologue] : PRODUCTS, variants, key);
  if (variant.kernel === null)
    throw new Error(
      `A product of ${rows} rows was to do ${prologue} itself, but the variant chosen is ` +
        `"${variants[key] ?? 'plain'}"; that needs a dispatch before it.`,
    );
  return { kernel: variant.kernel(precision), constants: variant.constants(precision, rows) };
}

/** Whether RoPE's kernel norms the heads too. */
export function ropeNorms(variants: Variants, rows: number): boolean {
  return chosen(HEAD_NORMS, variants, taskKey({ kind: 'head norm' }, rows)).kernel;
}

export function transposedKernel(
  variants: Variants,
  precision: WeightPrecision,
  rows: number,
): Chosen<LinearBackwardParams> {
  const key = taskKey({ kind: 'transposed', precision }, rows);
  const { kernel, constants } = chosen(TRANSPOSED, variants, key);
  return { kernel: kernel(precision), constants: constants(precision, rows) };
}

export function attentionKernel(variants: Variants, rows: number): typeof attention {
  return chosen(ATTENTIONS, variants, taskKey({ kind: 'attention' }, rows)).kernel;
}

export function attentionBackwardKernels(
  variants: Variants,
  rows: number,
): { readonly query: typeof attention; readonly keyValue: typeof attention } {
  const key = taskKey({ kind: 'attention backward' }, rows);
  return chosen(ATTENTION_BACKWARDS, variants, key).kernel;
}

export function loraGradientKernel(variants: Variants, rows: number): typeof loraWeightBackward {
  return chosen(LORA_GRADIENTS, variants, taskKey({ kind: 'lora gradient' }, rows)).kernel;
}

/** Constants of the kernels that go over a vocabulary. */
export function vocabularyConstants(variants: Variants): { readonly LANES: number } {
  return chosen(VOCABULARIES, variants, taskKey({ kind: 'vocabulary' }, 1)).kernel;
}
