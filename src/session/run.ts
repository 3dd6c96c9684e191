import type { Problem } from '../data/problem.ts';
import { problemsOfStep, type ProblemSets } from '../data/order.ts';
import { EvaluationInterrupted } from '../eval/evaluate.ts';
import { DeviceLostError, OutOfGpuMemoryError } from '../gpu/errors.ts';
import { messageOf, StorageFullError } from '../lib/errors.ts';
import { METHOD_STEPS } from '../methods/index.ts';
import type { MethodContext } from '../methods/method.ts';
import type { RunConfig } from '../schema/config.ts';
import { LOG_VERSION, type RunEvent } from '../schema/events.ts';
import type { Phase } from '../settings/kinds.ts';
import type { StoredRun } from '../storage/run-store.ts';
import { createAdapters, exportAdapters, restoreAdapters, saveAdapters } from './adapters.ts';
import {
  checkedProblems,
  lost,
  openChecked,
  refuseLoss,
  refuseOtherSettings,
  refuseOtherProblems,
  startOf,
  storedConfig,
} from './checks.ts';
import { LogWriter, writeJson } from './log-writer.ts';
import { parseState, type CheckpointState } from './checkpoint-state.ts';
import { methodContext } from './method-context.ts';
import type { OpenedModel, Outcome, RunPorts } from './run-ports.ts';
import { notFiniteSentence, smallerSentence } from './run-sentences.ts';
import { isComplete } from './run-state.ts';
import { testEvaluation } from './test-evaluation.ts';
import { summarise } from './summary.ts';
import { CheckpointPace, isOutOfMemory, smallerSizes } from './survival.ts';

/** Steps with a gradient that is not finite, one after the other, before the run pauses. */
const MOST_SKIPPED = 3;
/** Devices lost without a finished step in between before the run pauses. */
const MOST_LOST = 3;

/**
 * One run from its start, or its last checkpoint, to its end or a pause. A step depends on config,
 * adapter state and its own number only, so N steps in one go and N steps with any interruptions
 * end in the same bytes.
 */
export class Run {
  private readonly log: LogWriter;
  private readonly pace: CheckpointPace;
  private state: CheckpointState = {
    evaluated: false,
    totals: { prompt: 0, generated: 0, trained: 0 },
  };
  private step = 0;
  /** The run has its end; only its evaluation is done. */
  private ended = false;
  private skippedInRow = 0;
  private lostInRow = 0;
  private asked: 'pause' | 'stop' | null = null;
  private phase: Phase | 'checkpoint' = 'sample';

  private constructor(
    private readonly ports: RunPorts,
    private readonly stored: StoredRun,
    readonly config: RunConfig,
    private readonly sets: ProblemSets,
    private model: OpenedModel,
  ) {
    this.pace = new CheckpointPace(ports.stopwatch);
    this.log = new LogWriter(stored, ports.clock, (events) => ports.onEvents(stored.runId, events));
  }

  /** Opens everything and writes `run.started`; a run of this id must not have begun. */
  static async create(ports: RunPorts, runId: string, config: RunConfig): Promise<Run> {
    const sets = await checkedProblems(ports, config);
    const stored = await ports.store.open(runId);
    try {
      const events = await stored.readEvents();
      if (events.length > 0)
        throw new Error(`Run ${runId} exists already; resume it, or choose another name.`);
      refuseLoss(stored, events, await stored.loadCheckpoint());
      return await Run.begin(ports, stored, config, sets);
    } catch (error) {
      await stored.close();
      throw error;
    }
  }

  /**
   * Opens a stored run at its last checkpoint: the log is cut there, what came after is done again.
   */
  static async resume(ports: RunPorts, runId: string): Promise<Run> {
    const stored = await ports.store.open(runId);
    try {
      const config = await storedConfig(stored);
      const sets = await checkedProblems(ports, config);
      const events = await stored.readEvents();
      const started = events.find((event) => event.type === 'run.started');
      const found = await stored.loadCheckpoint();
      if (!started || found.checkpoint === null) {
        refuseLoss(stored, events, found);
        return await Run.begin(ports, stored, config, sets);
      }
      refuseOtherSettings(started, config);
      refuseOtherProblems(started, sets);
      const run = new Run(ports, stored, config, sets, await ports.openModel(config, sets));
      await run.restore();
      return run;
    } catch (error) {
      await stored.close();
      throw error;
    }
  }

