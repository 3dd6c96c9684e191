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
import { linearBlock, linearBlockBackward, linearGroup, linearGroupRows } from './linear-variants.ts';
import { linearBackwardFor, linearFor, type LinearBackwardParams, type LinearParams } from './linear.ts';
import { loraWeightBackward, loraWeightBackwardSplit } from './lora.ts';
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
  | { readonly kind: 'attention' | 'attention backward' | 'lora gradient' | 'vocabulary' };

const PRODUCTS = ['plain', 'group 1', 'group 4', 'group 8', 'block'] as const;
const TRANSPOSED = ['plain', 'block'] as const;
const ATTENTIONS = ['plain', 'decode', 'tiled'] as const;
const ATTENTION_BACKWARDS = ['plain', 'tiled'] as const;
const LORA_GRADIENTS = ['plain', 'split'] as const;
const VOCABULARIES = ['plain', 'wide'] as const;
/** Lanes that share a row of logits in `token_loss`, `kd_loss` and `sample`; WebGPU has 256 everywhere. */
const VOCABULARY_LANES = { plain: 64, wide: 256 } as const;

/** Key of a task at a number of rows. Sampler and trainer take the same sums over the vocabulary, so that they agree to the bit. */
export function taskKey(task: Task, rows: number): string {
  if (task.kind === 'vocabulary') return task.kind;
  const layout = 'precision' in task ? (isTiled(task.precision) ? ' tiles' : ' rows') : '';
  const count = ROW_COUNTS.find((c) => rows <= c) ?? ROW_COUNTS[ROW_COUNTS.length - 1];
  return `${task.kind}${layout} ${count}`;
}

/** Variants worth measuring for a task at a number of rows; those that would waste most of their work are left out. */
export function candidates(task: Task, rows: number): readonly string[] {
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
    case 'lora gradient':
      return LORA_GRADIENTS.filter((name) => name === 'plain' || rows >= 32);
    case 'vocabulary':
      return VOCABULARIES;
    default:
      return task satisfies never;
  }
}

/** Throws a sentence for variants that this version does not have: a log of another version would not give the same bits. */
export function checkVariants(variants: Variants): void {
  const known: readonly string[] = [...PRODUCTS, ...TRANSPOSED, ...ATTENTIONS, ...LORA_GRADIENTS, ...VOCABULARIES];
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
  const group = groupOf(name);
  if (group === null) return { kernel: linearFor(precision), constants };
  return { kernel: isTiled(precision) ? linearGroup : linearGroupRows, constants: { ...constants, ROWS: group } };
}

export function transposedKernel(variants: Variants, precision: WeightPrecision, rows: number): Chosen<LinearBackwardParams> {
  const block = variants[taskKey({ kind: 'transposed', precision }, rows)] === 'block';
  return { kernel: block ? linearBlockBackward : linearBackwardFor(precision), constants: weightConstants(precision) };
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

export function loraGradientKernel(variants: Variants, rows: number): typeof loraWeightBackward {
  return variants[taskKey({ kind: 'lora gradient' }, rows)] === 'split' ? loraWeightBackwardSplit : loraWeightBackward;
}

/** Constants of the kernels that go over a vocabulary. */
export function vocabularyConstants(variants: Variants): { readonly LANES: number } {
  return { LANES: VOCABULARY_LANES[variants['vocabulary'] === 'wide' ? 'wide' : 'plain'] };
}

/** ROWS of a group variant, null of others. */
function groupOf(name: string): number | null {
  return name.startsWith('group ') ? Number(name.slice('group '.length)) : null;
}
