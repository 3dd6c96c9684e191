import * as v from 'valibot';

/**
 * What became of a program, or of one assert. `infra`: the sandbox failed, not the program;
 * `no-code`: nothing to run.
 */
export const VerdictStatus = v.picklist([
  'pass',
  'fail',
  'error',
  'timeout',
  'crash',
  'infra',
  'no-code',
]);
export type VerdictStatus = v.InferOutput<typeof VerdictStatus>;

export const ProgramError = v.object({
  type: v.string(),
  /** At most 300 characters. */
  message: v.string(),
  /**
   * Line numbers in the solution, outermost frame first; of a deep recursion the first five and the
   * last fifteen.
   */
  lines: v.array(v.number()),
  /** The data set's own code raised it: its test or its set-up, and the program had no part in it. */
  of: v.optional(v.picklist(['test', 'setup'])),
});
export type ProgramError = v.InferOutput<typeof ProgramError>;

/**
 * One assert. `actual` and `expected` are rendered outside the sandbox from canonical values,
 * clipped at 240 characters.
 */
export const AssertVerdict = v.object({
  status: VerdictStatus,
  source: v.string(),
  actual: v.optional(v.string()),
  expected: v.optional(v.string()),
  /** Milliseconds the call took. */
  ms: v.optional(v.number()),
  /**
   * True where the assert could not be split into call and comparison: such a verdict never pays a
   * reward.
   */
  inProcess: v.optional(v.boolean()),
  /** True where the test ended before it came to this assert. */
  notRun: v.optional(v.boolean()),
  /** What it raised, where that is not the program's first error. */
  error: v.optional(ProgramError),
  /** The test that it is a part of, counted from 0, where a test is more than one assert. */
  test: v.optional(v.number()),
});
export type AssertVerdict = v.InferOutput<typeof AssertVerdict>;

export const Verdict = v.object({
  status: VerdictStatus,
  asserts: v.array(AssertVerdict),
  error: v.optional(ProgramError),
  /** First 4 kB. */
  stdout: v.optional(v.string()),
  stderr: v.optional(v.string()),
  /**
   * It ran out of time, or kept others waiting, and was run again by itself; this is the second
   * verdict.
   */
  retried: v.optional(v.boolean()),
  /** Wall time of the whole program in milliseconds. */
  ms: v.number(),
});
export type Verdict = v.InferOutput<typeof Verdict>;

/** Passed asserts: the integer kept beside the reward, shown and logged, never used to shape it. */
export function passCount(verdict: Verdict): number {
  return verdict.asserts.filter((a) => a.status === 'pass').length;
}

/**
 * 1 when every assert passed, 0 when not, null when the sandbox (not the program) failed or an
 * assert ran in-process.
 */
export function rewardOf(verdict: Verdict): 0 | 1 | null {
  if (verdict.status === 'infra' || verdict.asserts.some((a) => a.inProcess)) return null;
  return verdict.status === 'pass' ? 1 : 0;
}
