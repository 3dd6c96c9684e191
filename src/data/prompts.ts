import type { ChatTemplate } from '../model/chat.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { nanoPlainPrompt } from './nano-prompt.ts';
import type { Problem } from './problem.ts';

/** The model's side of text: prompts in, completions out. */
export interface PolicyText {
  /** The plain prompt of a problem, as the model sees it. */
  readonly prompt: (problem: Problem) => { readonly text: string; readonly ids: readonly number[] };
  /** Text of completion ids, the end token that closes them left out. */
  readonly decode: (ids: readonly number[]) => string;
  /** UTF-8 end offset of each token in `decode(ids)`; the end token ends where the one before it did. */
  readonly ends: (ids: readonly number[]) => Uint32Array;
  /**
   * What completions look like: programs and nothing else, or text with a fenced block; or what EvalPlus' sanitiser is to
   * find the program in.
   */
  readonly format: 'plain' | 'fenced' | 'sanitized';
  /** Texts that end a completion of this problem, where tokens do not. */
  readonly stopTexts?: (problem: Problem) => readonly string[];
  /** Ids that end a completion. */
  readonly stopIds: readonly number[];
}

/** Template 1 of METHODS: the task, the shown asserts, the format that is asked for. */
export function plainPrompt(problem: Problem): string {
  return [problem.text, ...problem.shown, 'Answer with the code only, in one ```python block.'].join('\n');
}

/**
 * Prompts for one model: `nano` in its own compact text, a chat model through its template as a user turn, a base model as
 * plain text.
 */
export function policyText(form: 'nano' | 'other', tokenizer: Tokenizer, chat: ChatTemplate): PolicyText {
  const render = (problem: Problem): string => {
    if (form === 'nano') return nanoPlainPrompt(problem);
    const text = plainPrompt(problem);
    return chat.exists ? chat.renderChat([{ role: 'user', content: text }]) : `${text}\n`;
  };
  const body = (ids: readonly number[]) => (tokenizer.eosIds.includes(ids.at(-1) ?? -1) ? ids.slice(0, -1) : ids);
  return {
    prompt: (problem) => {
      const text = render(problem);
      return { text, ids: tokenizer.encode(text) };
    },
    decode: (ids) => tokenizer.pieces(body(ids)).text,
    ends: (ids) => {
      const ends = tokenizer.pieces(body(ids)).ends;
      const out = new Uint32Array(ids.length).fill(ends.at(-1) ?? 0);
      out.set(ends);
      return out;
    },
    format: form === 'nano' ? 'plain' : 'fenced',
    stopIds: tokenizer.eosIds,
  };
}
