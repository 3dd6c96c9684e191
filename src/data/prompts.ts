import type { ChatTemplate } from '../model/text/chat.ts';
import type { Tokenizer } from '../model/text/tokenizer.ts';
import {
  attemptPart,
  feedbackOf,
  nanoFeedback,
  visibleAsserts,
  type Attempt,
  type FeedbackMode,
} from './feedback.ts';
import {
  nanoPlainPrompt,
  nanoRefinementPrompt,
  nanoReflectionPrompt,
  nanoRetryPrompt,
} from './nano-prompt.ts';
import type { Problem } from './problem.ts';

/**
 * Where the program of a completion is: `plain`: the completion is the program; `fenced`: a
 * ```python block; `tagged`: inside <code>…</code>, after what may be an analysis with blocks of
 * its own; `sanitized`: what EvalPlus' sanitiser keeps.
 */
export type CodeFormat = 'plain' | 'fenced' | 'tagged' | 'sanitized';

/** A prompt as the model sees it. */
export interface Prompt {
  readonly text: string;
  readonly ids: readonly number[];
}

/** The model's side of text: prompts in, completions out. */
export interface PolicyText {
  /** The plain prompt of a problem. */
  readonly prompt: (problem: Problem) => Prompt;
  /**
   * Text of completion ids, the end token that closes them left out. Many tokenizers drop the space
   * that begins a text, so the ids of the prompt are asked for: a completion begins none.
   */
  readonly decode: (ids: readonly number[], prompt: readonly number[]) => string;
  /**
   * UTF-8 end offset of each token in `decode(ids, prompt)`; the end token ends where the one
   * before it did.
   */
  readonly ends: (ids: readonly number[], prompt: readonly number[]) => Uint32Array;
  /** What completions look like. */
  readonly format: CodeFormat;
  /** Texts that end a completion of this problem, where tokens do not. */
  readonly stopTexts?: (problem: Problem) => readonly string[];
  /** Ids that end a completion. */
  readonly stopIds: readonly number[];
}

/**
 * What a training method asks with besides: prompts 2 to 4, about an attempt that
 * failed.
 */
export interface MethodText extends PolicyText {
  readonly refinement: (attempt: Attempt) => Prompt;
  readonly reflection: (attempt: Attempt) => Prompt;
  readonly retry: (attempt: Attempt, reflection: string) => Prompt;
  /** What replies to `refinement` look like. */
  readonly refinedFormat: CodeFormat;
}

/** What prompts may show, and the limit they name. */
export interface PromptOptions {
  readonly asserts: FeedbackMode;
  readonly timeoutSeconds: number;
}

const ANSWER = 'Answer with the code only, in one ```python block.';

/** Template 1: the task, the asserts that may be seen, the format that is asked for. */
export function plainPrompt(problem: Problem, mode: FeedbackMode = 'all'): string {
  return [problem.text, ...visibleAsserts(problem, mode), ANSWER].join('\n');
}

/** Templates 2 to 4, for chat models. */
function longPrompts({ asserts, timeoutSeconds }: PromptOptions) {
  const part = (attempt: Attempt) => attemptPart(attempt, asserts, timeoutSeconds);
  return {
    plain: (problem: Problem) => plainPrompt(problem, asserts),
    refinement: (attempt: Attempt) =>
      `${part(attempt)}\nFeel free to reason in an <analysis> section. Afterwards output the ` +
      'fixed code inside <code>…</code>',
    reflection: (attempt: Attempt) =>
      `${part(attempt)}\nIn a few sentences, say what is wrong and how to fix it. No code.`,
    retry: (attempt: Attempt, why: string) =>
      `${part(attempt)}\nReflection: ${why.trim()}\n${ANSWER}`,
  };
}

function nanoPrompts({ asserts }: PromptOptions): ReturnType<typeof longPrompts> {
  const told = ({ problem, verdict }: Attempt) =>
    nanoFeedback(feedbackOf(problem, verdict, asserts));
  return {
    plain: (problem) => nanoPlainPrompt(problem.text, visibleAsserts(problem, asserts)),
    refinement: (attempt) =>
      nanoRefinementPrompt(attempt.problem.text, attempt.code, told(attempt)),
    reflection: (attempt) =>
      nanoReflectionPrompt(attempt.problem.text, attempt.code, told(attempt)),
    retry: (attempt, why) =>
      nanoRetryPrompt(attempt.problem.text, attempt.code, told(attempt), why),
  };
}

/**
 * Prompts for one model: `nano` in its own compact text, a chat model through its template as a
 * user turn, a base model as plain text.
 */
export function policyText(
  form: 'nano' | 'other',
  tokenizer: Tokenizer,
  chat: ChatTemplate,
  options: PromptOptions = { asserts: 'all', timeoutSeconds: 10 },
): MethodText {
  const say = form === 'nano' ? nanoPrompts(options) : longPrompts(options);
  const asked = (text: string): Prompt => {
    const turn =
      form === 'nano'
        ? text
        : chat.exists
          ? chat.renderChat([{ role: 'user', content: text }])
          : `${text}\n`;
    // A chat template writes its special tokens itself.
    return { text: turn, ids: tokenizer.encode(turn, { addSpecialTokens: !chat.exists }) };
  };
  const body = (ids: readonly number[]) =>
    tokenizer.eosIds.includes(ids.at(-1) ?? -1) ? ids.slice(0, -1) : ids;
  return {
    prompt: (problem) => asked(say.plain(problem)),
    refinement: (attempt) => asked(say.refinement(attempt)),
    reflection: (attempt) => asked(say.reflection(attempt)),
    retry: (attempt, why) => asked(say.retry(attempt, why)),
    decode: (ids, prompt) => tokenizer.decode(body(ids), { after: prompt }),
    ends: (ids, prompt) => {
      const { ends } = tokenizer.pieces(body(ids), prompt);
      const out = new Uint32Array(ids.length).fill(ends.at(-1) ?? 0);
      out.set(ends);
      return out;
    },
    format: form === 'nano' ? 'plain' : 'fenced',
    refinedFormat: form === 'nano' ? 'plain' : 'tagged',
    stopIds: tokenizer.eosIds,
  };
}
