import type { Method, RunConfig } from './config.ts';
import type { EvaluationConfig, EvaluationEvent, JudgedAnswer } from './evaluation.ts';
import type { RunEvent } from './events.ts';
import type { Phase } from '../settings/kinds.ts';
import type { RunPlan, StepEstimate } from './plan.ts';
import type { ModelOffer, ModelPrecision, ModelShelf, ModelTransfer } from './models.ts';

/**
 * Messages between a page and the session's worker. Both sides close their switches over these
 * unions. A page asks; the worker answers with the same `id` (`answer` or `failure`), and pushes
 * `events` and `status` unasked.
 */
export type SessionRequest =
  | { readonly type: 'device' }
  /** Starts a new run; answers its run id. */
  | { readonly type: 'start'; readonly config: RunConfig; readonly memory?: number | null }
  /**
   * What a run would take of memory and storage. `memory`: bytes of the GPU's that may be taken;
   * null: not said.
   */
  | { readonly type: 'plan'; readonly config: RunConfig; readonly memory: number | null }
  /** Loads the model and measures a step; nothing else may go on meanwhile. */
  | { readonly type: 'measure'; readonly config: RunConfig; readonly memory: number | null }
  /** Goes on from the last checkpoint of a stored run. */
  | { readonly type: 'resume'; readonly runId: string }
  /** Does the evaluation after training of a run that was stopped. */
  | { readonly type: 'evaluate-stopped'; readonly runId: string }
  /** Pauses after the current step. */
  | { readonly type: 'pause' }
  /** Ends the run after the current step and keeps it. */
  | { readonly type: 'stop' }
  | { readonly type: 'runs' }
  /** Runs and evaluations that are stored and cannot be read. */
  | { readonly type: 'damaged' }
  /** All events of a stored run so far; later ones arrive as `events`. */
  | { readonly type: 'log'; readonly runId: string }
  /** One rollout's token block (see columns.ts) and the text of each token. */
  | { readonly type: 'tokens'; readonly runId: string; readonly rollout: string }
  /** A distilled target's block (see columns.ts) and the text of each id in it. */
  | { readonly type: 'distillation'; readonly runId: string; readonly rollout: string }
  | { readonly type: 'delete'; readonly runId: string }
  /** Everything kept of a run but its checkpoints. */
  | { readonly type: 'run-files'; readonly runId: string }
  /** Keeps a run that was made elsewhere, to be read; answers its id. */
  | { readonly type: 'import-run'; readonly files: readonly NamedFile[] }
  | { readonly type: 'adapters' }
  /** Keeps an adapter in PEFT's two files. */
  | {
      readonly type: 'import-adapter';
      readonly label: string;
      readonly files: readonly NamedFile[];
    }
  | { readonly type: 'delete-adapter'; readonly id: string }
  /** The preset of (method, model), every default written out. */
  | { readonly type: 'preset'; readonly method: Method; readonly model: string }
  /** The data sets that can be named, and whether this page can fetch them. */
  | { readonly type: 'datasets' }
  /** Keeps a file of problems, to be trained on by its name. */
  | { readonly type: 'import-dataset'; readonly name: string; readonly file: Blob }
  /** Starts an evaluation once data set, samples and model are there; answers its id. */
  | {
      readonly type: 'evaluate';
      readonly config: EvaluationConfig;
      /** The data set where it is a file. */
      readonly dataset: Blob | null;
      /** The samples where they are what is judged. */
      readonly samples: Blob | null;
    }
  /** Calls the evaluation off; what is judged stays. */
  | { readonly type: 'cancel' }
  | { readonly type: 'evaluations' }
  /** All events of a stored evaluation so far; later ones arrive as `evaluation`. */
  | { readonly type: 'evaluation'; readonly id: string }
  /** One answer with its text and asserts. */
  | {
      readonly type: 'answer';
      readonly id: string;
      readonly problem: string;
      readonly sample: number;
    }
  /** What `eval` of the command line writes into its folder. */
  | { readonly type: 'evaluation-files'; readonly id: string }
  | { readonly type: 'delete-evaluation'; readonly id: string }
  /** What can be downloaded, what is here, how much room there is. */
  | { readonly type: 'models' }
  /** What the hub says of a repository (`owner/name[@revision]`); nothing is kept of it. */
  | { readonly type: 'look-up-model'; readonly repo: string }
  /**
   * Downloads a model of the hub, goes on with one that was begun, or mends a damaged one. `repo`
   * is `owner/name` or `owner/name@revision`. Answers its id at once; `model` messages tell the
   * rest.
   */
  | { readonly type: 'download-model'; readonly repo: string; readonly precision: ModelPrecision }
  /** Keeps the files of a local folder or of a drop as `local/LABEL`; answered like a download. */
  | {
      readonly type: 'import-model';
      readonly label: string;
      /** Paths within the model's folder, such as `config.json`. */
      readonly files: readonly NamedFile[];
      readonly precision: ModelPrecision;
    }
  /** Ends a download or import; what has come stays and is gone on from. */
  | { readonly type: 'cancel-model'; readonly id: string }
  | { readonly type: 'delete-model'; readonly id: string };

