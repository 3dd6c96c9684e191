import { methodOf, type RunConfig } from '../schema/config.ts';
import type { RunEvent, RunEventOf, TokenTotals } from '../schema/events.ts';
import type { Phase } from '../settings/kinds.ts';
import type { Verdict } from '../schema/verdict.ts';

/**
 * The run as the screens show it: a pure function of the log. `foldRun(events)` equals any chain of
 * `extendRun` over the same events cut anywhere; parts that did not change keep their identity, so
 * a view of 10,000 rollouts costs a live batch no more than the step it touches.
 */
export interface RunView {
  readonly runId: string;
  /** Null until `run.started` has been read. */
  readonly started: RunEventOf<'run.started'> | null;
  readonly config: RunConfig | null;
  /** Sequence number the next event must carry. */
  readonly nextSeq: number;
  /** Time of the last event, ms since the epoch. */
  readonly lastTime: number;
  /** In the order they started. */
  readonly steps: readonly StepView[];
  /** `update.applied` of every finished step, in order: what the curves draw. */
  readonly updates: readonly RunEventOf<'update.applied'>[];
  /** The part of a step that is under way, last of those begun in that step. */
  readonly phase: {
    readonly step: number;
    readonly phase: Phase;
    readonly begun: readonly Phase[];
  } | null;
  readonly evals: { readonly before: EvalEvent | null; readonly after: EvalEvent | null };
  readonly checkpoint: Pick<RunEventOf<'checkpoint.saved'>, 'step'> | null;
  readonly warnings: readonly RunEventOf<'warning.raised'>[];
  readonly resumed: readonly RunEventOf<'run.resumed'>[];
  /** Set by `run.paused`, cleared by `run.resumed`. */
  readonly paused: RunEventOf<'run.paused'> | null;
  readonly finished: RunEventOf<'run.finished'> | null;
  readonly totals: TokenTotals;
  readonly counts: { readonly rollouts: number; readonly judged: number; readonly passed: number };
}

type EvalEvent = RunEventOf<'eval.completed'>;

export interface StepView {
  readonly step: number;
  readonly epoch: number;
  readonly time: number;
  readonly groups: readonly GroupView[];
  readonly update: RunEventOf<'update.applied'> | null;
}

/**
 * The completions of one problem in one step, by sample: first attempts, then what follows from
 * them (src/state/tree.ts draws the tree). A first attempt not written yet is null: its place is
 * kept, so that nothing moves when it comes.
 */
export interface GroupView {
  readonly step: number;
  readonly index: number;
  readonly problem: string;
  readonly rollouts: readonly (RolloutView | null)[];
}

export interface RolloutView {
  readonly id: string;
  readonly step: number;
  readonly problem: string;
  readonly sample: number;
  readonly completion: RunEventOf<'rollout.completed'>;
  readonly verdict: Verdict | null;
  readonly reward: RunEventOf<'rollout.rewarded'> | null;
  /** Set where the student without reflection was taught this program (Refl-KD). */
  readonly target: RunEventOf<'target.distilled'> | null;
}

export function emptyRun(runId: string): RunView {
  return {
    runId,
    started: null,
    config: null,
    nextSeq: 0,
    lastTime: 0,
    steps: [],
    updates: [],
    phase: null,
    evals: { before: null, after: null },
    checkpoint: null,
    warnings: [],
    resumed: [],
    paused: null,
    finished: null,
    totals: { prompt: 0, generated: 0, trained: 0 },
    counts: { rollouts: 0, judged: 0, passed: 0 },
  };
}

export function foldRun(runId: string, events: readonly RunEvent[]): RunView {
  return extendRun(emptyRun(runId), events);
}

/**
 * The view after `events`, which must follow those already folded; `view` itself is left as it was.
 */
export function extendRun(view: RunView, events: readonly RunEvent[]): RunView {
  if (events.length === 0) return view;
  const draft = new Draft(view);
  for (const event of events) draft.apply(event);
  return draft.view;
}

export function findRollout(view: RunView, id: string): RolloutView | null {
  const place = locate(view.steps, id);
  return place === null
    ? null
    : (view.steps[place.step]?.groups[place.group]?.rollouts[place.sample] ?? null);
}

