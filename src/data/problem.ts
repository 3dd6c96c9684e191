/**
 * One programming problem in MBPP's form, whatever file it came from.
 * `shown` asserts go into prompts and feedback; `hidden` ones only decide the reward, which needs all of them.
 */
export interface Problem {
  /** Unique within its dataset, e.g. `starter/train/17`, `mbpp/601`. */
  readonly id: string;
  /** The task as a person would state it. */
  readonly text: string;
  /** Name of the function the asserts call, when known. */
  readonly entryPoint?: string;
  /** Code run before the asserts (imports, helper classes). */
  readonly setup: string;
  /** True where the solution must run before `setup` (MBPP 367 and 927). */
  readonly setupAfterSolution: boolean;
  readonly shown: readonly string[];
  readonly hidden: readonly string[];
  /** Reference solution. */
  readonly reference: string;
  /** 1 (one primitive) to 5, where the dataset grades it. */
  readonly difficulty?: number;
}

/** Every assert that decides the reward, shown ones first. */
export function allAsserts(problem: Problem): string[] {
  return [...problem.shown, ...problem.hidden];
}
