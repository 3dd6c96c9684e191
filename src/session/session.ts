import type { Tokenizer } from '../model/text/tokenizer.ts';
import { messageOf } from '../lib/errors.ts';
import type { RunConfig } from '../schema/config.ts';
import type { RunEvent } from '../schema/events.ts';
import type { RunPlan, StepEstimate } from '../schema/plan.ts';
import type {
  BetweenTabs,
  DamagedItem,
  DeviceReport,
  FromPage,
  ImportedAdapter,
  NamedFile,
  RunSummary,
  SessionAnswers,
  SessionRequest,
  SessionStatus,
  ToPage,
} from '../schema/protocol.ts';
import {
  columnIndex,
  readBlock,
  rolloutTexts,
  targetTexts,
  type BlockKind,
  type ColumnIndex,
} from '../storage/columns.ts';
import type { RunBytes, RunStore } from '../storage/run-store.ts';
import { Evaluations, type EvaluationPorts } from './evaluations.ts';
import { importedRun } from './import-run.ts';
import { Models, type ModelPorts } from './models.ts';
import { presetOf } from './presets.ts';
import { parseConfig } from './checks.ts';
import type { RunPorts } from './run-ports.ts';
import { Run } from './run.ts';
import { ELSEWHERE, isFinished, refuseEvaluated, runSummary, timestamp } from './run-state.ts';

/** A store whose runs can be read while another tab writes them. */
export interface RunLibrary extends RunStore {
  peekEvents: (runId: string) => Promise<RunEvent[] | null>;
  peekTokens: (runId: string, offset: number, bytes: number) => Promise<Uint8Array>;
  bytes: (runId: string) => Promise<RunBytes>;
  files: (runId: string) => Promise<NamedFile[]>;
  add: (runId: string, files: readonly NamedFile[]) => Promise<void>;
}

/** Adapters that were made elsewhere. */
export interface AdapterShelf {
  list: () => Promise<ImportedAdapter[]>;
  add: (label: string, files: readonly NamedFile[]) => Promise<ImportedAdapter>;
  delete: (id: string) => Promise<void>;
}

export interface SessionPorts {
  readonly library: RunLibrary;
  readonly run: Omit<RunPorts, 'store' | 'onEvents' | 'onStatus'>;
  readonly evaluations: EvaluationPorts;
  readonly adapters: AdapterShelf;
  readonly models: ModelPorts;
  readonly device: () => Promise<DeviceReport>;
  readonly plan: (config: RunConfig, memory: number | null) => Promise<RunPlan>;
  readonly measure: (config: RunConfig, memory: number | null) => Promise<StepEstimate>;
  readonly tokenizer: (config: RunConfig) => Promise<Tokenizer>;
  /**
   * Takes the run for this tab; null when another tab has it. Calling what it gives frees the run.
   */
  readonly claim: (runId: string) => Promise<(() => void) | null>;
  /** Whether any tab has the run. */
  readonly held: (runId: string) => Promise<boolean>;
  /** Resolves when no tab has the run any more, also where its tab was killed. */
  readonly freed: (runId: string) => Promise<void>;
  /** To the sessions of other tabs, each of which hears it by `hear`. */
  readonly tell: (message: BetweenTabs) => void;
  readonly post: (message: ToPage, transfer?: Transferable[]) => void;
}

/**
 * Shortest time between two status messages of one state, ms: progress comes far more often than
 * anyone can look.
 */
const STATUS_INTERVAL = 100;

/** Answers a page's requests; at most one run or evaluation goes on at a time. */
export class Session {
  private current: {
    readonly runId: string;
    readonly run: Run;
    readonly done: Promise<void>;
  } | null = null;
  private starting = false;
  private status: SessionStatus = { state: 'idle' };
  private statusTimer: ReturnType<typeof setTimeout> | null = null;
  private lastStatus = 0;
  /** Of runs as they were last read; one whose size has not changed is not read again. */
  private readonly summaries = new Map<string, RunSummary>();
  /** Runs of other tabs whose end is waited for. */
  private readonly watched = new Set<string>();
  /**
   * Of the run whose columns were last asked for; read again when what is asked for is not in it.
   */
  private index: ColumnIndex | null = null;
  private readonly evaluations: Evaluations;
  private readonly models: Models;

