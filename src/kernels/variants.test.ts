import { expect, it } from 'vitest';
import { KERNELS } from './index.ts';
import {
  attentionBackwardKernels,
  attentionKernel,
  candidates,
  checkVariants,
  loraGradientKernel,
  productKernel,
  ropeNorms,
  ROW_COUNTS,
  takesIn,
  taskKey,
  transposedKernel,
  type Task,
  type Variants,
  vocabularyConstants,
} from './variants.ts';

const TASKS: readonly Task[] = [
  ...(['f32', 'q4'] as const).flatMap((precision) => [
    { kind: 'product', precision } as const,
    { kind: 'transposed', precision } as const,
  ]),
  { kind: 'norm' },
  { kind: 'swiglu' },
  { kind: 'head norm' },
  { kind: 'attention' },
  { kind: 'attention backward' },
  { kind: 'lora gradient' },
  { kind: 'vocabulary' },
];

function kernelNames(task: Task, variants: Variants, rows: number): string[] {
  switch (task.kind) {
    case 'product': {
      const { kernel, constants } = productKernel(variants, task.precision, rows);
      return [`${kernel.name} ${constants['ROWS'] ?? ''}`];
    }
    case 'norm':
    case 'swiglu': {
      const own = { norm: 'rms_norm', swiglu: 'swiglu' }[task.kind];
      if (!takesIn(variants, task.kind, rows)) return [own];
      return (['f32', 'q4'] as const).map((precision) => {
        const { kernel, constants } = productKernel(variants, precision, rows, task.kind);
        return `${kernel.name} ${constants['ROWS']} ${constants['PROLOGUE']}`;
      });
    }
    case 'head norm':
      return ropeNorms(variants, rows) ? ['rope'] : ['head_norm', 'rope'];
    case 'transposed':
      return [transposedKernel(variants, task.precision, rows).kernel.name];
    case 'attention':
      return [attentionKernel(variants, rows).name];
    case 'attention backward':
      return Object.values(attentionBackwardKernels(variants, rows)).map((kernel) => kernel.name);
    case 'lora gradient':
      return [loraGradientKernel(variants, rows).name];
    case 'vocabulary':
      return ['token_loss', 'kd_loss', 'sample'].map(
        (name) => `${name} ${vocabularyConstants(variants).LANES}`,
      );
    default:
      return task satisfies never;
  }
}

it('gives every candidate of a task kernels of its own, all of them in the table of kernels', () => {
  for (const task of TASKS) {
    for (const rows of ROW_COUNTS) {
      const chosen = candidates(task, rows, true).map((name) =>
        kernelNames(task, { [taskKey(task, rows)]: name }, rows),
      );
      expect(new Set(chosen.map(String)).size).toBe(chosen.length);
      for (const name of chosen.flat())
        expect(KERNELS.map((kernel) => kernel.name)).toContain(name.split(' ')[0]);
    }
  }
});

it('takes the norm and SwiGLU into products of few rows only, and only where that was chosen', () => {
  const names = (['norm', 'swiglu'] as const).flatMap((kind) =>
    ROW_COUNTS.map((rows) => candidates({ kind }, rows, true).join()),
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
  expect(() => productKernel({ 'product rows 4': 'group 4' }, 'f32', 4, 'norm')).toThrow(
    /was to do norm itself, but the variant chosen is "plain"/,
  );
});

it('takes for a number of rows the decision of the next larger one, and of the last beyond it', () => {
  const task: Task = { kind: 'attention' };
  expect([1, 2, 10, 11, 257, 5000].map((rows) => taskKey(task, rows))).toEqual(
    [1, 4, 10, 32, 1024, 1024].map((count) => `attention ${count}`),
  );
  expect(attentionKernel({ 'attention 32': 'tiled' }, 11).name).toBe('attention_tiled');
  expect(attentionKernel({ 'attention 32': 'tiled' }, 10).name).toBe('attention');
});

it('refuses a variant that this version does not have, naming it', () => {
  expect(() =>
    checkVariants({ 'product tiles 4': 'group 4', 'attention 1': 'plain' }),
  ).not.toThrow();
  expect(() => checkVariants({ 'product tiles 4': 'tensor cores' })).toThrow(
    /"tensor cores" of product tiles 4/,
  );
});

it.each([
  [
    'another task’s name',
    { 'product rows 10': 'tiled' },
    /"tiled" of product rows 10.*plain, group 1/,
  ],
  [
    'a task misspelt',
    { 'produkt rows 10': 'block' },
    /"produkt rows 10", which is no task.*product rows 10/,
  ],
  [
    'rows that are not decided for',
    { 'product rows 11': 'block' },
    /"product rows 11", which is no task/,
  ],
  ['a layout that the task has not', { 'attention rows 10': 'tiled' }, /"attention rows 10"/],
  ['a name of every object', { 'attention 10': 'constructor' }, /"constructor" of attention 10/],
])('refuses %s', (_, variants: Variants, sentence) => {
  expect(() => checkVariants(variants)).toThrow(sentence);
});