  /** Opens a run that was stopped, for the evaluation it lacks; log and adapters stay. */
  static async openStopped(ports: RunPorts, runId: string): Promise<Run> {
    const stored = await ports.store.open(runId);
    try {
      const config = await storedConfig(stored);
      const sets = await checkedProblems(ports, config);
      const found = await stored.loadCheckpoint();
      if (found.checkpoint === null) throw lost(runId, found);
      const run = new Run(ports, stored, config, sets, await ports.openModel(config, sets));
      restoreAdapters(run.model.engine, config, found.checkpoint.adapters);
      run.step = found.checkpoint.step;
      run.ended = true;
      return run;
    } catch (error) {
      await stored.close();
      throw error;
    }
  }

  private static async begin(
    ports: RunPorts,
    stored: StoredRun,
    config: RunConfig,
    sets: ProblemSets,
  ): Promise<Run> {
    await writeJson(stored, 'config.json', config);
    const model = await openChecked(ports, config, sets);
    const run = new Run(ports, stored, config, sets, model);
    createAdapters(model.engine, config, await startOf(ports, config));
    // What a run left that was killed before its first checkpoint: its start alone.
    await stored.truncate({ events: 0, eventBytes: 0, tokenBytes: 0 });
    const ids = (problems: readonly Problem[]) => problems.map((problem) => problem.id);
    run.log.emit({
      type: 'run.started',
      version: LOG_VERSION,
      runId: stored.runId,
      config,
      device: model.device,
      tuner: {
        microBatchRows: model.engine.microBatchRows,
        slots: model.engine.slots,
        variants: model.engine.variants,
      },
      problems: { train: ids(sets.train), val: ids(sets.val), test: ids(sets.test) },
    });
    for (const message of model.warnings ?? []) run.log.emit({ type: 'warning.raised', message });
    await run.checkpoint();
    return run;
  }

  /** Pauses after the current step, or at once within an evaluation, with a checkpoint. */
  pause(): void {
    this.asked ??= 'pause';
    this.report(0, 1);
  }

  /** Ends the run after the current step and keeps it. */
  stop(): void {
    this.asked = 'stop';
    this.report(0, 1);
  }

  /**
   * Runs to the end or a pause. Rejects with a sentence when something broke; stored steps stay
   * stored.
   */
  async go(): Promise<Outcome> {
    try {
      for (;;) {
        try {
          return await this.advance();
        } catch (error) {
          if (this.ended) throw error; // nothing to go back to: its log is not cut
          if (error instanceof EvaluationInterrupted) {
            if (this.asked !== 'stop')
              return await this.pauseNow('Paused during an evaluation, which will be done again.');
            this.state = { ...this.state, evaluated: true };
          } else if (isOutOfMemory(error)) {
            await this.goOnSmaller(error);
          } else if (error instanceof DeviceLostError && ++this.lostInRow < MOST_LOST) {
            await this.reopen(error.message);
          } else {
            throw error;
          }
        }
      }
    } catch (error) {
      return await this.broken(error);
    } finally {
      await this.log.close();
      await this.stored.close();
      this.model.engine.destroy();
    }
  }

