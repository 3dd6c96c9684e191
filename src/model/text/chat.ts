import type { FileSource } from '../weights/source.ts';
import { loadTokenFiles, TEMPLATE_NAMES, templatePath, type TokenFiles } from './files.ts';
import { compileTemplate } from './jinja.ts';

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

/**
 * The chat template as transformers finds it: chat_template.jinja and additional_chat_templates/ in
 * place of whatever tokenizer_config.json holds. Of several the one named `default` is taken, with
 * tools the one named `tool_use` before it.
 */
export async function loadChatTemplate(source: FileSource): Promise<ChatTemplate> {
  const files = await loadTokenFiles(source);
  const inFiles = await templateFiles(source);
  const templates = inFiles.size > 0 ? inFiles : configured(files);
  if (templates.size === 0) {
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

  const compiled = new Map<string, ReturnType<typeof compileTemplate>>();
  for (const [name, text] of templates) {
    try {
      compiled.set(name, compileTemplate(text));
    } catch (error) {
      // A template that nothing asks for may be one for another program.
      if (name !== 'default' && templates.has('default')) continue;
      throw new Error(
        `The chat template${name === 'default' ? '' : ` ${name}`} of ${source.label} cannot be ` +
          `read: ${reason(error)}.`,
        { cause: error },
      );
    }
  }
  const { special } = files;
  return {
    exists: true,
    renderChat: (messages, { addGenerationPrompt = true, tools } = {}) => {
      const render = (tools && compiled.get('tool_use')) ?? compiled.get('default');
      if (!render)
        throw new Error(
          `${source.label} has several chat templates and none is the default: ` +
            `${[...templates.keys()].sort().join(', ')}. Put the one you want into a file ` +
            'chat_template.jinja beside tokenizer.json.',
        );
      try {
        return render({
          bos_token: '',
          eos_token: '',
          ...Object.fromEntries(special),
          messages,
          add_generation_prompt: addGenerationPrompt,
          ...(tools && { tools }),
        });
      } catch (error) {
        throw new Error(
          `The chat template of ${source.label} refused the messages: ${reason(error)}.`,
          { cause: error },
        );
      }
    },
  };
}

async function templateFiles(source: FileSource): Promise<Map<string, string>> {
  const paths: [name: string, path: string][] = [
    ['default', 'chat_template.jinja'],
    ...TEMPLATE_NAMES.map((name): [string, string] => [name, templatePath(name)]),
  ];
  const contents = await Promise.all(paths.map(([, path]) => source.read(path)));
  const found = new Map<string, string>();
  paths.forEach(([name], i) => {
    const bytes = contents[i];
    if (bytes) found.set(name, new TextDecoder().decode(bytes));
  });
  return found;
}

function configured({ config }: TokenFiles): Map<string, string> {
  const named = config.chat_template ?? [];
  if (typeof named === 'string') return new Map([['default', named]]);
  return new Map(named.map(({ name, template }) => [name, template]));
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
