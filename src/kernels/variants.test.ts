import { expect, it } from 'vitest';
import type { Kernel } from '../gpu/kernel.ts';
import { KERNELS } from './index.ts';
import {
  attentionKernel,
  candidates,
  checksOf,
  checkVariants,
  productKernel,
  ROW_COUNTS,
  subgroupVariants,
  takesIn,
  TASK_NAMES,
  taskKey,
  TASKS,
  transposedKernel,
  variantNamed,
  type Variants,
} from './variants.ts';

const WITH = { subgroupSize: 8 };
const WITHOUT = { subgroupSize: null };

it('gives every variant of a task kernels or constants of its own, kernels of the table', () => {
  for (const task of TASK_NAMES) {
    const variants = Object.values(TASKS[task]);
    for (const rows of ROW_COUNTS) {
      const made = variants.map(({ kernels, constants }) =>
        JSON.stringify([Object.values<Kernel>(kernels).map(({ name }) => name), constants(rows)]),
      );
      expect(new Set(made).size, task).toBe(variants.length);
    }
    for (const { kernels } of variants)
      for (const kernel of Object.values<Kernel>(kernels)) expect(KERNELS).toContain(kernel);
  }
});

it('has a case of its kernels to check every variant by', () => {
  for (const task of TASK_NAMES)
    for (const name of Object.keys(TASKS[task]))
      for (const { kernel, asked, constants } of checksOf(task, name, 10)) {
        expect(kernel.cases().filter(asked).length, `${task}: ${name}`).toBeGreaterThan(0);
        for (const constant of Object.keys(constants))
          expect(Object.keys({ ...kernel.constants }), `${task}: ${name}`).toContain(constant);
      }
});

it('measures for a number of rows what suits it, and needs no more than the device has', () => {
  expect(candidates('product tiles', 1, WITH)).toEqual(['plain', 'group 1', 'subgroup']);
  expect(candidates('product tiles', 1, WITHOUT)).toEqual(['plain', 'group 1']);
  expect(candidates('product rows', 10, WITHOUT)).toEqual([
    'plain',
    'group 1',
    'group 4',
    'group 8',
    'block',
  ]);
  expect(candidates('transposed rows', 4, WITH)).toEqual(['plain']);
  expect(candidates('transposed rows', 10, WITH)).toEqual(['plain', 'block', 'subgroup']);
  expect(candidates('attention', 1024, WITH)).toEqual(['plain', 'tiled']);
  expect(candidates('lora gradient', 10, WITH)).toEqual(['plain']);
});

it('takes the norm and SwiGLU into products of few rows only, and only where that was chosen', () => {
  const names = (['norm', 'swiglu'] as const).flatMap((task) =>
    ROW_COUNTS.map((rows) => candidates(task, rows, WITH).join()),
  );
  const few = [
    'plain,group 1',
    'plain,group 1,group 4',
    'plain,group 1,group 4,group 8',
    'plain,group 4,group 8',
    'plain',
    'plain',
  ];
  expect(names).toEqual([...few, ...few]);
  expect(takesIn({ 'norm 4': 'group 4' }, 'norm', 3)).toBe(true);
  expect(takesIn({ 'norm 4': 'group 4', 'swiglu 4': 'plain' }, 'swiglu', 3)).toBe(false);
  const { kernel, constants } = productKernel({ 'swiglu 4': 'group 4' }, 'q4', 4, 'swiglu');
  expect([kernel.name, constants]).toEqual([
    'linear_group',
    { WEIGHT_BITS: 4, ROWS: 4, PROLOGUE: 2 },
  ]);
  expect(() => productKernel({ 'product rows 4': 'group 4' }, 'f32', 4, 'norm')).toThrow(
    /was to do norm itself, but the variant chosen needs a dispatch of rms_norm before it/,
  );
});

