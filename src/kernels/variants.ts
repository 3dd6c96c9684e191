/** Kernels that compute the same in several ways, and which of them a model uses for how many rows. */
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
import { linearBlock, linearBlockBackward, linearGroup, linearGroupRows, linearSubgroup, linearSubgroupBackward, subgroupRows } from './linear-variants.ts';
import { linearBackwardFor, linearFor, type LinearBackwardParams, type LinearParams } from './linear.ts';
import { weightConstants } from './weight-constants.ts';

/** Row counts that are decided for; any other takes the decision of the next larger, or of the last. */
export const ROW_COUNTS = [1, 4, 10, 32, 256, 1024] as const;

/**
 * Variant by task: "product tiles 10" is a product of up to ten rows by quantised weights. What is not named is 'plain', so
 * that {} is the lab without choices. Stored in a run's log and forced when it goes on.
 */
export type Variants = Readonly<Record<string, string>>;

export type Task =
  | { readonly kind: 'product' | 'transposed'; readonly precision: WeightPrecision }
  | { readonly kind: 'attention' | 'attention backward' };

const PRODUCTS = ['plain', 'group 1', 'group 4', 'group 8', 'block', 'subgroup'] as const;
const TRANSPOSED = ['plain', 'block', 'subgroup'] as const;
const ATTENTIONS = ['plain', 'decode', 'tiled'] as const;
const ATTENTION_BACKWARDS = ['plain', 'tiled'] as const;

/** Key of a task at a number of rows. */
export function taskKey(task: Task, rows: number): string {
  const layout = 'precision' in task ? (isTiled(task.precision) ? ' tiles' : ' rows') : '';
  const count = ROW_COUNTS.find((c) => rows <= c) ?? ROW_COUNTS[ROW_COUNTS.length - 1];
  return `${task.kind}${layout} ${count}`;
}

/** Variants worth measuring for a task at a number of rows; those that would waste most of their work are left out. */
export function candidates(task: Task, rows: number, subgroups: boolean): readonly string[] {
  return variantsFor(task, rows).filter((name) => name !== 'subgroup' || subgroups);
}

function variantsFor(task: Task, rows: number): readonly string[] {
  switch (task.kind) {
    case 'product':
      return PRODUCTS.filter((name) => {
        if (name === 'block') return rows >= 10;
        const group = groupOf(name);
        return group === null || (rows >= group && rows <= 16 * group);
      });
    case 'transposed':
      return TRANSPOSED.filter((name) => name === 'plain' || rows >= 10);
    case 'attention':
      return ATTENTIONS.filter((name) => name === 'plain' || (name === 'decode' ? rows <= 256 : rows >= 10));
    case 'attention backward':
      return ATTENTION_BACKWARDS;
    default:
      return task satisfies never;
  }
}

/** Products by subgroups, whatever their size and precision. */
export function subgroupVariants(): Variants {
  const tasks: Task[] = (['f32', 'q8'] as const).flatMap((precision) => [{ kind: 'product', precision }, { kind: 'transposed', precision }]);
  return Object.fromEntries(tasks.flatMap((task) => ROW_COUNTS.map((rows) => [taskKey(task, rows), 'subgroup'])));
}

/** Variants as a device can compute them: without subgroups of a fixed size plain ones stand in, which sum in the same order. */
export function withoutSubgroups(variants: Variants): Variants {
  return Object.fromEntries(Object.entries(variants).filter(([, name]) => name !== 'subgroup'));
}

/** Throws a sentence for variants that this version does not have: a log of another version would not give the same bits. */
export function checkVariants(variants: Variants): void {
  const known: readonly string[] = [...PRODUCTS, ...TRANSPOSED, ...ATTENTIONS];
  for (const [task, name] of Object.entries(variants)) {
    if (!known.includes(name)) {
      throw new Error(`The run was computed with a variant "${name}" of ${task} that this version does not have; go on with the version that began it, or start it anew.`);
    }
  }
}

export interface Chosen<P extends string> {
  readonly kernel: Kernel<P>;
  readonly constants: Readonly<Record<string, number>>;
}

export function productKernel(variants: Variants, precision: WeightPrecision, rows: number): Chosen<LinearParams> {
  const name = variants[taskKey({ kind: 'product', precision }, rows)] ?? 'plain';
  const constants = weightConstants(precision);
  if (name === 'block') return { kernel: linearBlock, constants };
  if (name === 'subgroup') return { kernel: linearSubgroup, constants: { ...constants, ...subgroupRows(rows) } };
  const group = groupOf(name);
  if (group === null) return { kernel: linearFor(precision), constants };
  return { kernel: isTiled(precision) ? linearGroup : linearGroupRows, constants: { ...constants, ROWS: group } };
}

export function transposedKernel(variants: Variants, precision: WeightPrecision, rows: number): Chosen<LinearBackwardParams> {
  const name = variants[taskKey({ kind: 'transposed', precision }, rows)];
  const constants = weightConstants(precision);
  if (name === 'subgroup') return { kernel: linearSubgroupBackward, constants: { ...constants, ...subgroupRows(rows) } };
  return { kernel: name === 'block' ? linearBlockBackward : linearBackwardFor(precision), constants };
}

export function attentionKernel(variants: Variants, rows: number): typeof attention {
  const name = variants[taskKey({ kind: 'attention' }, rows)];
  return name === 'tiled' ? attentionTiled : name === 'decode' ? attentionDecode : attention;
}

export function attentionBackwardKernels(variants: Variants, rows: number): { readonly query: typeof attention; readonly keyValue: typeof attention } {
  return variants[taskKey({ kind: 'attention backward' }, rows)] === 'tiled'
    ? { query: attentionQueryBackwardTiled, keyValue: attentionKeyValueBackwardTiled }
    : { query: attentionQueryBackward, keyValue: attentionKeyValueBackward };
}

/** ROWS of a group variant, null of others. */
function groupOf(name: string): number | null {
  return name.startsWith('group ') ? Number(name.slice('group '.length)) : null;
}
