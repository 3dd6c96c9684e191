import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nanoPlainPrompt } from './nano-prompt.ts';

interface PromptCase {
  readonly task_id: string;
  readonly text: string;
  readonly test_list: readonly string[];
  readonly hidden_test_list: readonly string[];
  readonly prompt: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../../tools/nano/fixtures/plain-prompts.json', import.meta.url), 'utf8'),
) as PromptCase[];

describe('nano plain prompt', () => {
  it('is the text that pre-training saw, character for character', () => {
    expect(cases.length).toBeGreaterThan(4);
    for (const c of cases) {
      const prompt = nanoPlainPrompt(c.text, c.test_list);
      expect(prompt).toBe(c.prompt);
      for (const hidden of c.hidden_test_list) expect(prompt).not.toContain(hidden);
    }
  });
});
