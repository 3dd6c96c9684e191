import { describe, expect, it } from 'vitest';
import type { Problem } from '../data/problem.ts';
import type { Completion, Engine, GenerateRequest } from '../model/engine.ts';
import type { VerdictStatus } from '../schema/verdict.ts';
import { evaluate, EvaluationInterrupted, evaluationResult, type Answer } from './evaluate.ts';
import { evaluationSummary } from './summary.ts';

const problems: Problem[] = Array.from({ length: 30 }, (_, i) => ({
  id: `p${i}`,
  text: '',
  setup: '',
  setupAfterSolution: false,
  shown: [],
  hidden: [],
  reference: '',
}));
const plan = {
  problems,
  adapter: 'student',
  greedy: true,
  samples: 8,
  temperature: 1,
  maxTokens: 4,
  seed: 3,
} as const;

/** Answers `<problem>/<sample or g>`; completions end in an order of their own. */
function lab(status: (answer: string) => VerdictStatus = () => 'pass') {
  const asked: GenerateRequest[][] = [];
  return {
    asked,
    context: {
      engine: {
        generate: (requests: readonly GenerateRequest[]) => {
          asked.push([...requests]);
          return Promise.resolve(
            requests
              .flatMap((request, r) =>
                Array.from({ length: request.samples }, (_, sample): Completion => {
                  const ids = [request.prompt[0]!, request.temperature === 0 ? 99 : sample];
                  return {
                    request: r,
                    sample,
                    ids,
                    logprobs: new Float32Array(2),
                    entropy: new Float32Array(2),
                    finish: 'eos',
                  };
                }),
              )
              .reverse(),
          );
        },
      } as unknown as Engine,
      text: {
        prompt: (p: Problem) => ({ text: '', ids: [Number(p.id.slice(1))] }),
        decode: (ids: readonly number[]) => `${ids[0]}/${ids[1] === 99 ? 'g' : ids[1]}`,
        ends: () => new Uint32Array(),
        format: 'plain' as const,
        stopIds: [],
      },
      grade: (_: Problem, text: string) =>
        Promise.resolve({ code: text, verdict: { status: status(text), asserts: [], ms: 0 } }),
      progress: () => undefined,
    },
  };
}

describe('evaluate', () => {
  it(
    'answers every problem once greedily and once a sample, by problem and sample, with a ' +
      'stream of its own each',
    async () => {
      const { context, asked } = lab();
      const answers = await evaluate(context, plan);
      expect(answers.map((a) => `${a.problem.id} ${a.text}`)).toEqual(
        problems.flatMap((p, i) =>
          ['g', ...Array.from({ length: 8 }, (_, s) => String(s))].map((s) => `${p.id} ${i}/${s}`),
        ),
      );
      expect(answers.slice(0, 3).map((a) => a.sample)).toEqual([-1, 0, 1]);
      const sampled = asked.flat().filter((r) => r.temperature > 0);
      const streams = sampled.flatMap((r) =>
        Array.from({ length: r.samples }, (_, s) => r.stream + s),
      );
      expect(new Set(streams).size).toBe(30 * 8);
      for (const block of asked)
        expect(block.reduce((sum, r) => sum + r.samples, 0)).toBeLessThanOrEqual(64);
    },
  );

  it('stops between blocks when interrupted', async () => {
    const { context, asked } = lab();
    await expect(evaluate(context, plan, () => asked.length === 2)).rejects.toThrow(
      EvaluationInterrupted,
    );
    expect(asked).toHaveLength(2);
  });

  it('gives rates with intervals, pass@8, and counts a problem: infra answers left out', async () => {
    // Problem i passes its samples below i mod 9; greedy passes for even i; the greedy answer of 4
    // was lost by the sandbox.
    const { context } = lab((answer) => {
      const [i, s] = answer.split('/') as [string, string];
      if (answer === '4/g') return 'infra';
      if (s === 'g') return Number(i) % 2 === 0 ? 'pass' : 'fail';
      return Number(s) < Number(i) % 9 ? 'pass' : 'timeout';
    });
    const { greedy, sampled, perProblem } = evaluationResult(await evaluate(context, plan), 1, 3);
    expect(greedy).toMatchObject({ problems: 29, passes: 14 });
    const passes = problems.map((_, i) => Math.min(8, i % 9));
    expect(sampled).toMatchObject({
      problems: 30,
      samples: 8,
      temperature: 1,
      passes: passes.reduce((a, b) => a + b),
    });
    expect(sampled!.rate).toBeCloseTo(passes.reduce((a, b) => a + b) / 240, 12);
    expect(sampled!.ci95[0]).toBeLessThan(sampled!.rate);
    expect(sampled!.passAt8).toBeCloseTo(passes.filter((c) => c > 0).length / 30, 12);
    expect(perProblem[4]).toEqual({ id: 'p4', greedy: null, sampled: 4, judged: 8 });
  });

  it('says of each problem how many of its samples were judged', async () => {
    const { context } = lab((answer) =>
      answer === '1/0' || answer.startsWith('2/') ? 'infra' : 'pass',
    );
    const few = { ...plan, problems: problems.slice(0, 3) };
    expect(evaluationResult(await evaluate(context, few), 1, 3).perProblem).toEqual([
      { id: 'p0', greedy: 1, sampled: 8, judged: 8 },
      { id: 'p1', greedy: 1, sampled: 7, judged: 7 },
      { id: 'p2', greedy: null, sampled: null, judged: 0 },
    ]);
  });

  it('sums an evaluation up: Wilson for one answer a problem, pass@k and a bootstrap for several', async () => {
    const { context } = lab((answer) => (answer.endsWith('/0') ? 'pass' : 'crash'));
    const one: Answer[] = await evaluate(context, { ...plan, greedy: false, samples: 1 });
    const about = { model: 'm', adapter: null, dataset: 'd', seed: 1, wall: 2 };
    expect(evaluationSummary(one, { ...about, samples: 1 })).toMatchObject({
      samples_per_problem: 1,
      base: {
        problems: 30,
        passes: 30,
        'pass@1': 1,
        ci95: [expect.closeTo(0.8865, 4) as number, 1],
      },
      crashes: 0,
    });
    const four = evaluationSummary(
      await evaluate(context, { ...plan, greedy: false, samples: 4 }),
      {
        ...about,
        samples: 4,
      },
    );
    expect(four.base).toMatchObject({
      passes: 30,
      'pass@1': 0.25,
      'pass@4': 1,
      ci95: [0.25, 0.25],
    });
    expect(four.crashes).toBe(90);
  });
});
