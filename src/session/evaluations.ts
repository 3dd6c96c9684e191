import { DEFAULT_METHOD } from '../schema/config.ts';
import * as v from 'valibot';
import { evaluationProblems, readProblems } from '../data/datasets.ts';
import type { LoadedProblem } from '../data/problem.ts';
import type { PolicyText } from '../data/prompts.ts';
import { evaluate } from '../eval/evaluate.ts';
import { evaluationFiles } from '../eval/files.ts';
import { gradeSamples, matchSamples } from '../eval/grade.ts';
import type { Grader } from '../eval/grader.ts';
import { parseSamples } from '../eval/samples.ts';
import { messageOf } from '../lib/errors.ts';
import type { AdapterName, Engine } from '../model/engine.ts';
import {
  EvaluationConfig,
  eventOf,
  type EvaluationEnded,
  type EvaluationRecord,
  type EvaluationStarted,
  type JudgedAnswer,
} from '../schema/evaluation.ts';
import type {
  DamagedItem,
  DatasetOffer,
  EvaluationFiles,
  EvaluationHead,
  SessionRequest,
  SessionStatus,
  ToPage,
} from '../schema/protocol.ts';
import type { EvaluationLog, EvaluationStore } from '../storage/evaluation-store.ts';
import { answersOf, gradedOf, headOf, inOrder, summaryOf } from './evaluation-records.ts';
import { presetOf } from './presets.ts';

/** What evaluations need from outside. */
export interface EvaluationPorts {
  readonly store: EvaluationStore;
  readonly datasets: () => Promise<readonly DatasetOffer[]>;
  /** Keeps a file of problems by its name. */
  readonly addDataset: (name: string, file: Blob) => Promise<DatasetOffer>;
  /** The problems of a named data set. */
  readonly problems: (dataset: string) => Promise<LoadedProblem[]>;
  /** The model, with the adapter of a finished run put on where one is named. */
  readonly openModel: (
    model: string,
    adapterOf: string | null,
  ) => Promise<{
    readonly engine: Engine;
    readonly text: PolicyText;
    readonly adapter: AdapterName;
  }>;
  readonly openGrader: () => Promise<Pick<Grader, 'grade' | 'close'>>;
  readonly clock: () => number;
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'seq' | 'time'> : never;
type Emit = (record: Unnumbered<EvaluationRecord>) => void;
type Asked = Extract<SessionRequest, { type: 'evaluate' }>;

/** What is to be judged, everything it takes loaded. */
interface Work {
  readonly problems: EvaluationStarted['problems'];
  readonly what: string;
  readonly go: (emit: Emit, signal: AbortSignal) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Longest that a judged answer waits before it is stored and shown, ms. */
const LINGER = 100;

/** The session's evaluations: at most one goes on, stored ones can be read. */
export class Evaluations {
  private current: {
    readonly id: string;
    readonly abort: AbortController;
    readonly records: EvaluationRecord[];
    readonly done: Promise<void>;
  } | null = null;
  private last: { readonly id: string; readonly records: EvaluationRecord[] } | null = null;
  /** As they were last read; one whose size has not changed is not read again. */
  private readonly heads = new Map<string, EvaluationHead>();

  constructor(
    private readonly ports: EvaluationPorts,
    private readonly post: (message: ToPage) => void,
    private readonly report: (status: SessionStatus) => void,
  ) {}

  get busy(): boolean {
    return this.current !== null;
  }

  /** Resolves when the evaluation that goes on now, if any, has ended. */
  async settled(): Promise<void> {
    await this.current?.done;
  }

