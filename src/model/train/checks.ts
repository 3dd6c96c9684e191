import type { LossOptions, TrainSequence } from './step.ts';
import { checkTeacher } from './teacher.ts';

/**
 * Throws a sentence for sequences that the loss cannot be computed from. Token ids and lengths are
 * checked elsewhere.
 */
export function checkTrainStep(
  sequences: readonly TrainSequence[],
  loss: LossOptions,
  reference: boolean,
  vocab: number,
): void {
  if (loss.kind !== 'kd' && loss.beta > 0 && !reference) {
    throw new Error(
      `β is ${loss.beta}, but the reference pass that its KL needs was not asked for; ask for it, or set β to 0.`,
    );
  }
  const parts = new Set(sequences.map((s) => s.part ?? 0));
  for (let part = 0; part < parts.size; part++) {
    if (!parts.has(part))
      throw new Error(
        `Sequences come in ${parts.size} parts, but none is in part ${part}; parts are numbered from 0 without gaps.`,
      );
  }
  sequences.forEach((s, i) => {
    const label = `Sequence ${i + 1} of ${sequences.length}`;
    for (const [name, values] of [
      ['old', s.oldLogprobs],
      ['sampler', s.samplerLogprobs],
    ] as const) {
      if (values && values.length !== s.completion.length) {
        throw new Error(
          `${label} has ${values.length} ${name} log-probs for ${s.completion.length} ` +
            'completion tokens; one each is needed.',
        );
      }
    }
    if (loss.kind === 'kd') checkTeacher(s, label, vocab);
  });
}
