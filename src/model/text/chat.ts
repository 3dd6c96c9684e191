import { Template } from '@huggingface/jinja';
import { loadTokenizerConfig, specialTokenText } from './tokenizer.ts';
import type { FileSource } from '../weights/source.ts';

export interface ChatMessage {
  /** `system`, `user`, `assistant`; what else there is the template decides. */
  readonly role: string;
  /** Missing or null where a turn only calls tools. */
  readonly content?: string | null | undefined;
  /** Further fields (`tool_calls`, `name`) reach the template as they are. */
  readonly [field: string]: unknown;
}

export interface ChatTemplate {
  /** False: a base model without a template; `renderChat` then throws. */
  readonly exists: boolean;
  /**
   * The text of a conversation; `addGenerationPrompt` (on) opens the assistant's turn. Throws a
   * sentence where the template refuses it.
   */
  readonly renderChat: (
    messages: readonly ChatMessage[],
    options?: { readonly addGenerationPrompt?: boolean; readonly tools?: readonly unknown[] },
  ) => string;
}

/** The chat template of tokenizer_config.json, or of chat_template.jinja beside it. */
export async function loadChatTemplate(source: FileSource): Promise<ChatTemplate> {
  const config = await loadTokenizerConfig(source);
  const named = config.chat_template ?? null;
  const file = named === null ? await source.read('chat_template.jinja') : null;
  const text = Array.isArray(named)
    ? (named.find((template) => template.name === 'default')?.template ?? null)
    : (named ?? (file && new TextDecoder().decode(file)));
  if (text === null) {
    return {
      exists: false,
      renderChat: () => {
        throw new Error(
          `${source.label} has no chat template: it is a base model. Give it a plain prompt, ` +
            'or choose an instruct model.',
        );
      },
    };
  }

  const tokens = {
    bos_token: specialTokenText(config.bos_token) ?? '',
    eos_token: specialTokenText(config.eos_token) ?? '',
  };
  let template: Template;
  try {
    template = new Template(text);
  } catch (error) {
    throw new Error(`The chat template of ${source.label} cannot be read: ${reason(error)}.`, {
      cause: error,
    });
  }
  return {
    exists: true,
    renderChat: (messages, options) => {
      try {
        const { addGenerationPrompt = true, tools } = options ?? {};
        return template.render({
          ...tokens,
          messages,
          add_generation_prompt: addGenerationPrompt,
          ...(tools && { tools }),
        });
      } catch (error) {
        throw new Error(
          `The chat template of ${source.label} refused the messages: ${reason(error)}.`,
          {
            cause: error,
          },
        );
      }
    },
  };
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
