import type { PythonSandbox } from '../sandbox/python-sandbox.ts';

/**
 * `fenced`: models that are asked for a ```python block; `plain`: completions that are code and nothing else (`nano`);
 * `sanitized`: what EvalPlus' sanitiser keeps.
 */
export type CodeFormat = 'fenced' | 'plain' | 'sanitized';

// An unclosed last fence counts: truncated completions are scored too.
const FENCE = /```[^\n`]*\n([\s\S]*?)(?:\n?[ \t]*```|$)/;
const TAG = /<code>([\s\S]*?)(?:<\/code>|$)/;

/** The program of a completion without asking Python: the first fenced block, else `<code>`; the whole text when plain. */
export function extractCode(text: string, format: Exclude<CodeFormat, 'sanitized'>): string | null {
  const found = format === 'plain' ? text : (FENCE.exec(text)?.[1] ?? TAG.exec(text)?.[1]);
  return found === undefined || found.trim() === '' ? null : found;
}

/**
 * The same, and where neither block nor tag is found the longest span of lines that parses as Python (METHODS,
 * "Degenerate cases"). Null: no code.
 */
export async function findCode(
  text: string,
  format: CodeFormat,
  { longestParsable, sanitize }: Pick<PythonSandbox, 'longestParsable' | 'sanitize'>,
  entryPoint: string | null = null,
): Promise<string | null> {
  if (format === 'sanitized') {
    const kept = await sanitize(text, entryPoint);
    return kept === null || kept.trim() === '' ? null : kept;
  }
  const marked = extractCode(text, format);
  if (marked !== null || format === 'plain') return marked;
  // Fences and tags around nothing leave no program, and are not to be parsed as one.
  const rest = text.replace(/```[^\n]*|<\/?code>/g, '');
  return rest.trim() === '' ? null : longestParsable(rest);
}