it('takes for a number of rows the decision of the next larger one, and of the last beyond it', () => {
  expect([1, 2, 10, 11, 257, 5000].map((rows) => taskKey('attention', rows))).toEqual(
    [1, 4, 10, 32, 1024, 1024].map((count) => `attention ${count}`),
  );
  expect(attentionKernel({ 'attention 32': 'tiled' }, 11).name).toBe('attention_tiled');
  expect(attentionKernel({ 'attention 32': 'tiled' }, 10).name).toBe('attention');
});

it('goes on with every variant that a log of this or an earlier version may name', () => {
  for (const task of TASK_NAMES)
    for (const name of Object.keys(TASKS[task]))
      for (const rows of ROW_COUNTS) checkVariants({ [taskKey(task, rows)]: name }, WITH);
  // What software adapters with subgroups have written since they take them.
  expect(subgroupVariants()).toEqual(
    Object.fromEntries(
      ['product rows', 'product tiles', 'transposed rows', 'transposed tiles'].flatMap((task) =>
        [1, 4, 10, 32, 256, 1024].map((rows) => [`${task} ${rows}`, 'subgroup']),
      ),
    ),
  );
  expect(transposedKernel(subgroupVariants(), 'q4', 3)).toMatchObject({
    kernel: { name: 'linear_subgroup.bwd' },
    constants: { WEIGHT_BITS: 4, ROWS: 4 },
  });
});

it.each<[string, Variants, RegExp]>([
  [
    'a name it never had',
    { 'attention 1': 'plain', 'product tiles 4': 'tensor cores' },
    /a variant "tensor cores" of product tiles 4, which this version does not have; it knows plain, group 1, group 4, group 8, block, subgroup\. Go on with the version/,
  ],
  [
    'a name of another task',
    { 'product rows 10': 'tiled' },
    /a variant "tiled" of product rows 10, which .* it knows plain, group 1/,
  ],
  [
    'a name of another task',
    { vocabulary: 'rope' },
    /"rope" of vocabulary, .* knows plain, wide\./,
  ],
  ['a name that objects have', { 'product rows 10': 'constructor' }, /"constructor" of product/],
  [
    'an unknown task',
    { 'produkt rows 10': 'block' },
    /"block" of produkt rows 10\. This version has no such task; it knows product rows, product tiles, .* vocabulary\. Go on with the version/,
  ],
  ['an unknown task', { toString: 'plain' }, /"plain" of toString\. This version has no such task/],
  [
    'an unknown number of rows',
    { 'product rows 12': 'block' },
    /"block" of product rows 12\. Of "product rows" this version knows product rows 1, product rows 4, .*1024\./,
  ],
  ['no number of rows', { attention: 'tiled' }, /Of "attention" this version knows attention 1,/],
  [
    'rows of what has none',
    { 'vocabulary 10': 'wide' },
    /"vocabulary" this version knows vocabulary\./,
  ],
  [
    'rows otherwise written',
    { 'attention 010': 'tiled' },
    /"tiled" of attention 010\. Of "attention"/,
  ],
])('refuses %s in a log, naming it and what is known', (_title, variants, sentence) => {
  expect(() => checkVariants(variants, WITH)).toThrow(sentence);
});

it('says what the device lacks for a variant that it knows', () => {
  expect(() => checkVariants(subgroupVariants(), WITH)).not.toThrow();
  expect(() => checkVariants({ 'transposed tiles 32': 'subgroup' }, WITHOUT)).toThrow(
    'The run was computed with a variant "subgroup" of transposed tiles 32. Its kernel ' +
      'linear_subgroup.bwd needs subgroups of a fixed size, which this device does not have. ' +
      'Go on on the device that began it, or start it anew.',
  );
});

it('throws for a variant that was not checked, in place of taking another', () => {
  expect(variantNamed('attention', 'toString')).toBeUndefined();
  expect(() => attentionKernel({ 'attention 1': 'block' }, 1)).toThrow(
    'The task "attention" has no variant "block".',
  );
});
