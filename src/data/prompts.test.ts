import { describe, expect, it } from 'vitest';
import { folderSource } from '../cli/folder-source.ts';
import type { ChatTemplate } from '../model/chat.ts';
import { loadTokenizer } from '../model/tokenizer.ts';
import type { Problem } from './problem.ts';
import { plainPrompt, policyText } from './prompts.ts';

const problem: Problem = {
  id: 'p',
  text: 'Double a number.',
  setup: '',
  setupAfterSolution: false,
  shown: ['assert double(2) == 4'],
  hidden: ['assert double(5) == 10'],
  reference: '',
};
const none: ChatTemplate = {
  exists: false,
  renderChat: () => {
    throw new Error('no template');
  },
};
const chat: ChatTemplate = { exists: true, renderChat: ([message]) => `<user>${message!.content}</user><assistant>` };
const tokenizer = await loadTokenizer(folderSource('public/models/nano'));

describe('prompts', () => {
  it('hold the task, the shown asserts and the format, never a hidden assert', () => {
    expect(plainPrompt(problem)).toBe(
      'Double a number.\nassert double(2) == 4\nAnswer with the code only, in one ```python block.',
    );
    for (const text of [
      policyText('nano', tokenizer, none),
      policyText('other', tokenizer, chat),
      policyText('other', tokenizer, none),
    ]) {
      const prompt = text.prompt(problem);
      expect(prompt.text).toContain('assert double(2) == 4');
      expect(prompt.text).not.toContain('double(5)');
      expect(prompt.ids).toEqual(tokenizer.encode(prompt.text));
    }
  });

  it('take the form of the model: compact for nano, a user turn for chat models, plain text for base models', () => {
    expect(policyText('nano', tokenizer, none).prompt(problem).text).toBe(
      'Task: Double a number.\nassert double(2) == 4\nCode:\n',
    );
    expect(policyText('other', tokenizer, chat).prompt(problem).text).toBe(
      `<user>${plainPrompt(problem)}</user><assistant>`,
    );
    expect(policyText('other', tokenizer, none).prompt(problem).text).toBe(`${plainPrompt(problem)}\n`);
    expect(policyText('nano', tokenizer, none).format).toBe('plain');
    expect(policyText('other', tokenizer, chat).format).toBe('fenced');
  });
});

describe('completions', () => {
  const text = policyText('nano', tokenizer, none);
  const code = 'def double(x):\n    return "é" * x';
  const end = tokenizer.eosIds[0]!;

  it('lose their end token in text, and end where it began', () => {
    const ids = tokenizer.encode(code);
    expect(text.decode([...ids, end])).toBe(code);
    expect(text.decode(ids)).toBe(code);
    const ends = text.ends([...ids, end]);
    const bytes = new TextEncoder().encode(code).length;
    expect(ends).toHaveLength(ids.length + 1);
    expect([ends.at(-2), ends.at(-1)]).toEqual([bytes, bytes]);
  });

  it('may be an end token alone, or nothing', () => {
    expect(text.decode([end])).toBe('');
    expect(text.ends([end])).toEqual(new Uint32Array([0]));
    expect(text.ends([])).toEqual(new Uint32Array());
  });
});
