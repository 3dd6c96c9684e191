import type { AssertVerdict, ProgramError, Verdict } from '../schema/verdict.ts';
import type { Problem } from './problem.ts';

/**
 * `all`: every shown assert comes back with its result; `all-but-one`: the last shown assert is
 * held back from prompts and feedback, and tells afterwards who only learnt the others by heart.
 */
export type FeedbackMode = 'all' | 'all-but-one';

/** The asserts that a model may see, in prompts and in feedback. */
export function visibleAsserts(problem: Problem, mode: FeedbackMode): readonly string[] {
  return mode === 'all' || problem.shown.length < 2 ? problem.shown : problem.shown.slice(0, -1);
}

/** What a failing program is told: never anything of an assert that it may not see. */
export interface Feedback {
  /** Visible asserts with their verdicts, in the problem's order. */
  readonly results: readonly AssertVerdict[];
  /** The program's own error, where a visible assert or the load raised it. */
  readonly error: Verdict['error'] | null;
  /** What it printed; null where calls of asserts that it may not see may have printed too. */
  readonly output: string | null;
  /** It ran into its limit while a visible assert was under way. */
  readonly timedOut: boolean;
}

export function feedbackOf(problem: Problem, verdict: Verdict, mode: FeedbackMode): Feedback {
  const visible = visibleAsserts(problem, mode);
  const results = visible.flatMap((source, test) => {
    // A test of several asserts has a verdict for each of them.
    const parts = verdict.asserts.filter((assert) => assert.test === test);
    return parts.length > 0
      ? parts
      : (verdict.asserts.find((assert) => assert.source === source) ?? []);
  });
  // Asserts are judged in order, shown ones first: the program's first error is that of a visible
  // one, if any of them raised.
  const raised = results.some((assert) => assert.status === 'error');
  const output = [verdict.stdout, verdict.stderr]
    .filter((text) => text !== undefined && text !== '')
    .join('\n');
  return {
    results,
    error: raised ? (verdict.error ?? null) : null,
    output:
      visible.length === problem.shown.length + problem.hidden.length && output !== ''
        ? output
        : null,
    timedOut: results.some((assert) => assert.status === 'timeout'),
  };
}

/** What became of an assert, for nano's `FAIL: … -> …`: the first error's type for every error. */
function nanoOutcome(assert: AssertVerdict, error: Feedback['error']): string {
  switch (assert.status) {
    case 'fail':
      return `got ${assert.actual ?? 'another value'}`;
    case 'error':
      // A program that does not parse runs no assert.
      return error?.type === 'SyntaxError' ? 'not run' : (error?.type ?? 'an error');
    case 'timeout':
      return 'no answer in time';
    case 'crash':
      return 'the interpreter died';
    default:
      return 'not run';
  }
}

const NANO_VALUE = 90;
const NANO_ERROR = 80;
const NANO_OUTPUT = 60;

/**
 * nano's lines of feedback: `render_feedback` of tools/nano/prompts.py. An outcome of '' is a pass;
 * empty texts are left out.
 */
export function nanoLines(
  results: readonly { readonly source: string; readonly outcome: string }[],
  error: string,
  output: string,
): string {
  const lines = results.map(({ source, outcome: came }) =>
    came === '' ? `PASS: ${source}` : `FAIL: ${source} -> ${came}`,
  );
  if (error !== '') lines.push(`Error: ${error}`);
  if (output !== '') lines.push(`Output: ${output}`);
  return lines.join('\n');
}

/**
 * Feedback in nano's compact form, format 1, which its present weights were trained on, with values cut as tools/nano/corpus.py cuts
 * them.
 */
export function nanoFeedback({ results, error, output }: Feedback): string {
  const came = results.map((assert) => ({
    source: assert.source,
    outcome: assert.status === 'pass' ? '' : nanoOutcome(assert, error).slice(0, NANO_VALUE),
  }));
  const at = error?.lines.at(-1);
  const raised = error ? `${error.type}: ${error.message}`.slice(0, NANO_ERROR) : '';
  const printed = (output ?? '').trim().split('\n').slice(0, 3).join('; ').slice(0, NANO_OUTPUT);
  return nanoLines(came, error && at !== undefined ? `${raised} (line ${at})` : raised, printed);
}

