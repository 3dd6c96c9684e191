import type { Problem } from '../data/problem.ts';
import type { PolicyText } from '../data/prompts.ts';
import type { ChatTemplate } from '../model/text/chat.ts';
import type { Tokenizer } from '../model/text/tokenizer.ts';

/*
 * EvalPlus' way of asking (evalplus/codegen.py, provider/utility.py, provider/hf.py, v0.3.1),
 * quirks kept:
 *
 * - the answer is begun for a chat model, up to the opened fence, so that it can only go on with
 *   code;
 * - texts that end an answer are looked for in what was written, and the first one ends it; tabs
 *   become four spaces;
 * - a base model goes on with the problem's own code, and its first new top-level definition ends
 *   the answer (HumanEval) or the next assert or docstring (MBPP).
 *
 * One is not: a tokenizer that puts a token before every text does so once here, not twice before a
 * chat template's.
 */
const ASK =
  'Please provide a self-contained Python script that solves the following problem in a markdown code block:';
const BEGIN =
  'Below is a Python script with a self-contained function that solves the problem and passes corresponding tests:';
const STOPS = [
  '<|endoftext|>',
  '<|endofmask|>',
  '</s>',
  '\nif __name__',
  '\ndef main(',
  '\nprint(',
];
const CHAT_STOPS = [...STOPS, '\n```\n'];
const DIRECT_STOPS = {
  humaneval: [...STOPS, '\ndef ', '\nclass ', '\nimport ', '\nfrom ', '\nassert '],
  mbpp: [...STOPS, '\n"""', '\nassert'],
} as const;

export const PROTOCOL_MAX_TOKENS = 768;
export const PROTOCOL_TOP_P = 0.95;

/** No text of a model or a data set. */
const SPLITTER = '-[[]]-here-the-answer-goes-on-[[]]-';

/**
 * The problem as code: HumanEval's and the plus sets' own, MBPP's as a docstring with its first
 * assert.
 */
export function problemCode(problem: Problem): string {
  const { prompt = `"""\n${[problem.text, ...problem.shown.slice(0, 1)].join('\n')}\n"""` } =
    problem;
  return `${prompt.trim()}\n`;
}

/**
 * The function that tests call: as the data set says, else the one in the first assert that the
 * reference defines.
 */
export function entryPointOf(problem: Problem): string | null {
  if (problem.entryPoint !== undefined) return problem.entryPoint;
  const defined = new Set(
    [...problem.reference.matchAll(/^\s*(?:def|class)\s+(\w+)/gm)].map((match) => match[1]!),
  );
  const called = [...(problem.shown[0] ?? '').matchAll(/(\w+)\s*\(/g)].map((match) => match[1]!);
  return called.find((name) => defined.has(name)) ?? null;
}

export interface Protocol extends PolicyText {
  /** What the sanitiser is given: a base model's answer goes on with the problem's code. */
  readonly program: (problem: Problem, answer: string) => string;
}

/** Prompts and answers as EvalPlus has them, through the chat template where there is one. */
export function evalPlusProtocol(
  text: PolicyText,
  tokenizer: Tokenizer,
  chat: ChatTemplate,
): Protocol {
  const prompt = (problem: Problem): string => {
    const code = problemCode(problem);
    if (!chat.exists) return code;
    const conversation = chat.renderChat(
      [
        { role: 'user', content: `${ASK}\n\`\`\`\n${code.trim()}\n\`\`\`\n` },
        { role: 'assistant', content: `${BEGIN}\n\`\`\`python\n${SPLITTER}\n\`\`\`\n` },
      ],
      { addGenerationPrompt: false },
    );
    return conversation.slice(0, conversation.indexOf(SPLITTER));
  };
  const stopsOf = (problem: Problem): readonly string[] =>
    chat.exists
      ? CHAT_STOPS
      : problem.id.startsWith('HumanEval/')
        ? DIRECT_STOPS.humaneval
        : DIRECT_STOPS.mbpp;
  return {
    ...text,
    prompt: (problem) => {
      const asked = prompt(problem);
      return { text: asked, ids: tokenizer.encode(asked, { addSpecialTokens: !chat.exists }) };
    },
    stopTexts: stopsOf,
    format: 'sanitized',
    program: (problem, answer) => (chat.exists ? answer : problemCode(problem) + answer),
  };
}

/** An answer up to the first text that ends it, tabs as spaces. */
export function cutAnswer(answer: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => answer.indexOf(stop)).filter((at) => at >= 0);
  return answer.slice(0, Math.min(answer.length, ...ends)).replaceAll('\t', '    ');
}
