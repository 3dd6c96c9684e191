import type { Problem } from '../../data/problem.ts';
import type { Completion, Engine, TrainResult } from '../../model/engine.ts';
import type { DistillationBlock, TokenBlock } from '../../schema/columns.ts';
import type { RunConfig } from '../../schema/config.ts';
import type { NewEvent } from '../../schema/events.ts';
import type { Verdict, VerdictStatus } from '../../schema/verdict.ts';
import { presetOf } from '../../session/presets.ts';
import type { MethodContext, MethodStep } from '../method.ts';

const problem = (id: string): Problem => ({
  id,
  text: id,
  setup: '',
  setupAfterSolution: false,
  shown: ['assert f(1) == 2', 'assert f(3) == 33'],
  hidden: [],
  reference: '',
});

/** `visible`: the first assert passes and the second does not. */
export type Outcome = VerdictStatus | 'visible';

function verdict(outcome: Outcome): Verdict {
  const second = outcome === 'visible' ? 'fail' : outcome;
  return {
    status: second,
    asserts: [
      { status: outcome === 'visible' ? 'pass' : outcome, source: 'assert f(1) == 2' },
      { status: second, source: 'assert f(3) == 33' },
    ],
    ms: 1,
  };
}

/** `3/0/1`-like prompts: kind, problem, and what they are about. */
const KINDS = { plain: 1, refinement: 2, reflection: 3, retry: 4 };

/**
 * One step (the third of a run) of a method on a scripted model. `outcomes[p][n]` is the verdict of
 * the n-th completion about problem p, whatever it is; a trailing `!` truncates it. A completion's
 * ids are [100 + p, n, 0]. Endings come last problem first, verdicts in a shuffled order.
 */
export async function scriptedStep(
  run: MethodStep,
  outcomes: readonly (readonly string[])[],
  change: (config: RunConfig) => RunConfig,
) {
  const config = change({
    ...presetOf('grpo', 'nano'),
    problemsPerStep: outcomes.length,
    maxTokens: 8,
  });
  const events: NewEvent[] = [];
  const blocks: TokenBlock[] = [];
  const distilled: DistillationBlock[] = [];
  const asked: Parameters<Engine['generate']>[0][number][] = [];
  const trained: Parameters<Engine['trainStep']>[0][] = [];
  const scored: Parameters<Engine['score']>[0][number][] = [];
  const serials = outcomes.map(() => 0);
  const calls: string[] = [];
  const engine = {
    vocabSize: 200,
    maxContext: 64,
    async generate(
      requests: Parameters<Engine['generate']>[0],
      options: Parameters<Engine['generate']>[1],
    ) {
      asked.push(...requests);
      const out: Completion[] = requests.flatMap(({ prompt, samples }, request) => {
        const p = prompt[1]!;
        return Array.from({ length: samples }, (_, sample): Completion => {
          const n = serials[p]!++;
          const ids = [100 + p, n, 0];
          const finish = outcomes[p]![n]!.endsWith('!') ? 'length' : 'eos';
          const full = (value: number) => new Float32Array(ids.length).fill(value);
          return { request, sample, ids, logprobs: full(-1), entropy: full(0.5), finish };
        });
      });
      for (const completion of [...out].reverse()) options?.onCompletion?.(completion);
      return out;
    },
    async score(requests: Parameters<Engine['score']>[0]) {
      scored.push(...requests);
      calls.push(...requests.map(({ adapter }) => `score ${adapter}`));
      return requests.map(({ ids, promptLength, top }) => {
        const n = ids.length - promptLength;
        const row = Array.from({ length: top ?? 0 }, (_, id): [number, number] => [
          id,
          -Math.log(150),
        ]);
        return {
          logprobs: new Float32Array(n),
          entropy: new Float32Array(n),
          top: Array.from({ length: n }, () => row),
        };
      });
    },
    async trainStep(request: Parameters<Engine['trainStep']>[0]): Promise<TrainResult> {
      trained.push(request);
      calls.push(`train ${request.adapter}`);
      const columns = request.sequences.map((s) => {
        const full = (value: number) => new Float32Array(s.completion.length).fill(value);
        return {
          logprobs: full(-1.5),
          entropy: full(0.5),
          kl: full(0.25),
          ratio: full(trained.length),
          loss: full(0.01),
        };
      });
      const tokens = request.sequences.reduce(
        (sum, s) => sum + (s.masked ? 0 : s.completion.length),
        0,
      );
      return {
        loss: 0.1,
        gradNorm: 2,
        partNorms: [2, 3],
        kl: 0.25,
        entropy: 0.5,
        clipRatio: trained.length > 1 ? 0.5 : 0,
        tokens,
        samplerGap: 1e-5,
        skipped: false,
        columns,
      };
    },
  } as unknown as Engine;
  const about = (kind: keyof typeof KINDS, problem: string, what: string) => ({
    text: `${kind} ${problem}: ${what}`,
    ids: [KINDS[kind], Number(problem), 7],
  });
  const context: MethodContext = {
    engine,
    text: {
      prompt: (p) => about('plain', p.id, ''),
      refinement: ({ problem: p, code }) => about('refinement', p.id, code),
      reflection: ({ problem: p, code }) => about('reflection', p.id, code),
      retry: ({ problem: p, code }, why) => about('retry', p.id, `${code}, ${why}`),
      decode: (ids) => `${ids[0]! - 100}/${ids[1]}`,
      ends: (ids) => Uint32Array.from(ids, (_, i) => i),
      format: 'plain',
      refinedFormat: 'tagged',
      stopIds: [0],
    },
    grade: async (_, completion) => {
      const [p, n] = completion.split('/').map(Number) as [number, number];
      for (let wait = (7 * p + 3 * n) % 5; wait > 0; wait--) await Promise.resolve();
      const outcome = outcomes[p]![n]!.replace('!', '') as Outcome;
      return { code: outcome === 'no-code' ? null : `x ${completion}`, verdict: verdict(outcome) };
    },
    emit: (event) => events.push(event),
    columns: (block) => blocks.push(block) - 1,
    distillation: (block) => distilled.push(block) - 1,
    progress: () => undefined,
    now: () => 0,
  };
  const result = await run(context, config, {
    step: 3,
    epoch: 1,
    problems: outcomes.slice(0, config.problemsPerStep).map((_, i) => problem(String(i))),
    // Problems beyond those of a step wait to be drawn.
    next: (place) => problem(String((config.problemsPerStep + place) % outcomes.length)),
    distinct: outcomes.length,
    totals: { prompt: 10, generated: 20, trained: 30 },
  });
  const of = <T extends NewEvent['type']>(type: T) =>
    events.filter((event): event is Extract<NewEvent, { type: T }> => event.type === type);
  return { result, events, of, blocks, distilled, asked, trained, scored, calls };
}
