import { candidates, ROW_COUNTS, taskKey, type Task, type Variants } from '../../kernels/variants.ts';

/** The same variants for every number of rows, at f32 and in tiles; a task that has no variant of the name keeps its plain kernel. */
export function forcedVariants(product: string, attention: string, headNorm = 'plain'): Variants {
  const tasks: [Task, string][] = [
    ...(['f32', 'q4'] as const).flatMap((precision): [Task, string][] => [
      [{ kind: 'product', precision }, product],
      [{ kind: 'transposed', precision }, product],
    ]),
    [{ kind: 'norm' }, product],
    [{ kind: 'swiglu' }, product],
    [{ kind: 'head norm' }, headNorm],
    [{ kind: 'attention' }, attention],
    [{ kind: 'attention backward' }, attention],
  ];
  const has = (task: Task, name: string) => [4, 1024].some((rows) => candidates(task, rows, true).includes(name));
  return Object.fromEntries(tasks.flatMap(([task, name]) => (has(task, name) ? ROW_COUNTS.map((rows) => [taskKey(task, rows), name]) : [])));
}
