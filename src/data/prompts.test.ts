import { describe, expect, it } from 'vitest';
import { folderSource } from '../storage/node/folder-source.ts';
import type { ChatTemplate } from '../model/text/chat.ts';
import { loadTokenizer } from '../model/text/tokenizer.ts';
import type { Problem } from './problem.ts';
import { plainPrompt, policyText, type MethodText } from './prompts.ts';

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
const chat: ChatTemplate = {
  exists: true,
  renderChat: ([message]) => `<user>${message!.content}</user><assistant>`,
};
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
    expect(policyText('other', tokenizer, none).prompt(problem).text).toBe(
      `${plainPrompt(problem)}\n`,
    );
    expect(policyText('nano', tokenizer, none).format).toBe('plain');
    expect(policyText('other', tokenizer, chat).format).toBe('fenced');
  });
});

describe('prompts about a failed attempt', () => {
  const twice: Problem = {
    ...problem,
    shown: ['assert double(2) == 4', 'assert double(31) == 62'],
  };
  const attempt = {
    problem: twice,
    code: 'def double(x):\n    return x',
    verdict: {
      status: 'fail' as const,
      asserts: [
        { status: 'fail' as const, source: 'assert double(2) == 4', actual: '2', expected: '4' },
        {
          status: 'fail' as const,
          source: 'assert double(31) == 62',
          actual: '31',
          expected: '62',
        },
        { status: 'fail' as const, source: 'assert double(5) == 10', actual: '5', expected: '10' },
      ],
      ms: 1,
    },
  };
  const all = (text: MethodText) => [
    text.prompt(twice),
    text.refinement(attempt),
    text.reflection(attempt),
    text.retry(attempt, 'It does not double.'),
  ];

  it('end with what is wanted, and all but the reflection demand the same code format', () => {
    const [plain, refinement, reflection, retry] = all(policyText('other', tokenizer, none)).map(
      ({ text }) => text,
    );
    expect(plain!.split('\n').at(-2)).toBe('Answer with the code only, in one ```python block.');
    expect(retry!.split('\n').slice(-3, -1)).toEqual([
      'Reflection: It does not double.',
      'Answer with the code only, in one ```python block.',
    ]);
    expect(refinement).toMatch(/Afterwards output the fixed code inside <code>…<\/code>\n$/);
    expect(reflection).toMatch(
      /In a few sentences, say what is wrong and how to fix it. No code.\n$/,
    );
    expect(
      all(policyText('nano', tokenizer, none)).map(({ text }) => text.trimEnd().split('\n').at(-1)),
    ).toEqual(['Code:', 'Fix:', 'Why:', 'Code:']);
  });

  it('never hold the assert that is held back: not its source, not its value', () => {
    for (const form of ['nano', 'other'] as const) {
      const held = all(
        policyText(form, tokenizer, none, { asserts: 'all-but-one', timeoutSeconds: 5 }),
      );
      for (const { text } of held) {
        expect(text).toContain('double(2) == 4');
        expect(text).not.toMatch(/31|62|double\(5\)/);
      }
      expect(
        all(policyText(form, tokenizer, none)).every(({ text }) =>
          text.includes('double(31) == 62'),
        ),
      ).toBe(true);
    }
  });
});

describe('completions', () => {
  const text = policyText('nano', tokenizer, none);
  const code = 'def double(x):\n    return "é" * x';
  const end = tokenizer.eosIds[0]!;

  it('lose their end token in text, and end where it began', () => {
    const ids = tokenizer.encode(code);
    expect(text.decode([...ids, end], [])).toBe(code);
    expect(text.decode(ids, [])).toBe(code);
    const ends = text.ends([...ids, end], []);
    const bytes = new TextEncoder().encode(code).length;
    expect(ends).toHaveLength(ids.length + 1);
    expect([ends.at(-2), ends.at(-1)]).toEqual([bytes, bytes]);
  });

  it('may be an end token alone, or nothing', () => {
    expect(text.decode([end], [])).toBe('');
    expect(text.ends([end], [])).toEqual(new Uint32Array([0]));
    expect(text.ends([], [])).toEqual(new Uint32Array());
  });
});
