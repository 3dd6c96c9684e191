import type { CodeFormat, Prompt } from '../data/prompts.ts';
import type { Problem } from '../data/problem.ts';
import type { Graded } from '../eval/context.ts';
import { mean } from '../lib/stats.ts';
import type { AdapterName, Completion, TokenColumns } from '../model/engine.ts';
import type { RunConfig } from '../schema/config.ts';
import type { KindFigures, NewEvent, TokenTotals } from '../schema/events.ts';
import type { Phase, Kind } from '../settings/kinds.ts';
import { KINDS } from '../settings/kinds.ts';
import { passCount, rewardOf } from '../schema/verdict.ts';
import type { Reward } from './advantage.ts';
import type { MethodContext, StepInput, StepOutcome } from './method.ts';
import { learningRateOf } from './schedule.ts';

/** A completion with its verdict. */
export interface Rollout {
  readonly id: string;
  readonly kind: Kind;
  /** Index of its problem in the step. */
  readonly problem: number;
  readonly parent: Rollout | null;
  readonly prompt: Prompt;
  readonly temperature: number;
  readonly completion: Completion;
  readonly text: string;
  /** Null of a reflection, which is no program. */
  readonly graded: Graded | null;
  readonly reward: Reward;
}

/** Completions wanted of one prompt. */
export interface Ask {
  readonly problem: number;
  readonly prompt: Prompt;
  readonly samples: number;
  /** What the prompt is about: the failed attempt, the reflection. */
  readonly parent?: Rollout;
}

export interface AskOptions {
  readonly phase: Phase;
  readonly kind: Kind;
  readonly adapter: AdapterName;
  readonly temperature: number;
  readonly maxTokens: number;
  /** Where the program of a completion is, when it does not answer the plain prompt. */
  readonly format?: CodeFormat;
}

/** A rollout's line in the ledger: what it was paid and what that did. */
export interface Ledger {
  readonly reward: number | null;
  /** What was added to the reward before it was compared; 0 where left out. */
  readonly penalty?: number;
  readonly advantage: number;
  readonly groupMean: number;
  readonly groupStd: number;
  readonly inLoss: boolean;
  readonly weight?: number;
  /** Of a reflection: passed and judged retries; else its own asserts. */
  readonly counts?: { readonly passed: number; readonly of: number };
  readonly columns?: TokenColumns | undefined;
}

type StepLine = Extract<NewEvent, { type: 'update.applied' }>;
/** What only the method can say of its step. */
export type StepFigures = Pick<
  StepLine,
  | 'loss'
  | 'gradNorm'
  | 'kl'
  | 'clipRatio'
  | 'zeroSignal'
  | 'groups'
  | 'samplerGap'
  | 'skipped'
  | 'noSignal'
> &
  Partial<Pick<StepLine, 'rescue' | 'reflection' | 'distillation'>> & {
    /** Whose mean reward and pass rate the curves show: answers to the plain prompt. */
    readonly firsts: readonly { readonly reward: number | null; readonly passed: boolean }[];
    /** Gradient norm of each kind's completions alone, and the tokens it put into the loss. */
    readonly trained: Partial<
      Record<Kind, { readonly tokens: number; readonly gradNorm: number | null }>
    >;
  };

/**
 * What one step of any method shares: sampling and grading (which overlap), the ledger, the step's
 * own line. Everything is ordered by index, and random numbers are keyed by (step, problem, number
 * of the completion), so nothing depends on time.
 */
export class Step {
  readonly rollouts: Rollout[] = [];
  /** Completions numbered so far, by problem. */
  private readonly numbers: number[];
  private readonly children = new Map<string, number>();
  private readonly attempts: number[];
  /** The step's own problems, then those that were drawn besides. */
  readonly problems: Problem[];
  /** Places of the seeded order that were passed in drawing them. */
  private passed = 0;
  readonly learningRate: number;
  private readonly seconds = { sample: 0, grade: 0, update: 0 };
  private readonly promptTokens = new Map<Kind, number>();

  /** @param most completions of one problem at most; it keeps random numbers of problems apart. */
  constructor(
    readonly context: MethodContext,
    readonly config: RunConfig,
    readonly input: StepInput,
    private readonly most: number,
  ) {
    const { step, epoch, problems } = input;
    this.problems = [...problems];
    this.learningRate = learningRateOf(config, step, input.totals);
    this.numbers = problems.map(() => 0);
    this.attempts = problems.map(() => 0);
    context.emit({
      type: 'step.started',
      step,
      epoch,
      problems: problems.map((problem) => problem.id),
    });
  }