  private async advance(): Promise<Outcome> {
    if (this.ended) {
      await this.evaluate('after');
      this.ports.onStatus({ state: 'idle' });
      return { state: 'finished', step: this.step, reason: `Evaluated after step ${this.step}.` };
    }
    if (!this.state.evaluated) {
      await this.evaluate('before');
      this.state = { ...this.state, evaluated: true };
      await this.checkpoint();
    }
    while (!this.complete()) {
      if (this.asked === 'pause') return await this.pauseNow(`Paused after step ${this.step}.`);
      if (this.asked === 'stop') return await this.finish('stopped');
      const { passed = 0 } = this.state;
      const step = this.step + 1;
      const { seed, problemsPerStep } = this.config;
      const places = problemsOfStep(this.sets.train, seed, step, problemsPerStep, passed);
      const input = { step, ...places, totals: this.state.totals };
      const outcome = await this.attempt((context) =>
        METHOD_STEPS[this.config.method](context, this.config, input),
      );
      this.step++;
      this.lostInRow = 0;
      const ahead = outcome.passed > 0 ? { passed: passed + outcome.passed } : {};
      this.state = { ...this.state, totals: outcome.totals, ...ahead };
      this.skippedInRow = outcome.skipped ? this.skippedInRow + 1 : 0;
      if (this.skippedInRow === MOST_SKIPPED) return await this.pauseNotFinite();
      // A step that was skipped is not kept until the next good one, so that the last checkpoint
      // predates the trouble.
      const due = this.step % this.config.checkpointEvery === 0 && this.pace.due;
      if ((due || this.asked !== null || this.complete()) && this.skippedInRow === 0)
        await this.checkpoint();
      await this.log.flush();
    }
    if (this.asked === 'pause')
      return await this.pauseNow(
        `Paused after step ${this.step}, the last one; its evaluation is left to do.`,
      );
    if (this.asked !== 'stop') await this.evaluate('after');
    return await this.finish(
      this.asked === 'stop'
        ? 'stopped'
        : this.config.steps !== null && this.step >= this.config.steps
          ? 'steps'
          : 'budget',
    );
  }

  private complete(): boolean {
    return isComplete(this.config, this.step, this.state.totals);
  }

  private async evaluate(when: 'before' | 'after'): Promise<void> {
    const { config, sets } = this;
    if (sets.test.length === 0) return;
    this.log.emit({ type: 'phase.started', step: this.step, phase: 'evaluate' });
    this.log.emit(
      await this.attempt((context) =>
        testEvaluation(context, config, sets.test, when, () => this.asked !== null),
      ),
    );
    await this.log.flush();
  }

  /**
   * Runs `work` with a context that falls silent when `work` fails: late verdicts of an abandoned
   * step stay out of the log.
   */
  private async attempt<T>(work: (context: MethodContext) => Promise<T>): Promise<T> {
    const { context, silence } = methodContext(
      this.ports,
      this.config,
      this.model,
      this.log,
      (phase, done, total) => {
        this.phase = phase;
        this.report(done, total);
      },
    );
    try {
      return await work(context);
    } finally {
      silence();
    }
  }

  private checkpoint(): Promise<void> {
    return this.pace.timed(() => this.save());
  }

  private async save(): Promise<void> {
    this.phase = 'checkpoint';
    this.report(0, 1);
    await this.log.flush();
    const adapters = await saveAdapters(this.model.engine, this.config);
    const bytes = await this.stored.saveCheckpoint({
      version: 1,
      step: this.step,
      log: this.stored.offset(),
      state: this.state,
      adapters,
    });
    this.log.emit({ type: 'checkpoint.saved', step: this.step, bytes });
    await this.log.flush();
  }

  /**
   * Back to the last checkpoint: log cut, adapter and optimiser as they were, the tuner's choice
   * forced.
   */
  private async restore(): Promise<void> {
    await this.log.close();
    const events = await this.stored.readEvents();
    const found = await this.stored.loadCheckpoint();
    const { checkpoint } = found;
    const started = events.find((event) => event.type === 'run.started');
    if (!checkpoint || !started) throw lost(this.stored.runId, found);
    const state = parseState(checkpoint);
    const { engine } = this.model;
    const sizes = state.sizes ?? started.tuner;
    engine.microBatchRows = sizes.microBatchRows;
    engine.slots = sizes.slots ?? engine.slots;
    engine.variants = started.tuner.variants;
    if (!restoreAdapters(engine, this.config, checkpoint.adapters))
      throw new Error(
        `The checkpoint of step ${checkpoint.step} lacks an adapter of ${this.config.method}; ` +
          'nothing was changed. Start the run anew under another name.',
      );
    // Only now, when everything that takes its place has been read.
    await this.stored.truncate(checkpoint.log);
    this.log.rewind();
    this.state = state;
    this.step = checkpoint.step;
    this.skippedInRow = 0;
    this.log.emit({ type: 'run.resumed', step: this.step });
    for (const why of found.passedOver)
      this.log.emit({
        type: 'warning.raised',
        message: `${why} The run continues from the checkpoint of step ${this.step}, exactly.`,
      });
    await this.log.flush();
  }

