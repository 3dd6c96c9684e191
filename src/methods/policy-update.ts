import type { TokenColumns, TrainResult, TrainSequence } from '../model/engine.ts';
import type { Prompt } from '../data/prompts.ts';
import type { Rollout, Step, StepFigures } from './step.ts';

/** A completion that carries signal. */
export interface Row {
  readonly rollout: Rollout;
  readonly advantage: number;
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
        const next = await context.engine.trainStep({
          adapter: 'student',
          sequences: old
            ? sequences.map((s, i) => ({ ...s, oldLogprobs: old[i]!.logprobs }))
            : sequences,
          loss:
            kind === 'nll'
              ? { kind, aggregation: 'dapo', beta: config.loss.beta, floor: null }
              : {
                  kind,
                  aggregation: config.loss.aggregation,
                  epsLow: config.loss.epsLow,
                  epsHigh: config.loss.epsHigh,
                  beta: config.loss.beta,
                  correctionCap: config.loss.correctionCap,
                  maxTokens: config.maxTokens,
                },
          optimizer: { learningRate: config.learningRate, ...config.optimizer },
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
