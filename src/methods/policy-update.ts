import {
  atToken,
  type TokenColumns,
  type TrainResult,
  type TrainSequence,
} from '../model/engine.ts';
import type { Prompt } from '../data/prompts.ts';
import { coefficientsOf, entropyThreshold, lossOf, type Coefficients } from './objective.ts';
import type { Rollout, Step, StepFigures } from './step.ts';

/** A completion that carries signal. */
export interface Row {
  readonly rollout: Rollout;
  /** Of the completion, or of each of its tokens. */
  readonly advantage: number | readonly number[];
  /** λ of its phase (1). */
  readonly weight?: number;
}

export interface PolicyUpdate {
  readonly inLoss: (rollout: Rollout) => boolean;
  readonly columns: (rollout: Rollout) => TokenColumns | undefined;
  /** For the step's line. */
  readonly figures: Pick<
    StepFigures,
    'loss' | 'gradNorm' | 'kl' | 'clipRatio' | 'samplerGap' | 'skipped' | 'noSignal' | 'trained'
  >;
}

/**
 * μ optimiser updates of the student on completions with advantages: the clipped policy gradient of
 * docs/methods.md, or the likelihood of those completions (`nll`, rejection fine-tuning). Old
 * log-probs are the trainer's own before the first update, so at μ = 1 every ratio is 1. Kinds of
 * completions are parts of their own, so that each one's gradient norm is known.
 */
export async function policyUpdate(
  step: Step,
  rows: readonly Row[],
  kind: 'pg' | 'nll' = 'pg',
): Promise<PolicyUpdate> {
  const { config, context } = step;
  const groups = new Map<Prompt, number>();
  const kinds = [...new Set(rows.map(({ rollout }) => rollout.kind))];
  const sequences = rows.map(({ rollout, advantage, weight }): TrainSequence => {
    const { prompt, completion } = rollout;
    if (!groups.has(prompt)) groups.set(prompt, groups.size);
    return {
      group: groups.get(prompt)!,
      prompt: prompt.ids,
      completion: completion.ids,
      temperature: rollout.temperature,
      advantage,
      samplerLogprobs: completion.logprobs,
      masked: config.loss.maskTruncated && completion.finish === 'length',
      part: kinds.indexOf(rollout.kind),
      ...(weight === undefined ? {} : { weight }),
    };
  });
  // What needs whole completions is scored first, then comes one backward pass.
  const rollouts = rows.map(({ rollout }) => rollout);
  const threshold = entropyThreshold(
    rollouts.filter((_, i) => !sequences[i]!.masked),
    config.objective.entropyTop,
  );
  const weighed = async (asked: readonly TrainSequence[], old: readonly TokenColumns[] | null) => {
    const advantages = rows.map(({ advantage }) => advantage);
    const coefficients = await coefficientsOf(step, rollouts, advantages, old);
    return asked.map((s, i) => withCoefficients(s, coefficients[i]!, rollouts[i]!, threshold));
  };
  const place = new Map(rows.map(({ rollout }, i) => [rollout, i]));
  const trains = sequences.some((sequence) => !sequence.masked);
  let result: TrainResult | null = null;
  let applied = 0;
  let skipped = false;
  let last: TrainResult | null = null;
  if (trains) {
    await step.update('update', async () => {
      for (let update = 0; update < config.loss.updates; update++) {
        context.progress('update', update, config.loss.updates);
        const old = result?.columns;
        const asked = old
          ? sequences.map((s, i) => ({ ...s, oldLogprobs: old[i]!.logprobs }))
          : sequences;
        const next = await context.engine.trainStep({
          adapter: 'student',
          sequences: kind === 'nll' ? asked : await weighed(asked, old ?? null),
          loss:
            kind === 'nll'
              ? { kind, aggregation: 'dapo', beta: config.loss.beta, floor: null }
              : lossOf(config),
          optimizer: { learningRate: step.learningRate, ...config.optimizer },
          reference: true, // KL is logged also where β = 0
        });
        skipped ||= next.skipped;
        if (!next.skipped) applied++;
        result ??= next;
        last = next;
      }
    });
  }
  // TypeScript does not see the assignments in the closure
  const [done, end] = [result, last] as (TrainResult | null)[];
  const at = (rollout: Rollout) => place.get(rollout);
  const inLoss = (rollout: Rollout) => {
    const row = at(rollout);
    return row !== undefined && sequences[row]!.masked !== true;
  };
  return {
    inLoss,
    columns: (rollout) => {
      const row = at(rollout);
      // Ratios are those of the last update: at the first all are 1.
      return row === undefined || !done
        ? undefined
        : { ...done.columns[row]!, ratio: end!.columns[row]!.ratio };
    },
    figures: {
      loss: done?.loss ?? 0,
      gradNorm: done?.gradNorm ?? 0,
      kl: done?.kl ?? 0,
      clipRatio: end?.clipRatio ?? 0,
      samplerGap: done?.samplerGap ?? null,
      skipped,
      noSignal: !trains,
      trained: Object.fromEntries(
        kinds.map((name, part) => [
          name,
          {
            tokens:
              applied *
              rows.reduce((n, { rollout }) => {
                return (
                  n + (rollout.kind === name && inLoss(rollout) ? rollout.completion.ids.length : 0)
                );
              }, 0),
            gradNorm: done ? (done.partNorms[part] ?? null) : null,
          },
        ]),
      ),
    },
  };
}

/** A sequence with its ratio and weights; as it was where the objective weighs every token alike. */
function withCoefficients(
  sequence: TrainSequence,
  { weight, ratio }: Coefficients,
  { completion }: Rollout,
  threshold: number,
): TrainSequence {
  const of = (position: number) => weight * atToken(sequence.weight ?? 1, position);
  return {
    ...sequence,
    ...(ratio !== undefined && { ratio }),
    ...(threshold > -Infinity
      ? { weight: Array.from(completion.entropy, (h, t) => (h >= threshold ? of(t) : 0)) }
      : weight !== 1 && { weight: of(0) }),
  };
}