export function findGroup(view: RunView, rollout: RolloutView): GroupView | null {
  const place = locate(view.steps, rollout.id);
  return place === null ? null : (view.steps[place.step]?.groups[place.group] ?? null);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Copies each part of the view at most once a batch, on first write. */
class Draft {
  readonly view: Mutable<RunView>;
  private readonly own = new Set<object>();

  constructor(view: RunView) {
    this.view = { ...view };
  }

  apply(event: RunEvent): void {
    const view = this.view;
    view.nextSeq = event.seq + 1;
    view.lastTime = event.time;
    switch (event.type) {
      case 'run.started':
        view.started = event;
        view.config = event.config;
        return;
      case 'run.resumed':
        // The log was cut at this checkpoint, before the event that told of it.
        view.checkpoint = { step: event.step };
        view.paused = null;
        view.phase = null;
        this.list('resumed').push(event);
        return;
      case 'step.started':
        this.startStep(event);
        return;
      case 'phase.started':
        view.phase = {
          step: event.step,
          phase: event.phase,
          begun: [...(view.phase?.step === event.step ? view.phase.begun : []), event.phase],
        };
        return;
      case 'rollout.completed':
        this.addRollout(event);
        return;
      case 'verdict.reached':
        this.patchRollout(event.rollout, { verdict: event.verdict });
        view.counts = {
          ...view.counts,
          judged: view.counts.judged + 1,
          passed: view.counts.passed + (event.verdict.status === 'pass' ? 1 : 0),
        };
        return;
      case 'rollout.rewarded':
        this.patchRollout(event.rollout, { reward: event });
        return;
      case 'update.applied': {
        this.list('updates').push(event);
        const index = this.stepIndex(event.step, event.time);
        this.step(index).update = event;
        view.totals = event.totals;
        view.phase = null;
        return;
      }
      case 'target.distilled':
        this.patchRollout(event.rollout, { target: event });
        return;
      case 'eval.completed':
        view.evals = { ...view.evals, [event.when]: event };
        return;
      case 'checkpoint.saved':
        view.checkpoint = event;
        return;
      case 'warning.raised':
        this.list('warnings').push(event);
        return;
      case 'run.paused':
        view.paused = event;
        view.phase = null;
        return;
      case 'run.finished':
        view.finished = event;
        view.totals = event.totals;
        view.paused = null;
        view.phase = null;
        return;
      default:
        event satisfies never;
    }
  }

  private startStep(event: RunEventOf<'step.started'>): void {
    const size = this.view.config ? methodOf(this.view.config).first() : 0;
    const groups = event.problems.map((problem, index) => ({
      step: event.step,
      index,
      problem,
      rollouts: new Array<RolloutView | null>(size).fill(null),
    }));
    const started: StepView = {
      step: event.step,
      epoch: event.epoch,
      time: event.time,
      groups,
      update: null,
    };
    const steps = this.list('steps');
    // A step begun again after a resume takes the place of its unfinished first try.
    const again = steps.findIndex((s) => s.step === event.step);
    if (again >= 0) steps[again] = started;
    else steps.push(started);
    this.view.phase = null;
  }

  private addRollout(event: RunEventOf<'rollout.completed'>): void {
    const step = this.step(this.stepIndex(event.step, event.time));
    const groups = this.arrayOf(step, 'groups');
    let index = groups.findIndex((g) => g.problem === event.problem);
    if (index < 0) {
      index = groups.length;
      groups.push({ step: event.step, index, problem: event.problem, rollouts: [] });
    }
    const group = this.item(groups, index);
    const rollouts = this.arrayOf(group, 'rollouts');
    while (rollouts.length < event.sample) rollouts.push(null);
    rollouts[event.sample] = {
      id: event.id,
      step: event.step,
      problem: event.problem,
      sample: event.sample,
      completion: event,
      verdict: null,
      reward: null,
      target: null,
    };
    this.view.counts = { ...this.view.counts, rollouts: this.view.counts.rollouts + 1 };
  }

  private patchRollout(
    id: string,
    patch: Partial<Pick<RolloutView, 'verdict' | 'reward' | 'target'>>,
  ): void {
    const place = locate(this.view.steps, id);
    if (place === null) return;
    const group = this.item(this.arrayOf(this.step(place.step), 'groups'), place.group);
    const rollouts = this.arrayOf(group, 'rollouts');
    const held = rollouts[place.sample];
    if (held) rollouts[place.sample] = { ...held, ...patch };
  }

  /** Index of the step numbered `step`, made empty when the log never started it. */
  private stepIndex(step: number, time: number): number {
    const steps = this.view.steps;
    for (let i = steps.length - 1; i >= 0; i--) if (steps[i]?.step === step) return i;
    return this.list('steps').push({ step, epoch: 0, time, groups: [], update: null }) - 1;
  }

  private step(index: number): Mutable<StepView> {
    return this.item(this.list('steps'), index);
  }

  private list<K extends 'steps' | 'updates' | 'warnings' | 'resumed'>(
    key: K,
  ): RunView[K][number][] {
    return this.arrayOf(this.view, key) as RunView[K][number][];
  }

  /** `owner[key]` as an array this draft may write to. */
  private arrayOf<T extends object, K extends keyof T>(
    owner: T,
    key: K,
  ): T[K] extends readonly (infer I)[] ? I[] : never {
    let held = owner[key] as unknown[];
    if (!this.own.has(held)) {
      held = [...held];
      this.own.add(held);
      owner[key] = held as T[K];
    }
    return held as T[K] extends readonly (infer I)[] ? I[] : never;
  }

  /** `array[index]` as an object this draft may write to. */
  private item<T extends object>(array: T[], index: number): Mutable<T> {
    let held = array[index] as T;
    if (!this.own.has(held)) {
      held = { ...held };
      this.own.add(held);
      array[index] = held;
    }
    return held;
  }
}

/**
 * Ids begin with `<step>/<problem index>/<sample>`: the step narrows the search, the id itself
 * decides.
 */
function locate(
  steps: readonly StepView[],
  id: string,
): { step: number; group: number; sample: number } | null {
  const [stepText, , sampleText] = id.split('/');
  const number = Number(stepText);
  const guess = Number(sampleText);
  for (let s = steps.length - 1; s >= 0; s--) {
    const step = steps[s];
    if (!step || step.step !== number) continue;
    for (const [g, group] of step.groups.entries()) {
      if (group.rollouts[guess]?.id === id) return { step: s, group: g, sample: guess };
      const sample = group.rollouts.findIndex((r) => r?.id === id);
      if (sample >= 0) return { step: s, group: g, sample };
    }
  }
  return null;
}
