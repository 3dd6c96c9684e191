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

const PRODUCTS = ['plain', 'group 1', 'group 4', 'group 8', 'block', 'subgroup'] as const;
const TRANSPOSED = ['plain', 'block', 'subgroup'] as const;
const HEAD_NORMS = ['plain', 'rope'] as const;
const ATTENTIONS = ['plain', 'decode', 'tiled'] as const;
const ATTENTION_BACKWARDS = ['plain', 'tiled'] as const;
const LORA_GRADIENTS = ['plain', 'split'] as const;
const VOCABULARIES = ['plain', 'wide'] as const;
/**
 * Lanes that share a row of logits in `token_loss`, `kd_loss` and `sample`; WebGPU has 256
 * everywhere.
 */
const VOCABULARY_LANES = { plain: 64, wide: 256 } as const;

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
  return variantsFor(task, rows).filter((name) => name !== 'subgroup' || subgroups);
}

function variantsFor(task: Task, rows: number): readonly string[] {
  switch (task.kind) {
    case 'product':
      return PRODUCTS.filter((name) => (name === 'block' ? rows >= 10 : suits(name, rows)));
    case 'norm':
    case 'swiglu':
      return PRODUCTS.filter(
        (name) => name !== 'block' && name !== 'subgroup' && suits(name, rows),
      );
    case 'head norm':
      return HEAD_NORMS;
    case 'transposed':
      return TRANSPOSED.filter((name) => name === 'plain' || rows >= 10);
    case 'attention':
      return ATTENTIONS.filter(
        (name) => name === 'plain' || (name === 'decode' ? rows <= 256 : rows >= 10),
      );
    case 'attention backward':
      return ATTENTION_BACKWARDS;
    case 'lora gradient':
      return LORA_GRADIENTS.filter((name) => name === 'plain' || rows >= 32);
    case 'vocabulary':
      return VOCABULARIES;
    default:
      return task satisfies never;
  }
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

/**
 * Throws a sentence for variants that this version does not have: a log of another version would
 * not give the same bits.
 */
export function checkVariants(variants: Variants): void {
  const known: readonly string[] = [
    ...PRODUCTS,
    ...TRANSPOSED,
    ...HEAD_NORMS,
    ...ATTENTIONS,
    ...LORA_GRADIENTS,
    ...VOCABULARIES,
  ];
  for (const [task, name] of Object.entries(variants)) {
    if (!known.includes(name)) {
      throw new Error(
        `The run was computed with a variant "${name}" of ${task} that this version does not ` +
          'have; go on with the version that began it, or start it anew.',
      );
    }
  }
}

export interface Chosen<P extends string> {
  readonly kernel: Kernel<P>;
  readonly constants: Readonly<Record<string, number>>;
}

/** Whether products of so many rows do the prologue themselves. */
export function takesIn(variants: Variants, prologue: Prologue, rows: number): boolean {
  return groupOf(variants[taskKey({ kind: prologue }, rows)] ?? 'plain') !== null;
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
  const task: Task = prologue ? { kind: prologue } : { kind: 'product', precision };
  const name = variants[taskKey(task, rows)] ?? 'plain';
  const constants = weightConstants(precision);
  const group = groupOf(name);
  if (group !== null) {
    return {
      kernel: isTiled(precision) ? linearGroup : linearGroupRows,
      constants: { ...constants, ROWS: group, PROLOGUE: PROLOGUES[prologue ?? 'none'] },
    };
  }
  if (prologue)
    throw new Error(
      `A product of ${rows} rows was to do ${prologue} itself, but the variant chosen is ` +
        `"${name}"; that needs a dispatch before it.`,
    );
  if (name === 'subgroup')
    return { kernel: linearSubgroup, constants: { ...constants, ...subgroupRows(rows) } };
  return { kernel: name === 'block' ? linearBlock : linearFor(precision), constants };
}

/** Whether RoPE's kernel norms the heads too. */
export function ropeNorms(variants: Variants, rows: number): boolean {
  return variants[taskKey({ kind: 'head norm' }, rows)] === 'rope';
}

export function transposedKernel(
  variants: Variants,
  precision: WeightPrecision,
  rows: number,
): Chosen<LinearBackwardParams> {
  const name = variants[taskKey({ kind: 'transposed', precision }, rows)];
  const constants = weightConstants(precision);
  if (name === 'subgroup')
    return { kernel: linearSubgroupBackward, constants: { ...constants, ...subgroupRows(rows) } };
  return {
    kernel: name === 'block' ? linearBlockBackward : linearBackwardFor(precision),
    constants,
  };
}

export function attentionKernel(variants: Variants, rows: number): typeof attention {
  const name = variants[taskKey({ kind: 'attention' }, rows)];
  return name === 'tiled' ? attentionTiled : name === 'decode' ? attentionDecode : attention;
}

export function attentionBackwardKernels(
  variants: Variants,
  rows: number,
): { readonly query: typeof attention; readonly keyValue: typeof attention } {
  return variants[taskKey({ kind: 'attention backward' }, rows)] === 'tiled'
    ? { query: attentionQueryBackwardTiled, keyValue: attentionKeyValueBackwardTiled }
    : { query: attentionQueryBackward, keyValue: attentionKeyValueBackward };
}

/**
 * Whether a product's variant is worth trying for so many rows: groups that are full once at least,
 * and read weights 16 times at most.
 */
function suits(name: string, rows: number): boolean {
  const group = groupOf(name);
  return group === null || (rows >= group && rows <= 16 * group);
}

export function loraGradientKernel(variants: Variants, rows: number): typeof loraWeightBackward {
  return variants[taskKey({ kind: 'lora gradient' }, rows)] === 'split'
    ? loraWeightBackwardSplit
    : loraWeightBackward;
}

/** Constants of the kernels that go over a vocabulary. */
export function vocabularyConstants(variants: Variants): { readonly LANES: number } {
  return { LANES: VOCABULARY_LANES[variants['vocabulary'] === 'wide' ? 'wide' : 'plain'] };
}

/** ROWS of a group variant, null of others. */
function groupOf(name: string): number | null {
  return name.startsWith('group ') ? Number(name.slice('group '.length)) : null;
}
