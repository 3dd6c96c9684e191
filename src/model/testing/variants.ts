import {
  ROW_COUNTS,
  TASK_NAMES,
  taskKey,
  variantNamed,
  type Variants,
} from '../../kernels/variants.ts';

/** The same variants for every number of rows; tasks take what they have of them. */
export function forcedVariants(...names: readonly string[]): Variants {
  const chosen: Record<string, string> = {};
  for (const task of TASK_NAMES)
    for (const name of names)
      if (variantNamed(task, name))
        for (const rows of ROW_COUNTS) chosen[taskKey(task, rows)] = name;
  return chosen;
}
