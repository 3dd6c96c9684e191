import type { CodeFormat } from '../data/prompts.ts';
import type { PythonSandbox } from '../sandbox/python-sandbox.ts';

const FENCE = '```';
const TAG = /<code>([\s\S]*?)(?:<\/code>|$)/;

/**
 * The program of a completion without asking Python: the first fenced block, else `<code>`; where a
 * tag was asked for the tag first (the analysis before it may quote code), and in it the block, if
 * there is one; the whole text when plain.
 */
export function extractCode(text: string, format: Exclude<CodeFormat, 'sanitized'>): string | null {
  const tagged = () => TAG.exec(text)?.[1];
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
 * What the first fence of `text` holds, without the line break and the blanks before its end. A
 * fence that nothing closes counts: truncated completions are scored too. Linear in the text, which
 * a regular expression with blanks before its end is not.
 */
function fenced(text: string): string | undefined {
  for (let at = text.indexOf(FENCE); at >= 0;) {
    const line = text.indexOf('\n', at);
    if (line < 0) return undefined;
    const tick = text.lastIndexOf('`', line);
    if (tick < at + FENCE.length) {
      const from = line + 1;
      const close = text.indexOf(FENCE, from);
      if (close < 0) return text.slice(from);
      let end = close;
      while (end > from && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
      if (end > from && text[end - 1] === '\n') end--;
      return text.slice(from, end);
    }
    at = text.indexOf(FENCE, Math.max(at + 1, tick - 2));
  }
  return undefined;
}

/**
 * The same, and where neither block nor tag is found the longest span of lines that parses as
 * Python (docs/sandbox.md, Verdicts). Null: no code.
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