  /**
   * Adds the next `count` problems of the seeded order that the step does not have yet, as far as
   * there are such; returns their numbers.
   */
  draw(count: number): number[] {
    const { next, distinct } = this.input;
    const drawn: number[] = [];
    while (drawn.length < count && new Set(this.problems.map(({ id }) => id)).size < distinct) {
      const problem = next(this.passed++);
      if (this.problems.some(({ id }) => id === problem.id)) continue;
      drawn.push(this.problems.push(problem) - 1);
      this.numbers.push(0);
      this.attempts.push(0);
    }
    return drawn;
  }

  /** Begins a part of the step in the log and on the screen. */
  phase(phase: Phase): void {
    this.context.emit({ type: 'phase.started', step: this.input.step, phase });
    this.context.progress(phase, 0, 1);
  }

  /**
   * The asks whose prompts leave room for an answer in the model's context; what is left out is
   * said once.
   */
  fitting(asks: readonly Ask[], maxTokens: number): Ask[] {
    const { context, input } = this;
    const { maxContext } = context.engine;
    const kept = asks.filter(({ prompt }) => prompt.ids.length + maxTokens <= maxContext);
    if (kept.length < asks.length) {
      context.emit({
        type: 'warning.raised',
        message:
          `Step ${input.step}: ${asks.length - kept.length} of ${asks.length} prompts ` +
          `about failed attempts were left out, because with ${maxTokens} new tokens they ` +
          `exceed the model's context of ${maxContext}.`,
      });
    }
    return kept;
  }

  /** Samples what is asked for and grades each completion as it ends; by ask, then sample. */
  async complete(asks: readonly Ask[], options: AskOptions): Promise<Rollout[]> {
    if (asks.length === 0) return [];
    const { context, config, input } = this;
    const { engine, now } = context;
    // Problems that a step may have, drawn ones included, so that no two steps share a stream.
    const places = config.problemsPerStep * (1 + (config.objective.dynamicSampling ?? 0));
    this.phase(options.phase);
    const started = now();
    const total = asks.reduce((n, ask) => n + ask.samples, 0);
    const offsets: number[] = [];
    const named = asks.map((ask) => {
      offsets.push((offsets.at(-1) ?? 0) + (asks[offsets.length - 1]?.samples ?? 0));
      const first = this.numbers[ask.problem]!;
      this.numbers[ask.problem] = first + ask.samples;
      return { ask, first, ids: Array.from({ length: ask.samples }, () => this.nextId(ask)) };
    });
    this.addPromptTokens(
      options.kind,
      asks.reduce((n, ask) => n + ask.prompt.ids.length, 0),
    );
    const pending = new Array<Promise<Rollout>>(total);
    let graded = 0;
    let sampling = true;
    await engine.generate(
      named.map(({ ask, first }) => ({
        prompt: ask.prompt.ids,
        samples: ask.samples,
        adapter: options.adapter,
        temperature: options.temperature,
        topK: 0, // training samples from the full softmax
        topP: 1,
        seed: config.seed,
        stream: ((input.step - 1) * places + ask.problem) * this.most + first,
        maxTokens: options.maxTokens,
        stopIds: context.text.stopIds,
      })),
      {
        onTokens: (generated) =>
          context.progress(options.phase, generated, total * options.maxTokens),
        onCompletion: (completion) => {
          const { ask, first, ids } = named[completion.request]!;
          const place = offsets[completion.request]! + completion.sample;
          const rollout = this.judge(
            ask,
            options,
            completion,
            ids[completion.sample]!,
            first + completion.sample,
            () => {
              graded++;
              if (!sampling) context.progress('grade', graded, total);
            },
          );
          // awaited below; until then a failure must not count as unhandled
          rollout.catch(() => undefined);
          pending[place] = rollout;
        },
      },
    );
    sampling = false;
    const sampled = now();
    if (options.kind !== 'reflection') {
      this.phase('grade');
      context.progress('grade', graded, total);
    }
    const rollouts = await Promise.all(pending);
    this.seconds.sample += sampled - started;
    this.seconds.grade += now() - sampled;
    this.rollouts.push(...rollouts);
    return rollouts;
  }

