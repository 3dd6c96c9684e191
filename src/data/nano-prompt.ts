/**
 * The four prompts of docs/nano.md in nano's own compact text, mirrors of tools/nano/prompts.py;
 * docs/nano.md shows them. All ask for the program and nothing else, but the third, which asks for
 * a sentence or two.
 */

/** The task, the asserts that may be seen, then the marker after which the program follows. */
export function nanoPlainPrompt(text: string, asserts: readonly string[]): string {
  return [`Task: ${text}`, ...asserts, 'Code:', ''].join('\n');
}

/** `feedback`: lines of `nanoFeedback`. */
function attempt(text: string, code: string, feedback: string): string {
  return `Task: ${text}\nTried:\n${code.trimEnd()}\nResult:\n${feedback}\n`;
}

export function nanoRefinementPrompt(text: string, code: string, feedback: string): string {
  return `${attempt(text, code, feedback)}Fix:\n`;
}

export function nanoReflectionPrompt(text: string, code: string, feedback: string): string {
  return `${attempt(text, code, feedback)}Why:\n`;
}

export function nanoRetryPrompt(text: string, code: string, feedback: string, why: string): string {
  return `${attempt(text, code, feedback)}Why:\n${why.trim()}\nCode:\n`;
}
