import { beforeEach, describe, expect, it } from 'vitest';
import type { Grader } from '../eval/grader.ts';
import type { EvaluationConfig, EvaluationEvent } from '../schema/evaluation.ts';
import type { SessionStatus, ToPage } from '../schema/protocol.ts';
import { BrowserEvaluations } from '../storage/browser/opfs-evaluations.ts';
import { memoryOpfs } from '../storage/testing/memory-opfs.ts';
import { Evaluations } from './evaluations.ts';
import { letterEvaluations } from './testing/evaluation-ports.ts';
import { gradeLetters } from './testing/letter-lab.ts';

const GRADING: EvaluationConfig = {
  version: 1,
  source: { kind: 'samples', file: 'samples.jsonl' },
  dataset: 'letters',
  timeoutSeconds: 10,
};
const MODEL: EvaluationConfig = {
  ...GRADING,
  source: {
    kind: 'model',
    model: 'letters',
    adapterOf: null,
    n: 3,
    temperature: 1,
    split: 'test',
    limit: 4,
    seed: 1,
  },
};
const blob = (lines: readonly object[]) =>
  new Blob(lines.map((line) => `${JSON.stringify(line)}\n`));
const SAMPLES = [
  { task_id: 'letters/test/1', solution: 'bright' },
  { task_id: 'letters/test/0', solution: 'zebra' },
  { task_id: 'letters/test/1', solution: 'wrong' },
  { task_id: 'letters/test/0', solution: '' },
];

