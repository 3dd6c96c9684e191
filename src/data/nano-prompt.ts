import type { Problem } from './problem.ts';

/**
 * The plain prompt of METHODS in nano's own compact text: the task, the shown asserts, then the marker after which the
 * model writes the program and nothing else. Mirrors `plain` of tools/nano/prompts.py; docs/nano.md shows all four forms.
 */
export function nanoPlainPrompt(problem: Problem): string {
  return [`Task: ${problem.text}`, ...problem.shown, 'Code:', ''].join('\n');
}