  constructor(private readonly ports: SessionPorts) {
    this.evaluations = new Evaluations(
      ports.evaluations,
      (message) => ports.post(message),
      (status) => this.report(status),
    );
    this.models = new Models(ports.models, (message) => ports.post(message));
  }

  async receive({ id, request }: FromPage): Promise<void> {
    try {
      const value = await this.answer(request);
      const columns = request.type === 'tokens' || request.type === 'distillation';
      const transfer = columns ? [(value as SessionAnswers['tokens' | 'distillation']).block] : [];
      this.ports.post({ type: 'answer', id, value }, transfer);
    } catch (error) {
      this.ports.post({ type: 'failure', id, message: messageOf(error) });
    }
  }

  /** Resolves when what goes on now, if anything, has ended or paused. */
  async settled(): Promise<void> {
    await this.current?.done;
    await this.evaluations.settled();
  }

  private async answer(request: SessionRequest): Promise<SessionAnswers[SessionRequest['type']]> {
    switch (request.type) {
      case 'device':
        return this.ports.device();
      case 'preset':
        return presetOf(request.method, request.model);
      case 'start': {
        const config = parseConfig(request.config, 'The configuration');
        const runId = `${config.method}-${timestamp(this.ports.run.clock())}-${config.seed}`;
        const { openModel } = this.ports.run;
        const within: typeof openModel = (asked, sets) => openModel(asked, sets, request.memory);
        return this.alone(() =>
          this.begin(runId, (ports) => Run.create({ ...ports, openModel: within }, runId, config)),
        );
      }
      case 'plan':
        return this.ports.plan(parseConfig(request.config, 'The configuration'), request.memory);
      case 'measure': {
        const config = parseConfig(request.config, 'The configuration');
        return this.alone(async () => {
          this.report({ state: 'loading', what: 'Measuring a step', fraction: null });
          const estimate = await this.ports.measure(config, request.memory);
          this.report({ state: 'idle' });
          return estimate;
        });
      }
      case 'resume':
        return this.alone(() => this.resume(request.runId));
      case 'evaluate-stopped':
        return this.alone(() => this.evaluateStopped(request.runId));
      case 'pause':
        this.running().pause();
        return null;
      case 'stop':
        this.running().stop();
        return null;
      case 'runs':
        return this.runs();
      case 'damaged':
        return [...(await this.damagedRuns()), ...(await this.evaluations.damaged())];
      case 'log':
        return this.events(request.runId);
      case 'tokens':
        return this.tokens(request.runId, request.rollout);
      case 'distillation':
        return this.distillation(request.runId, request.rollout);
      case 'delete':
        return this.delete(request.runId);
      case 'run-files':
        return this.ports.library.files(request.runId);
      case 'import-run': {
        const { runId, files } = await importedRun(request.files);
        await this.ports.library.add(runId, files);
        return { runId };
      }
      case 'adapters':
        return this.ports.adapters.list();
      case 'import-adapter':
        return this.ports.adapters.add(request.label, request.files);
      case 'delete-adapter':
        await this.ports.adapters.delete(request.id);
        return null;
      case 'datasets':
        return this.ports.evaluations.datasets();
      case 'import-dataset':
        return this.ports.evaluations.addDataset(request.name, request.file);
      case 'evaluate':
        return this.alone(() => this.evaluations.begin(request));
      case 'cancel':
        this.evaluations.cancel();
        return null;
      case 'evaluations':
        return this.evaluations.list();
      case 'evaluation':
        return this.evaluations.events(request.id);
      case 'answer':
        return this.evaluations.answer(request.id, request.problem, request.sample);
      case 'evaluation-files':
        return this.evaluations.files(request.id);
      case 'delete-evaluation':
        await this.evaluations.delete(request.id);
        return null;
      case 'models':
        return this.models.shelf();
      case 'look-up-model':
        return this.models.lookUp(request.repo);
      case 'download-model':
        return this.models.download(request.repo, request.precision);
      case 'import-model':
        return this.models.import(request);
      case 'cancel-model':
        this.models.cancel(request.id);
        return null;
      case 'delete-model':
        await this.models.delete(request.id);
        return null;
      default:
        request satisfies never;
        throw new Error('The page asked for something this version does not know; reload it.');
    }
  }