describe('the session’s evaluations', () => {
  let folder: FileSystemDirectoryHandle;
  beforeEach(() => {
    folder = memoryOpfs();
  });

  function open(grade: Grader['grade'] = gradeLetters) {
    const events: EvaluationEvent[] = [];
    const statuses: SessionStatus[] = [];
    const evaluations = new Evaluations(
      letterEvaluations(folder, grade),
      (message: ToPage) => message.type === 'evaluation' && events.push(...message.events),
      (status) => statuses.push(status),
    );
    const grading = (samples: readonly object[], dataset: Blob | null = null) =>
      evaluations.begin({ type: 'evaluate', config: GRADING, dataset, samples: blob(samples) });
    return { evaluations, events, statuses, grading };
  }

  it('judge a samples file: what was pushed is what is stored, and the summary is of all samples', async () => {
    const { evaluations, events, statuses, grading } = open();
    const { id } = await grading(SAMPLES);
    await evaluations.settled();
    expect(events.map((event) => event.seq)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await open().evaluations.events(id)).toEqual(events);
    expect(events[0]).toMatchObject({
      problems: [
        { id: 'letters/test/0', answers: 2 },
        { id: 'letters/test/1', answers: 2 },
      ],
      available: 8,
    });
    expect(events.at(-1)).toMatchObject({
      reason: 'finished',
      summary: {
        model: null,
        samples_per_problem: 2,
        base: { problems: 2, passes: 1, 'pass@1': 0.25, 'pass@2': 0.5 },
      },
    });
    expect(statuses.at(-1)).toEqual({ state: 'idle' });
    expect(await evaluations.list()).toMatchObject([
      { id, state: 'finished', judged: 4, answers: 4, rate: 0.25 },
    ]);
  });

  it('give an answer with its text and asserts, and files in the data set’s order', async () => {
    const { evaluations, grading } = open();
    const { id } = await grading(SAMPLES);
    await evaluations.settled();
    expect(await evaluations.answer(id, 'letters/test/1', 1)).toMatchObject({
      text: 'wrong',
      code: 'wrong',
      verdict: { status: 'fail', asserts: [{ source: "assert f()[0] == 'b'" }] },
    });
    await expect(evaluations.answer(id, 'letters/test/1', 2)).rejects.toThrow(
      'Answer 3 to letters/test/1 is not judged',
    );
    const files = await evaluations.files(id);
    const lines = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
    expect(lines(files['samples.jsonl'])).toEqual([
      { task_id: 'letters/test/0', solution: 'zebra' },
      { task_id: 'letters/test/0', solution: '' },
      { task_id: 'letters/test/1', solution: 'bright' },
      { task_id: 'letters/test/1', solution: 'wrong' },
    ]);
    expect(lines(files['results.jsonl'])).toMatchObject([
      { sample: 0, status: 'fail' },
      { sample: 1, status: 'no-code' },
      { sample: 0, status: 'pass', plus: null },
      { sample: 1, status: 'fail' },
    ]);
    expect(JSON.parse(files['summary.json'])).toMatchObject({ base: { passes: 1 }, infra: 0 });
  });

  it('ask a model: a seeded choice of problems, n answers each', async () => {
    const { evaluations, events } = open();
    const { id } = await evaluations.begin({
      type: 'evaluate',
      config: MODEL,
      dataset: null,
      samples: null,
    });
    await evaluations.settled();
    expect(events[0]).toMatchObject({
      problems: [{ answers: 3 }, { answers: 3 }, { answers: 3 }, { answers: 3 }],
    });
    expect(events.filter((event) => event.type === 'answer.judged')).toHaveLength(12);
    expect((await evaluations.list())[0]).toMatchObject({ id, state: 'finished', config: MODEL });
  });

  it('refuse what cannot be judged with a sentence, and leave nothing behind', async () => {
    const { evaluations, grading } = open();
    await expect(grading([{ task_id: 'letters/test/9', solution: 'x' }])).rejects.toThrow(
      'Sample 1 answers task letters/test/9, which the data set does not have.',
    );
    await expect(grading([{ task_id: 'letters/test/1' }])).rejects.toThrow(
      'samples.jsonl, line 1, does not parse',
    );
    await expect(grading(SAMPLES, new Blob(['{']))).rejects.toThrow('letters, line 1, is not JSON');
    await expect(
      evaluations.begin({
        type: 'evaluate',
        config: { ...GRADING, dataset: 'other' },
        dataset: null,
        samples: blob(SAMPLES),
      }),
    ).rejects.toThrow('There is no data set other.');
    expect(evaluations.busy).toBe(false);
    expect(await evaluations.list()).toEqual([]);
    expect(() => evaluations.cancel()).toThrow('No evaluation is running.');
  });

  it('can be cancelled: what is judged stays, with its rates, and nothing follows the end', async () => {
    // The second problem's programs hang until they are called off.
    const grade: Grader['grade'] = (problem, text, options) =>
      problem.id.endsWith('/1')
        ? new Promise((_, reject) =>
            options.signal?.addEventListener('abort', () =>
              reject(options.signal?.reason as Error),
            ),
          )
        : gradeLetters(problem, text);
    const { evaluations, events, grading } = open(grade);
    const { id } = await grading(SAMPLES);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(evaluations.delete(id)).rejects.toThrow('cancel it before you delete it');
    evaluations.cancel();
    await evaluations.settled();
    expect(events.filter((event) => event.type === 'answer.judged')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({
      reason: 'cancelled',
      summary: { base: { problems: 1, passes: 0 } },
    });
    await evaluations.delete(id);
    expect(await evaluations.list()).toEqual([]);
  });

  it('say that one was cut off whose log has no end', async () => {
    const log = await new BrowserEvaluations(folder).create('20260101000000000');
    log.append([
      {
        seq: 0,
        time: 1,
        type: 'evaluation.started',
        version: 1,
        config: GRADING,
        problems: [{ id: 'p', text: '', answers: 2 }],
        available: 1,
      },
    ]);
    log.close();
    const { evaluations } = open();
    expect(await evaluations.list()).toMatchObject([
      { state: 'interrupted', judged: 0, answers: 2, rate: null },
    ]);
    await expect(evaluations.files('20260101000000000')).rejects.toThrow('nothing to save');
    await expect(evaluations.events('other')).rejects.toThrow(
      'There is no evaluation other in this browser',
    );
  });
});
