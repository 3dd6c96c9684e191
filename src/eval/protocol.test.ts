import { describe, expect, it } from 'vitest';
import type { Problem } from '../data/problem.ts';
import type { PolicyText } from '../data/prompts.ts';
import type { ChatTemplate } from '../model/text/chat.ts';
import type { Tokenizer } from '../model/text/tokenizer.ts';
import { cutAnswer, entryPointOf, evalPlusProtocol, problemCode } from './protocol.ts';

const mbpp: Problem = {
  id: 'mbpp/11',
  text: 'Add one.',
  setup: '',
  setupAfterSolution: false,
  shown: ['assert set(add(1)) == {2}', 'assert add(2) == 3'],
  hidden: [],
  reference: 'def helper(x):\n  return x\ndef add(x):\n  return {helper(x) + 1}',
};
const humaneval: Problem = {
  ...mbpp,
  id: 'HumanEval/0',
  entryPoint: 'f',
  prompt: '\n\ndef f(x):\n    """Doc."""\n',
};
const text = {} as PolicyText;
const tokenizer = {
  encode: (s: string, o?: { addSpecialTokens?: boolean }) => [
    s.length,
    o?.addSpecialTokens ? 1 : 0,
  ],
};
const chat: ChatTemplate = {
  exists: true,
  renderChat: (messages) => messages.map((m) => `<${m.role}>${m.content}</${m.role}>`).join(''),
};
const base: ChatTemplate = { exists: false, renderChat: () => '' };
const protocol = (template: ChatTemplate) =>
  evalPlusProtocol(text, tokenizer as unknown as Tokenizer, template);

describe("EvalPlus' protocol", () => {
  it('asks for the problem as code and begins the answer of a chat model up to the opened fence', () => {
    expect(protocol(chat).prompt(humaneval).text).toBe(
      '<user>Please provide a self-contained Python script that solves the following problem ' +
        'in a markdown code block:\n```\ndef f(x):\n    """Doc."""\n```\n</user><assistant>Below is a ' +
        'Python script with a self-contained function that solves the problem and passes ' +
        'corresponding tests:\n```python\n',
    );
    expect(problemCode(mbpp)).toBe('"""\nAdd one.\nassert set(add(1)) == {2}\n"""\n');
  });

  it('lets a base model go on with the code, which is part of its program then', () => {
    const asked = protocol(base).prompt(humaneval);
    expect(asked).toEqual({ text: 'def f(x):\n    """Doc."""\n', ids: [25, 1] });
    expect(protocol(base).program(humaneval, '    return 1')).toBe(
      'def f(x):\n    """Doc."""\n    return 1',
    );
    expect(protocol(chat).program(humaneval, 'def f(x): return 1')).toBe('def f(x): return 1');
  });

  it('ends an answer at the first text that does, and writes tabs as spaces', () => {
    const stops = (problem: Problem, template: ChatTemplate) =>
      protocol(template).stopTexts!(problem);
    expect(cutAnswer('def f():\n\treturn 1\n```\nThis', stops(humaneval, chat))).toBe(
      'def f():\n    return 1',
    );
    expect(cutAnswer('a = 1\nprint(a)\nif __name__', stops(humaneval, chat))).toBe('a = 1');
    expect(cutAnswer('    return 1\n\ndef g():', stops(humaneval, base))).toBe('    return 1\n');
    expect(cutAnswer('    return 1\n\ndef g():\nassert', stops(mbpp, base))).toBe(
      '    return 1\n\ndef g():',
    );
    expect(cutAnswer('all of it', stops(mbpp, chat))).toBe('all of it');
  });

  it(
    'finds the entry point: as the data says, else the function of the first assert that the ' +
      'reference defines',
    () => {
      expect([
        entryPointOf(humaneval),
        entryPointOf(mbpp),
        entryPointOf({ ...mbpp, shown: [] }),
      ]).toEqual(['f', 'add', null]);
    },
  );
});