  private running(): Run {
    if (!this.current) throw new Error('No run is running.');
    return this.current.run;
  }

  /**
   * Runs and evaluations share the GPU and the sandbox's cores: what `start` starts must be the
   * only one.
   */
  private async alone<T>(start: () => Promise<T>): Promise<T> {
    if (this.current || this.starting)
      throw new Error('A run is already running; pause or stop it first.');
    if (this.evaluations.busy)
      throw new Error('An evaluation is running; cancel it first, or wait until it ends.');
    this.starting = true;
    try {
      return await start();
    } catch (error) {
      this.report({ state: 'idle' });
      throw error;
    } finally {
      this.starting = false;
    }
  }

  private async begin(
    runId: string,
    open: (ports: RunPorts) => Promise<Run>,
  ): Promise<{ runId: string }> {
    let release: (() => void) | null = null;
    try {
      release = await this.ports.claim(runId);
      if (!release)
        throw new Error(
          `Run ${runId} is open in another tab; continue there, or close that tab first.`,
        );
      this.report({ state: 'loading', what: 'Model', fraction: null });
      const run = await open({
        ...this.ports.run,
        store: this.ports.library,
        onEvents: (id, events) => {
          this.ports.post({ type: 'events', runId: id, events });
          this.ports.tell({ type: 'events', runId: id, events });
        },
        onStatus: (status) => this.report(status),
      });
      this.index = null;
      const free = release;
      const done = run
        .go()
        .catch(() => undefined) // the run has put its sentence into the log and the status
        .then(() => {
          this.current = null;
          free();
          this.ports.tell({ type: 'elsewhere', runId, status: null });
          if (this.status.state !== 'paused') this.report({ state: 'idle' });
        });
      this.current = { runId, run, done };
      return { runId };
    } catch (error) {
      release?.();
      throw error;
    }
  }

  /** Takes in what another tab says of the run that it writes. */
  hear(message: BetweenTabs): void {
    this.ports.post(message);
    if (message.type === 'elsewhere' && message.status !== null) this.watch(message.runId);
  }

  /** Whether another tab writes the run; if so, its end is waited for. */
  private async isElsewhere(runId: string): Promise<boolean> {
    if (this.current?.runId === runId || !(await this.ports.held(runId))) return false;
    if (!this.watched.has(runId)) {
      this.ports.post({ type: 'elsewhere', runId, status: ELSEWHERE });
      this.watch(runId);
    }
    return true;
  }

  private watch(runId: string): void {
    if (this.watched.has(runId)) return;
    this.watched.add(runId);
    void this.ports.freed(runId).then(() => {
      this.watched.delete(runId);
      this.ports.post({ type: 'elsewhere', runId, status: null });
    });
  }

  private async resume(runId: string): Promise<{ runId: string }> {
    return this.begin(runId, async (ports) => {
      if (isFinished(await this.events(runId)))
        throw new Error(`Run ${runId} is finished; start a new one to train on.`);
      return Run.resume(ports, runId);
    });
  }

  private evaluateStopped(runId: string): Promise<{ runId: string }> {
    return this.begin(runId, async (ports) => {
      refuseEvaluated(runId, await this.events(runId));
      return Run.openStopped(ports, runId);
    });
  }

  private async runs(): Promise<RunSummary[]> {
    const { library } = this.ports;
    const summaries = await Promise.all(
      (await library.list()).map(async (runId) => {
        const mine = this.current?.runId === runId;
        const live = mine ? 'running' : (await this.isElsewhere(runId)) ? 'elsewhere' : null;
        const bytes = await library.bytes(runId);
        const known = this.summaries.get(runId);
        const gone = known?.state === 'running' || known?.state === 'elsewhere';
        if (live === null && known?.bytes === bytes.total && !gone) return known;
        const summary = runSummary(runId, await this.events(runId).catch(() => []), bytes, live);
        if (summary) this.summaries.set(runId, summary);
        return summary;
      }),
    );
    return summaries.filter((summary) => summary !== null);
  }