  private async reopen(why: string): Promise<void> {
    await this.openAgain('A new GPU device, since the last one was lost');
    this.log.emit({
      type: 'warning.raised',
      message: `${why} A new one was opened and the run continued from step ${this.step}.`,
    });
    await this.log.flush();
  }

  /**
   * Back to the last checkpoint on a new device, with less asked of it at once: what sums up in
   * another order is no longer the same run.
   */
  private async goOnSmaller(error: OutOfGpuMemoryError | DeviceLostError): Promise<void> {
    const { microBatchRows, slots } = this.model.engine;
    const sizes = smallerSizes(error, { microBatchRows, slots });
    if (!sizes) throw error;
    await this.openAgain('The model again, with smaller batches, since memory ran out');
    Object.assign(this.model.engine, sizes);
    this.state = { ...this.state, sizes };
    this.log.emit({
      type: 'warning.raised',
      message: `${error.message} ${smallerSentence(this.step, sizes, { microBatchRows, slots })}`,
      nonIdentical: sizes,
    });
    await this.checkpoint(); // after the event, so that sizes and mark are part of what is kept
  }

  private async openAgain(what: string): Promise<void> {
    this.model.engine.destroy();
    this.ports.onStatus({ state: 'loading', what, fraction: null });
    this.model = await this.ports.openModel(this.config, this.sets);
    await this.restore();
  }

  private async pauseNow(reason: string): Promise<Outcome> {
    this.log.emit({ type: 'run.paused', step: this.step, reason });
    await this.checkpoint(); // after the event, so that the pause is part of what is kept
    return this.paused(reason);
  }

  private async pauseNotFinite(): Promise<Outcome> {
    const last = this.step;
    await this.restore();
    const steps = [last - MOST_SKIPPED + 1, last] as const;
    const message = notFiniteSentence(steps, this.step, this.config.learningRate);
    this.log.emit({ type: 'warning.raised', message });
    return await this.pauseNow(message);
  }

  /**
   * The run cannot go on now. A full store, a lost device and memory that ran out pause it;
   * anything else is reported and thrown.
   */
  private async broken(error: unknown): Promise<Outcome> {
    const reason = messageOf(error);
    if (this.ended) throw error;
    try {
      await this.log.close();
      this.log.rewind();
      this.log.emit({ type: 'run.paused', step: this.step, reason });
      await this.log.flush();
    } catch {
      // The store takes nothing any more; the page or terminal still gets the sentence.
    }
    if (
      ![StorageFullError, DeviceLostError, OutOfGpuMemoryError].some(
        (kind) => error instanceof kind,
      )
    ) {
      this.ports.onStatus({ state: 'paused', runId: this.stored.runId, reason });
      throw error;
    }
    return this.paused(reason);
  }

  private paused(reason: string): Outcome {
    this.ports.onStatus({ state: 'paused', runId: this.stored.runId, reason });
    return { state: 'paused', step: this.step, reason };
  }

  private async finish(reason: 'steps' | 'budget' | 'stopped'): Promise<Outcome> {
    await exportAdapters(this.model.engine, this.config, this.ports.adapterFiles, this.stored);
    await this.log.flush();
    const summary = summarise(await this.stored.readEvents(), this.ports.clock());
    await writeJson(this.stored, 'summary.json', summary);
    this.log.emit({ type: 'run.finished', step: this.step, reason, totals: this.state.totals });
    await this.log.flush();
    this.ports.onStatus({ state: 'idle' });
    return { state: 'finished', step: this.step, reason: `Finished after step ${this.step}.` };
  }

  private report(done: number, total: number): void {
    this.ports.onStatus({
      state: 'running',
      runId: this.stored.runId,
      step: this.step + (this.phase === 'evaluate' || this.phase === 'checkpoint' ? 0 : 1),
      phase: this.phase,
      done,
      total,
      pausing: this.asked !== null,
    });
  }

  readEvents(): Promise<RunEvent[]> {
    return this.stored.readEvents();
  }

  readTokens(offset: number, bytes: number): Promise<Uint8Array> {
    return this.stored.readTokens(offset, bytes);
  }
}
