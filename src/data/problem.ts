import type { Value } from '../sandbox/value.ts';

/** Arguments of one call of the entry point. */
export type Arguments = readonly Value[];

/**
 * Tests in EvalPlus' form: inputs alone. What the reference returns for an input is expected of the
 * solution, within `atol` for floats and by the special oracles of `family` (src/eval/oracle.ts).
 */
export interface DifferentialTests {
  readonly family: 'mbpp' | 'humaneval';
  readonly atol: number;
  readonly base: readonly Arguments[];
  readonly plus: readonly Arguments[];
}

/**
 * One programming problem in MBPP's form, whatever file it came from. `shown` asserts go into
 * prompts and feedback; `hidden` ones only decide the reward, which needs all of them.
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
  /**
   * Code of the data set that its tests call (HumanEval's prompts define some); never run beside a
   * solution.
   */
  readonly helpers?: string;
  /** True where the solution must run before `setup` (MBPP 367 and 927). */
  readonly setupAfterSolution: boolean;
  readonly shown: readonly string[];
  readonly hidden: readonly string[];
  /** Reference solution: a whole program. */
  readonly reference: string;
  /**
   * The beginning of a program that a completion goes on with (HumanEval), or its docstring
   * (MBPP+).
   */
  readonly prompt?: string;
  /** Decides instead of asserts. */
  readonly differential?: DifferentialTests;
  /** 1 (one primitive) to 5, where the dataset grades it. */
  readonly difficulty?: number;
}

export type Split = 'train' | 'validation' | 'test';

export interface LoadedProblem extends Problem {
  /**
   * Where the file says it, or MBPP's numbering does; null: in no split (MBPP 1–10, or in MBPP+
   * outside the test split).
   */
  readonly split: Split | null;
}

/** Every assert that decides the reward, shown ones first. */
export function allAsserts(problem: Problem): string[] {
  return [...problem.shown, ...problem.hidden];
}
