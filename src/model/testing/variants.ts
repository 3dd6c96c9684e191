import {
  candidates,
  ROW_COUNTS,
  taskKey,
  type Task,
  type Variants,
} from '../../kernels/variants.ts';
import { WEIGHT_PRECISIONS } from '../../lib/weight-blocks.ts';

/** The same variants for every number of rows; tasks take what they have of them. */
export function forcedVariants(...names: readonly string[]): Variants {
  const tasks: Task[] = [
    ...WEIGHT_PRECISIONS.flatMap((precision) => [
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
  const chosen: Record<string, string> = {};
  for (const task of tasks) {
    const known = new Set(ROW_COUNTS.flatMap((rows) => candidates(task, rows, true)));
    for (const name of names)
      if (known.has(name)) for (const rows of ROW_COUNTS) chosen[taskKey(task, rows)] = name;
  }
  return chosen;
}