  /** Stored runs of which `runs` can say nothing, except those that another tab is starting. */
  private async damagedRuns(): Promise<DamagedItem[]> {
    const { library, held } = this.ports;
    const damaged: DamagedItem[] = [];
    for (const id of await library.list()) {
      if (this.current?.runId === id || this.summaries.has(id)) continue;
      const reason = await this.events(id).then(
        ([first]) =>
          first?.type === 'run.started' ? null : 'Its log does not say how the run began.',
        messageOf,
      );
      if (reason === null) continue;
      if (await held(id)) continue;
      damaged.push({ kind: 'run', id, reason, bytes: (await library.bytes(id)).total });
    }
    return damaged;
  }

  private async events(runId: string): Promise<RunEvent[]> {
    if (this.current?.runId === runId) return this.current.run.readEvents();
    // Before the log is read: what is written meanwhile is told, and read again where it does not
    // follow.
    const elsewhere = await this.isElsewhere(runId);
    const events = await this.ports.library.peekEvents(runId);
    if (!events && elsewhere) return []; // its first event is on its way
    if (!events)
      throw new Error(`There is no run ${runId} in this browser; it may have been deleted.`);
    return events;
  }

  private async tokens(runId: string, rollout: string): Promise<SessionAnswers['tokens']> {
    const { block, tokenizer, prompt } = await this.columns(runId, 'rollouts', rollout);
    return { block, text: rolloutTexts(tokenizer, block, prompt) };
  }

  private async distillation(
    runId: string,
    rollout: string,
  ): Promise<SessionAnswers['distillation']> {
    const { block, tokenizer } = await this.columns(runId, 'targets', rollout);
    return { block, texts: targetTexts(tokenizer, block) };
  }

  private async columns(
    runId: string,
    kind: BlockKind,
    rollout: string,
  ): Promise<{ block: ArrayBuffer; tokenizer: Tokenizer; prompt: string }> {
    const known = this.index?.runId === runId && this.index[kind].has(rollout);
    const index =
      known && this.index
        ? this.index
        : (this.index = columnIndex(runId, await this.events(runId)));
    const live = this.current?.runId === runId ? this.current.run : null;
    const block = await readBlock(index, kind, rollout, (offset, bytes) =>
      live ? live.readTokens(offset, bytes) : this.ports.library.peekTokens(runId, offset, bytes),
    );
    const prompt = index.prompts.get(rollout) ?? '';
    return { block, tokenizer: await this.ports.tokenizer(index.config), prompt };
  }

  private async delete(runId: string): Promise<null> {
    if (this.current?.runId === runId)
      throw new Error('This run is still running; stop it before you delete it.');
    const release = await this.ports.claim(runId);
    if (!release) throw new Error(`Run ${runId} is open in another tab; it was not deleted.`);
    try {
      await this.ports.library.delete(runId);
    } finally {
      release();
    }
    return null;
  }

  /**
   * Posts a status; those that only differ in progress are thinned out, the last one always
   * arrives.
   */
  private report(status: SessionStatus): void {
    const before = this.status;
    this.status = status;
    const progress =
      before.state === 'running' &&
      status.state === 'running' &&
      before.phase === status.phase &&
      before.step === status.step &&
      before.pausing === status.pausing;
    if (!progress) return this.postStatus();
    this.statusTimer ??= setTimeout(
      () => this.postStatus(),
      Math.max(0, this.lastStatus + STATUS_INTERVAL - performance.now()),
    );
  }

  private postStatus(): void {
    if (this.statusTimer !== null) clearTimeout(this.statusTimer);
    this.statusTimer = null;
    this.lastStatus = performance.now();
    this.ports.post({ type: 'status', status: this.status });
    if (this.status.state === 'running')
      this.ports.tell({ type: 'elsewhere', runId: this.status.runId, status: this.status });
  }
}