  /**
   * Loads what it takes, then answers with the id; throws a sentence for input that cannot be
   * judged.
   */
  async begin(asked: Asked): Promise<{ id: string }> {
    const config = parseConfig(asked.config);
    const id = new Date(this.ports.clock()).toISOString().replace(/\D/g, '');
    const report = (what: string) => this.report({ state: 'evaluating', evaluation: id, what });
    report('Reading the data set');
    const all = asked.dataset
      ? await readProblems(new Uint8Array(await asked.dataset.arrayBuffer()), config.dataset)
      : await this.ports.problems(config.dataset);
    const work =
      config.source.kind === 'samples'
        ? await this.grading(config, config.source.file, all, asked.samples)
        : await this.answering(config, config.source, all, () => report('Loading the model'));
    const log = await this.ports.store.create(id).catch(async (error: unknown) => {
      await work.close();
      throw error;
    });
    report(work.what);

    const abort = new AbortController();
    const records: EvaluationRecord[] = [];
    const { emit, flush, close } = this.writer(id, log, records, (error) => abort.abort(error));
    emit({
      type: 'evaluation.started',
      version: 1,
      config,
      problems: work.problems,
      available: all.length,
    });
    flush();
    const done = this.finish(work, records, emit, abort.signal).then(async () => {
      close();
      await work.close().catch(() => undefined); // the answers are judged and stored
      this.current = null;
      this.last = { id, records };
      this.report({ state: 'idle' });
    });
    this.current = { id, abort, records, done };
    return { id };
  }

  cancel(): void {
    if (!this.current) throw new Error('No evaluation is running.');
    this.report({ state: 'evaluating', evaluation: this.current.id, what: 'Cancelling' });
    this.current.abort.abort(CANCELLED);
  }

  async list(): Promise<EvaluationHead[]> {
    const { store } = this.ports;
    const heads = await Promise.all(
      (await store.list()).map(async (id) => {
        const live = this.current?.id === id;
        const bytes = await store.bytes(id);
        const known = this.heads.get(id);
        if (!live && known?.bytes === bytes && known.state !== 'running') return known;
        const head = headOf(id, await this.records(id).catch(() => []), bytes, live);
        if (head) this.heads.set(id, head);
        return head;
      }),
    );
    return heads.filter((head) => head !== null);
  }

  /** Stored evaluations of which `list` can say nothing. */
  async damaged(): Promise<DamagedItem[]> {
    const { store } = this.ports;
    const damaged: DamagedItem[] = [];
    for (const id of await store.list()) {
      if (this.current?.id === id || this.heads.has(id)) continue;
      const reason = await this.records(id).then(
        (records) =>
          headOf(id, records, 0, false) ? null : 'Its log does not say how the evaluation began.',
        messageOf,
      );
      if (reason !== null)
        damaged.push({ kind: 'evaluation', id, reason, bytes: await store.bytes(id) });
    }
    return damaged;
  }

  async events(id: string): Promise<ReturnType<typeof eventOf>[]> {
    return (await this.records(id)).map(eventOf);
  }

  async answer(id: string, problem: string, sample: number): Promise<JudgedAnswer> {
    const found = answersOf(await this.records(id)).find(
      (a) => a.problem === problem && a.sample === sample,
    );
    if (!found)
      throw new Error(`Answer ${sample + 1} to ${problem} is not judged in this evaluation.`);
    return found;
  }

  async files(id: string): Promise<EvaluationFiles> {
    const records = await this.records(id);
    const summary = summaryOf(records);
    if (!summary) throw new Error('No answer is judged yet, so there is nothing to save.');
    return evaluationFiles(
      inOrder(records).map((answer) => ({ ...answer, graded: gradedOf(answer) })),
      summary,
    );
  }

  async delete(id: string): Promise<void> {
    if (this.current?.id === id)
      throw new Error('This evaluation is still running; cancel it before you delete it.');
    await this.ports.store.delete(id);
    if (this.last?.id === id) this.last = null;
  }

  private async records(id: string): Promise<readonly EvaluationRecord[]> {
    if (this.current?.id === id) return this.current.records;
    if (this.last?.id === id) return this.last.records;
    const records = await this.ports.store.read(id);
    if (!records)
      throw new Error(`There is no evaluation ${id} in this browser; it may have been deleted.`);
    // One without an end may be growing in another tab.
    if (records.at(-1)?.type === 'evaluation.ended') this.last = { id, records };
    return records;
  }

  private async grading(
    config: EvaluationConfig,
    file: string,
    all: readonly LoadedProblem[],
    blob: Blob | null,
  ): Promise<Work> {
    if (!blob) throw new Error('There is no samples file; choose one.');
    const samples = parseSamples(await blob.text(), file);
    const counts = new Map<string, number>();
    for (const { problem } of matchSamples(all, samples))
      counts.set(problem.id, (counts.get(problem.id) ?? 0) + 1);
    const grader = await this.ports.openGrader();
    const problems = all.filter(({ id }) => counts.has(id));
    return {
      problems: problems.map(({ id, text }) => ({ id, text, answers: counts.get(id) ?? 1 })),
      what: 'Judging',
      go: (emit, signal) =>
        gradeSamples(
          all,
          samples,
          grader.grade,
          (line, _done, _total, _index, { problem, text, graded: { code, verdict, parts } }) =>
            emit({
              ...{
                type: 'answer.judged',
                problem: problem.id,
                taskId: line.task_id,
                sample: line.sample,
              },
              ...{ text, code, verdict, ...(parts && { parts }) },
            }),
          { timeoutSeconds: config.timeoutSeconds, signal },
        ),
      close: grader.close,
    };
  }