/** Whether an assert was never come to: the load or an assert before it ended the program. */
function notRun(assert: AssertVerdict, earlier: readonly AssertVerdict[]): boolean {
  if (assert.notRun === true) return true;
  if (
    assert.ms !== undefined ||
    assert.expected !== undefined ||
    assert.status === 'fail' ||
    assert.status === 'pass'
  )
    return false;
  // Of those that a limit cut off only the first was under way.
  return assert.status === 'error' || earlier.some(({ status }) => status === assert.status);
}

/** An error as Python's last line has it, and where the program raised it. */
function errorLines(error: ProgramError, program: readonly string[], shift: number): string[] {
  const at = error.lines.map(
    (line) => `  line ${line - shift}: ${(program[line - 1] ?? '').trim()}`,
  );
  return [error.message === '' ? error.type : `${error.type}: ${error.message}`, ...at];
}

/** What became of an assert that did not pass, for `FAIL: … -> …`, and the lines below it. */
function outcome(
  assert: AssertVerdict,
  error: ProgramError | null,
  earlier: readonly AssertVerdict[],
): string {
  if (notRun(assert, earlier)) return 'not run';
  switch (assert.status) {
    case 'fail':
      if (assert.actual === undefined) return 'it does not hold';
      return `got ${assert.actual}`;
    case 'error':
      return error?.type ?? 'an error';
    case 'timeout':
      return 'no answer in time';
    case 'crash':
      return 'the interpreter died';
    default:
      return 'not run';
  }
}

/**
 * Feedback as template 2 has it: each result; the first error, and another one with its assert, each
 * with the program's lines that raised it, numbered as the program is shown; what was printed.
 *
 * @param code The program that ran. It is shown without blank lines before it.
 */
export function longFeedback(feedback: Feedback, code: string, timeoutSeconds: number): string {
  const { results, error, output } = feedback;
  const program = code.split('\n');
  const shift = code.slice(0, code.length - code.trimStart().length).split('\n').length - 1;
  const lines = results.flatMap((assert, i) => {
    if (assert.status === 'pass') return [`PASS: ${assert.source}`];
    const expected = assert.expected === undefined ? '' : ` (expected ${assert.expected})`;
    const came = outcome(assert, assert.error ?? error ?? null, results.slice(0, i));
    const line = `FAIL: ${assert.source} -> ${came}${expected}`;
    // The first error follows below; another one belongs to its assert.
    if (assert.error === undefined || assert.error.of !== undefined) return [line];
    return [line, ...errorLines(assert.error, program, shift).map((text) => `  ${text}`)];
  });
  if (results.length > 0 && results.every((assert) => assert.status === 'pass'))
    lines.push('FAIL: a test that is not shown here');
  if (feedback.timedOut) {
    lines.push(
      `Error: stopped after ${timeoutSeconds} s without an answer: probably an infinite loop, or far too slow`,
    );
  } else if (error?.of !== undefined) {
    const owner = error.of === 'test' ? 'a test itself' : 'the code that prepares the tests';
    lines.push(
      `Error: ${owner} raised ${error.type}: ${error.message}; that is not the program's fault`,
    );
  } else if (error) {
    const [first = '', ...at] = errorLines(error, program, shift);
    lines.push(`Error: ${first}`, ...at);
  }
  if (output !== null) lines.push(`Execution Trace:\n${output.trimEnd()}`);
  return lines.join('\n');
}

/**
 * An attempt that failed: its program (its text, where there was no code in it) and what became of
 * it.
 */
export interface Attempt {
  readonly problem: Problem;
  readonly code: string;
  readonly verdict: Verdict;
}

/**
 * Parts of template 2 up to the trace, for chat models: the failed attempt and what became
 * of it.
 */
export function attemptPart(
  { problem, code, verdict }: Attempt,
  mode: FeedbackMode,
  timeoutSeconds: number,
): string {
  return `The following code attempt failed to solve the problem correctly:
Original Problem: ${[problem.text, ...visibleAsserts(problem, mode)].join('\n')}
Failed Code:
\`\`\`python
${code.trim()}
\`\`\`
Execution Result:
${longFeedback(feedbackOf(problem, verdict, mode), code, timeoutSeconds)}`;
}
