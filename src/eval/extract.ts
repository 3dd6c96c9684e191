import type { CodeFormat } from '../data/prompts.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';

// An unclosed last fence counts: truncated completions are scored too.
const FENCE = /```[^\n`]*\n([\s\S]*?)(?:\n?[ \t]*```|$)/;
const TAG = /<code>([\s\S]*?)(?:<\/code>|$)/;

/**
 * The program of a completion without asking Python: the first fenced block, else `<code>`; where a
 * tag was asked for the tag first (the analysis before it may quote code), and in it the block, if
 * there is one; the whole text when plain.
 */
export function extractCode(text: string, format: Exclude<CodeFormat, 'sanitized'>): string | null {
  const tagged = () => TAG.exec(text)?.[1];
  const fenced = (where: string) => FENCE.exec(where)?.[1];
  const within = format === 'tagged' ? tagged() : undefined;
  const found =
    format === 'plain'
      ? text
      : within !== undefined
        ? (fenced(within) ?? within)
        : (fenced(text) ?? tagged());
  return found === undefined || found.trim() === '' ? null : found;
}

/**
 * The same, and where neither block nor tag is found the longest span of lines that parses as
 * Python (METHODS, "Degenerate cases"). Null: no code.
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
