import type { EngineSizes } from '../schema/plan.ts';

/** What a run says that went on with smaller sizes. */
export function smallerSentence(step: number, sizes: EngineSizes, before: EngineSizes): string {
  return (
    `The run continued from step ${step} with micro-batches of ${sizes.microBatchRows} tokens and ` +
    `${sizes.slots} answers at a time instead of ${before.microBatchRows} and ${before.slots}; ` +
    'from here on it is not byte-identical to a run that had the memory.'
  );
}

/** What a run says that pauses since `steps` (first, last) had no finite gradient. */
export function notFiniteSentence(
  [first, last]: readonly [number, number],
  restored: number,
  learningRate: number,
): string {
  return (
    `The gradient was not finite in ${last - first + 1} steps in a row (${first} to ${last}), so ` +
    `the checkpoint of step ${restored} was restored. ` +
    `Start again with a smaller learning rate than ${learningRate}.`
  );
}