  /** Does the work of an update phase and times it. */
  async update<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const started = this.context.now();
    this.phase(phase);
    const result = await work();
    this.seconds.update += this.context.now() - started;
    return result;
  }

  /** Tokens computed as context beyond the prompts of completions, such as a teacher's. */
  addPromptTokens(kind: Kind, tokens: number): void {
    this.promptTokens.set(kind, (this.promptTokens.get(kind) ?? 0) + tokens);
  }

  ledger(rollout: Rollout, entry: Ledger): void {
    const { context } = this;
    const { completion, graded } = rollout;
    const n = completion.ids.length;
    context.emit({
      type: 'rollout.rewarded',
      rollout: rollout.id,
      reward: entry.reward,
      passed: entry.counts?.passed ?? (graded ? passCount(graded.verdict) : 0),
      asserts: entry.counts?.of ?? graded?.verdict.asserts.length ?? 0,
      advantage: entry.advantage,
      ...(entry.penalty === undefined ? {} : { penalty: entry.penalty }),
      ...(entry.weight === undefined ? {} : { weight: entry.weight }),
      groupMean: entry.groupMean,
      groupStd: entry.groupStd,
      inLoss: entry.inLoss,
      columns: context.columns({
        ids: Uint32Array.from(completion.ids),
        ends: context.text.ends(completion.ids, rollout.prompt.ids),
        logprobs: completion.logprobs,
        entropy: completion.entropy,
        kl: entry.columns?.kl ?? new Float32Array(n),
        ratio: entry.columns?.ratio ?? new Float32Array(n).fill(1),
      }),
    });
  }

  /** The step's own line. */
  finish(figures: StepFigures): StepOutcome {
    const { context, input, seconds } = this;
    const { firsts, trained, ...rest } = figures;
    const kinds = KINDS.flatMap((kind) => this.kindFigures(kind, trained[kind]));
    const spent = (of: keyof TokenTotals) => kinds.reduce((n, kind) => n + kind.tokens[of], 0);
    const totals: TokenTotals = {
      prompt: input.totals.prompt + spent('prompt'),
      generated: input.totals.generated + spent('generated'),
      trained: input.totals.trained + spent('trained'),
    };
    const paid = firsts.flatMap(({ reward }) => reward ?? []);
    const attempts = this.rollouts.filter((rollout) => rollout.kind === 'attempt');
    context.emit({
      type: 'update.applied',
      step: input.step,
      rescue: null,
      reflection: null,
      distillation: null,
      ...rest,
      loss: finite(figures.loss),
      gradNorm: finite(figures.gradNorm),
      kl: finite(figures.kl),
      clipRatio: finite(figures.clipRatio),
      entropy: mean(attempts.flatMap((rollout) => [...rollout.completion.entropy])),
      reward: mean(paid),
      passRate: mean(firsts.map(({ passed }) => (passed ? 1 : 0))),
      infra: kinds.reduce((n, kind) => n + kind.infra, 0),
      totals,
      seconds,
      tokensPerSecond: seconds.sample > 0 ? spent('generated') / seconds.sample : 0,
      kinds,
    });
    return { totals, skipped: figures.skipped, passed: this.passed };
  }

  private nextId(ask: Ask): string {
    if (ask.parent === undefined)
      return `${this.input.step}/${ask.problem}/${this.attempts[ask.problem]!++}`;
    const n = this.children.get(ask.parent.id) ?? 0;
    this.children.set(ask.parent.id, n + 1);
    return `${ask.parent.id}.${n}`;
  }

  private async judge(
    ask: Ask,
    options: AskOptions,
    completion: Completion,
    id: string,
    sample: number,
    done: () => void,
  ): Promise<Rollout> {
    const { context } = this;
    const problem = this.problems[ask.problem]!;
    const text = context.text.decode(completion.ids, ask.prompt.ids);
    const graded =
      options.kind === 'reflection' ? null : await context.grade(problem, text, options.format);
    context.emit({
      type: 'rollout.completed',
      step: this.input.step,
      id,
      kind: options.kind,
      parent: ask.parent?.id ?? null,
      problem: problem.id,
      sample,
      prompt: ask.prompt.text,
      text,
      code: graded?.code ?? null,
      tokens: completion.ids.length,
      finish: completion.finish,
      temperature: options.temperature,
      logprob: completion.logprobs.reduce((sum, l) => sum + l, 0),
      entropy: mean(completion.entropy),
    });
    if (graded) context.emit({ type: 'verdict.reached', rollout: id, verdict: graded.verdict });
    done();
    return {
      id,
      kind: options.kind,
      problem: ask.problem,
      parent: ask.parent ?? null,
      prompt: ask.prompt,
      temperature: options.temperature,
      completion,
      text,
      graded,
      reward: graded ? rewardOf(graded.verdict) : null,
    };
  }

  private kindFigures(
    kind: Kind,
    trained: { readonly tokens: number; readonly gradNorm: number | null } | undefined,
  ): KindFigures[] {
    const rollouts = this.rollouts.filter((rollout) => rollout.kind === kind);
    if (rollouts.length === 0) return [];
    return [
      {
        kind,
        completions: rollouts.length,
        passes: rollouts.filter((rollout) => rollout.reward === 1).length,
        infra: rollouts.filter((rollout) => rollout.graded && rollout.reward === null).length,
        tokens: {
          prompt: this.promptTokens.get(kind) ?? 0,
          generated: rollouts.reduce((n, rollout) => n + rollout.completion.ids.length, 0),
          trained: trained?.tokens ?? 0,
        },
        gradNorm:
          trained?.gradNorm === null || trained === undefined ? null : finite(trained.gradNorm),
      },
    ];
  }
}

/** JSON has no NaN: what a skipped update left not finite is logged as 0 beside its flag. */
export function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
