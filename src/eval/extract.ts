import type { CodeFormat } from '../data/prompts.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';

/** What is known of a completion before its program is looked for. */
export interface Extraction {
  readonly format: CodeFormat;
  /** The function that the tests call. */
  readonly entryPoint?: string | null;
  /** The problem's own beginning of a program, which the completion may go on with. */
  readonly prefix?: string;
}

/**
 * The program of a completion: all of it when plain; what EvalPlus' sanitiser keeps; else what the
 * trusted interpreter finds in a model's reply (docs/evaluation.md). Null: no code.
 */
export async function findCode(
  text: string,
  { format, entryPoint = null, prefix = '' }: Extraction,
  sandbox: Pick<PythonSandbox, 'program' | 'sanitize'>,
): Promise<string | null> {
  const found =
    format === 'plain'
      ? text
      : format === 'sanitized'
        ? await sandbox.sanitize(text, entryPoint)
        : (simple(text, entryPoint) ??
          (await sandbox.program(text, { entryPoint, prefix, tagged: format === 'tagged' })));
  return found === null || found.trim() === '' ? null : found;
}

const BLOCK = /^```(?:python3?|py)?[ \t]*\n/m;

/**
 * The one Python block of a reply that has nothing else that could be its program, and that defines
 * the entry point: most replies, which need no interpreter.
 */
function simple(text: string, entryPoint: string | null): string | null {
  if (entryPoint === null || text.includes('~~~') || text.includes('think') || text.includes('<'))
    return null;
  const open = BLOCK.exec(text);
  if (open === null || open.index !== text.indexOf('```')) return null;
  const from = open.index + open[0].length;
  const close = text.indexOf('\n```', from);
  if (close < 0 || text.indexOf('```') !== open.index || text.indexOf('```', from) !== close + 1)
    return null;
  const rest = text.slice(close + 4);
  if (rest.includes('```') || !/^[ \t]*(?:\n|$)/.test(rest)) return null;
  const code = text.slice(from, close).trimEnd();
  return code.includes(`def ${entryPoint}(`) ? code : null;
}