export interface DatasetOffer {
  readonly name: string;
  /** Null where nobody has counted them. */
  readonly problems: number | null;
  /** It has problems to train on; others are for evaluation only. */
  readonly trains: boolean;
  /** One sentence where no page can fetch it: what file to give instead. */
  readonly needs: string | null;
  /** It is a file that was given, kept in this browser. */
  readonly given: boolean;
}

export interface EvaluationHead {
  readonly id: string;
  readonly config: EvaluationConfig;
  readonly startedAt: number;
  readonly judged: number;
  readonly answers: number;
  /** `interrupted`: its log has no end, and it is not going on in this tab. */
  readonly state: 'running' | 'interrupted' | 'finished' | 'cancelled' | 'failed';
  /** By all tests; null while it goes on. */
  readonly rate: number | null;
  readonly bytes: number;
}

/** By file name. */
export type EvaluationFiles = Readonly<
  Record<'samples.jsonl' | 'results.jsonl' | 'summary.json', string>
>;

export interface DeviceReport {
  readonly available: boolean;
  /** One sentence: what was found, or why there is none and what to do. */
  readonly summary: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** A software adapter works, slowly. */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly selfTest: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
  }[];
  readonly warnings: readonly string[];
}

export interface RunSummary {
  readonly runId: string;
  readonly config: RunConfig;
  readonly startedAt: number;
  /** Last completed step. */
  readonly step: number;
  /** `elsewhere`: it is going on in another tab. */
  readonly state: 'running' | 'elsewhere' | 'paused' | 'interrupted' | 'finished';
  readonly bytes: number;
  /** Bytes of these in checkpoints. */
  readonly checkpoints: number;
}

/** What is stored and cannot be read: it can be taken out and deleted, and nothing else. */
export interface DamagedItem {
  readonly kind: 'run' | 'evaluation';
  readonly id: string;
  /** A sentence: what is wrong with it. */
  readonly reason: string;
  readonly bytes: number;
}

/** A file with its path within a folder or an archive. */
export interface NamedFile {
  readonly path: string;
  readonly file: Blob;
}

/** A LoRA adapter that was made elsewhere, for evaluations. */
export interface ImportedAdapter {
  /** What evaluations name it by. */
  readonly id: string;
  readonly label: string;
  readonly rank: number;
  /** The model it says that it was trained on; null where it does not say. */
  readonly base: string | null;
  readonly bytes: number;
}

export interface SessionAnswers {
  device: DeviceReport;
  start: { runId: string };
  plan: RunPlan;
  measure: StepEstimate;
  resume: { runId: string };
  'evaluate-stopped': { runId: string };
  pause: null;
  stop: null;
  runs: readonly RunSummary[];
  damaged: readonly DamagedItem[];
  log: readonly RunEvent[];
  tokens: { block: ArrayBuffer; text: readonly string[] };
  distillation: { block: ArrayBuffer; texts: readonly (readonly [id: number, text: string])[] };
  delete: null;
  'run-files': readonly NamedFile[];
  'import-run': { runId: string };
  adapters: readonly ImportedAdapter[];
  'import-adapter': ImportedAdapter;
  'delete-adapter': null;
  preset: RunConfig;
  datasets: readonly DatasetOffer[];
  'import-dataset': DatasetOffer;
  evaluate: { id: string };
  cancel: null;
  evaluations: readonly EvaluationHead[];
  evaluation: readonly EvaluationEvent[];
  answer: JudgedAnswer;
  'evaluation-files': EvaluationFiles;
  'delete-evaluation': null;
  models: ModelShelf;
  'look-up-model': ModelOffer;
  'download-model': { id: string };
  'import-model': { id: string };
  'cancel-model': null;
  'delete-model': null;
}

export type FromPage = { readonly id: number; readonly request: SessionRequest };

export type ToPage =
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly value: SessionAnswers[keyof SessionAnswers];
    }
  /** One sentence: what happened, which numbers, what next. */
  | { readonly type: 'failure'; readonly id: number; readonly message: string }
  | { readonly type: 'events'; readonly runId: string; readonly events: readonly RunEvent[] }
  | {
      readonly type: 'evaluation';
      readonly evaluation: string;
      readonly events: readonly EvaluationEvent[];
    }
  | { readonly type: 'model'; readonly transfer: ModelTransfer }
  | Elsewhere
  | { readonly type: 'status'; readonly status: SessionStatus };

/** A run is going on in another tab, as far as that tab has said; null: it no longer is. */
export interface Elsewhere {
  readonly type: 'elsewhere';
  readonly runId: string;
  readonly status: SessionStatus | null;
}

/** What the tab that writes a run tells the others. */
export type BetweenTabs = Extract<ToPage, { type: 'events' }> | Elsewhere;

/** What the session is doing right now; not part of the log. */
export type SessionStatus =
  | { readonly state: 'idle' }
  | { readonly state: 'loading'; readonly what: string; readonly fraction: number | null }
  | {
      readonly state: 'running';
      readonly runId: string;
      readonly step: number;
      readonly phase: Phase | 'checkpoint';
      /** Done and total of the phase, in its own unit (tokens, programs, micro-batches). */
      readonly done: number;
      readonly total: number;
      readonly pausing: boolean;
    }
  | { readonly state: 'paused'; readonly runId: string; readonly reason: string }
  /** `what`: the part of the work that is under way, or the evaluation's end that is waited for. */
  | { readonly state: 'evaluating'; readonly evaluation: string; readonly what: string };