  private async answering(
    config: EvaluationConfig,
    source: Extract<EvaluationConfig['source'], { kind: 'model' }>,
    all: readonly LoadedProblem[],
    onModel: () => void,
  ): Promise<Work> {
    const problems = evaluationProblems(all, { dataset: config.dataset, ...source });
    onModel();
    const grader = await this.ports.openGrader();
    const { engine, text, adapter } = await this.ports
      .openModel(source.model, source.adapterOf)
      .catch(async (error: unknown) => {
        await grader.close();
        throw error;
      });
    const { maxTokens } = presetOf(DEFAULT_METHOD, source.model);
    return {
      problems: problems.map((problem) => ({
        id: problem.id,
        text: problem.text,
        answers: source.n,
      })),
      what: 'Answering and judging',
      go: (emit, signal) =>
        evaluate(
          {
            engine,
            text,
            signal,
            grade: (problem, answer) => {
              const { timeoutSeconds } = config;
              return grader.grade(problem, answer, { format: text.format, timeoutSeconds, signal });
            },
            progress: () => undefined,
          },
          {
            ...{
              problems,
              adapter,
              greedy: false,
              samples: source.n,
              temperature: source.temperature,
            },
            ...{ maxTokens, seed: source.seed },
          },
          () => signal.aborted,
          ({ problem, sample, text: written, graded: { code, verdict, parts } }) =>
            emit({
              ...{ type: 'answer.judged', problem: problem.id, taskId: problem.id, sample },
              ...{ text: written, code, verdict, ...(parts && { parts }) },
            }),
        ),
      close: async () => {
        engine.destroy();
        await grader.close();
      },
    };
  }

  /** Does the work and writes how it ended. */
  private async finish(
    work: Work,
    records: readonly EvaluationRecord[],
    emit: Emit,
    signal: AbortSignal,
  ): Promise<void> {
    let end: Pick<EvaluationEnded, 'reason' | 'message'> = { reason: 'finished' };
    try {
      await work.go(emit, signal);
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      end =
        cause === CANCELLED
          ? { reason: 'cancelled' }
          : { reason: 'failed', message: messageOf(cause) };
    }
    emit({ type: 'evaluation.ended', ...end, summary: summaryOf(records) });
  }

  /** Numbers records, stores them in batches, and shows what is stored. Nothing follows the end. */
  private writer(
    id: string,
    log: EvaluationLog,
    records: EvaluationRecord[],
    onFailure: (error: unknown) => void,
  ) {
    let waiting: EvaluationRecord[] = [];
    let timer: ReturnType<typeof setTimeout> | null = null;
    const flush = (): void => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const batch = waiting;
      waiting = [];
      if (batch.length === 0) return;
      try {
        log.append(batch);
      } catch (error) {
        onFailure(error); // shown all the same: the page learns why it ended
      }
      this.post({ type: 'evaluation', evaluation: id, events: batch.map(eventOf) });
    };
    const emit: Emit = (record) => {
      if (records.at(-1)?.type === 'evaluation.ended') return;
      const numbered: EvaluationRecord = {
        seq: records.length,
        time: this.ports.clock(),
        ...record,
      };
      records.push(numbered);
      waiting.push(numbered);
      timer ??= setTimeout(flush, LINGER);
    };
    return {
      emit,
      flush,
      close: () => {
        flush();
        log.close();
      },
    };
  }
}

const CANCELLED = new Error('The evaluation was cancelled.');

function parseConfig(value: unknown): EvaluationConfig {
  const parsed = v.safeParse(EvaluationConfig, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new Error(
    `The evaluation cannot begin: ${v.getDotPath(issue) ?? 'its configuration'}: ${issue.message}.`,
  );
}
