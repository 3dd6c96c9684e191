import type { Problem } from '../data/problem.ts';
import { bootstrap95, mean, passAtK, wilson95 } from '../lib/stats.ts';
import type { PolicyText } from '../data/prompts.ts';
import type { AdapterName, Completion, GenerateRequest } from '../model/engine.ts';
import type { RunEventOf } from '../schema/events.ts';
import { rewardOf } from '../schema/verdict.ts';
import type { EvaluationContext, Graded } from './context.ts';
import { cutAnswer } from './protocol.ts';

export interface EvaluationPlan {
  readonly problems: readonly Problem[];
  readonly adapter: AdapterName;
  /** One greedy answer a problem. */
  readonly greedy: boolean;
  /** Samples a problem at `temperature`, from the full softmax unless `topP` says otherwise. */
  readonly samples: number;
  readonly temperature: number;
  readonly topP?: number;
  readonly maxTokens: number;
  readonly seed: number;
}

/** One answer: `sample` −1 is the greedy one. */
export interface Answer {
  readonly problem: Problem;
  readonly sample: number;
  readonly text: string;
  readonly completion: Completion;
  readonly graded: Graded;
}

export type EvaluationResult = Pick<
  RunEventOf<'eval.completed'>,
  'greedy' | 'sampled' | 'perProblem'
>;

/**
 * Sequences generated together, about; between two such blocks an evaluation can be interrupted.
 */
const BLOCK = 64;

/** Thrown by `evaluate` when `interrupted()` says so; nothing was recorded. */
export class EvaluationInterrupted extends Error {
  override readonly name = 'EvaluationInterrupted';
}

/**
 * Answers all problems of `plan` and judges them; `onAnswer` sees each as it is judged. Answers
 * come back by problem, then greedy first, then by sample.
 */
export async function evaluate(
  context: EvaluationContext,
  plan: EvaluationPlan,
  interrupted: () => boolean = () => false,
  onAnswer: (answer: Answer) => void = () => undefined,
): Promise<Answer[]> {
  const { engine, text } = context;
  const kinds = [
    ...(plan.greedy ? [{ temperature: 0, samples: 1, first: -1 }] : []),
    ...(plan.samples > 0
      ? [{ temperature: plan.temperature, samples: plan.samples, first: 0 }]
      : []),
  ];
  const total = plan.problems.length * kinds.reduce((sum, kind) => sum + kind.samples, 0);
  const answers: Promise<Answer>[] = [];
  let done = 0;
  context.progress('evaluate', 0, total);
  const block = Math.max(
    1,
    Math.floor(
      BLOCK /
        Math.max(
          1,
          kinds.reduce((sum, kind) => sum + kind.samples, 0),
        ),
    ),
  );
  for (let start = 0; start < plan.problems.length; start += block) {
    if (interrupted()) throw new EvaluationInterrupted('The evaluation was interrupted.');
    const asked = plan.problems.slice(start, start + block).flatMap((problem, index) =>
      kinds.map((kind) => ({
        problem,
        place: start + index,
        kind,
        prompt: text.prompt(problem).ids,
      })),
    );
    const completions = await engine.generate(
      asked.map(({ problem, kind, place, prompt }) => ({
        prompt,
        samples: kind.samples,
        adapter: plan.adapter,
        temperature: kind.temperature,
        topK: 0,
        topP: plan.topP ?? 1,
        seed: plan.seed,
        stream: place * Math.max(1, plan.samples),
        maxTokens: plan.maxTokens,
        stopIds: text.stopIds,
        ...stopping(text, problem, prompt),
      })),
      context.signal ? { signal: context.signal } : {},
    );
    const ordered = [...completions].sort((a, b) => a.request - b.request || a.sample - b.sample);
    for (const completion of ordered) {
      const { problem, kind, prompt } = asked[completion.request]!;
      const written = text.decode(completion.ids, prompt);
      const answer = text.stopTexts ? cutAnswer(written, text.stopTexts(problem)) : written;
      const judged = context.grade(problem, answer).then((graded) => {
        context.progress('evaluate', ++done, total);
        const all = {
          problem,
          sample: kind.first + completion.sample,
          text: answer,
          completion,
          graded,
        };
        onAnswer(all);
        return all;
      });
      // awaited at the end; until then a failure must not count as unhandled
      judged.catch(() => undefined);
      answers.push(judged);
    }
  }
  return Promise.all(answers);
}

/** Generation ends soon after a text that ends the answer; where exactly decides `cutAnswer`. */
function stopping(
  text: PolicyText,
  problem: Problem,
  prompt: readonly number[],
): Pick<GenerateRequest, 'stopWhen'> {
  const stops = text.stopTexts?.(problem);
  if (stops === undefined) return {};
  return {
    stopWhen: (ids) => {
      const written = text.decode(ids, prompt);
      return stops.some((stop) => written.includes(stop));
    },
  };
}

/**
 * Rates of an evaluation: the greedy answers with Wilson's interval; the samples as the mean over
 * problems of per-problem means with a cluster bootstrap over problems. Answers the sandbox failed
 * to judge are left out.
 */
export function evaluationResult(
  answers: readonly Answer[],
  temperature: number,
  seed: number,
): EvaluationResult {
  const byProblem = new Map<
    string,
    { greedy: number | null; passes: number; judged: number; samples: number }
  >();
  for (const { problem, sample, graded } of answers) {
    let entry = byProblem.get(problem.id);
    if (!entry)
      byProblem.set(problem.id, (entry = { greedy: null, passes: 0, judged: 0, samples: 0 }));
    const reward = rewardOf(graded.verdict);
    if (sample < 0) entry.greedy = reward;
    else {
      entry.samples++;
      if (reward === null) continue;
      entry.judged++;
      entry.passes += reward;
    }
  }
  const entries = [...byProblem.entries()];
  const greedy = entries.map(([, e]) => e.greedy).filter((g) => g !== null);
  const sampled = entries.map(([, e]) => e).filter((e) => e.judged > 0);
  const means = sampled.map((e) => e.passes / e.judged);
  const passes = greedy.filter((g) => g === 1).length;
  return {
    greedy: greedy.length
      ? {
          problems: greedy.length,
          passes,
          rate: passes / greedy.length,
          ci95: wilson95(passes, greedy.length),
        }
      : null,
    sampled: sampled.length
      ? {
          problems: sampled.length,
          passes: sampled.reduce((sum, e) => sum + e.passes, 0),
          rate: mean(means),
          ci95: bootstrap95(means, seed),
          samples: Math.max(...sampled.map((e) => e.samples)),
          temperature,
          passAt8: sampled.every((e) => e.judged >= 8)
            ? mean(sampled.map((e) => passAtK(e.judged, e.passes, 8)))
            : null,
        }
      : null,
    perProblem: entries.map(([id, { greedy, passes, judged }]) => ({
      id,
      greedy,
      sampled: judged ? passes : null,
      judged,
    })),
  };
}
