import type { EvaluationRecord } from '../schema/evaluation.ts';

/** Where evaluations live: a log of JSON lines each, which only grows. */
export interface EvaluationStore {
  /** Ids of stored evaluations, newest first: ids begin with their time. */
  list(): Promise<string[]>;
  create(id: string): Promise<EvaluationLog>;
  /** Every whole record, also while another tab writes; null when there is no such evaluation. */
  read(id: string): Promise<EvaluationRecord[] | null>;
  bytes(id: string): Promise<number>;
  delete(id: string): Promise<void>;
}

export interface EvaluationLog {
  /**
   * Appends and makes durable before it returns, or throws a sentence and leaves the log as it was.
   */
  append(records: readonly EvaluationRecord[]): void;
  close(): void;
}
