import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { loadChatTemplate, type ChatMessage } from './chat.ts';
import type { FileSource } from '../weights/source.ts';

function files(contents: Record<string, string>): FileSource {
  const get = (path: string) =>
    contents[path] === undefined ? null : new TextEncoder().encode(contents[path]);
  return {
    label: 'the model',
    read: (path) => Promise.resolve(get(path)),
    size: (path) => Promise.resolve(get(path)?.length ?? null),
    readRange: () => Promise.reject(new Error('not asked for')),
  };
}
const config = (chat_template: unknown) =>
  files({
    'tokenizer_config.json': JSON.stringify({
      bos_token: '<s>',
      eos_token: { content: '</s>' },
      chat_template,
    }),
  });
const TEMPLATE =
  '{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}{% ' +
  'endfor %}{% if add_generation_prompt %}[assistant]{% endif %}';
const user: ChatMessage[] = [{ role: 'user', content: 'Hi' }];

describe('renderChat', () => {
  test('has the special tokens at hand and opens the turn of the assistant unless told not to', async () => {
    const { exists, renderChat } = await loadChatTemplate(config(TEMPLATE));
    expect(exists).toBe(true);
    expect(renderChat(user)).toBe('<s>[user] Hi</s>[assistant]');
    expect(renderChat(user, { addGenerationPrompt: false })).toBe('<s>[user] Hi</s>');
  });

  test('takes the default of several templates, and a template in a file of its own', async () => {
    const named = [
      { name: 'tool_use', template: 'no' },
      { name: 'default', template: TEMPLATE },
    ];
    expect((await loadChatTemplate(config(named))).renderChat(user)).toBe(
      '<s>[user] Hi</s>[assistant]',
    );
    expect(
      (
        await loadChatTemplate(files({ 'chat_template.jinja': '{{ messages[0].content }}!' }))
      ).renderChat(user),
    ).toBe('Hi!');
  });

  test('a base model without a template says so when asked to render', async () => {
    const { exists, renderChat } = await loadChatTemplate(files({}));
    expect(exists).toBe(false);
    expect(() => renderChat(user)).toThrow('the model has no chat template');
  });

  test('what the template refuses becomes a sentence', async () => {
    const { renderChat } = await loadChatTemplate(
      config("{{ raise_exception('System role not supported') }}"),
    );
    expect(() => renderChat(user)).toThrow(
      'The chat template of the model refused the messages: System role not supported.',
    );
    await expect(loadChatTemplate(config('{% for %}'))).rejects.toThrow('cannot be read');
  });
});

const qwen = join(import.meta.dirname, '../../../../shared/data/qwen2.5');
if (!existsSync(qwen))
  console.warn('Skipped: the Qwen2.5 chat template is not in ../shared/data/qwen2.5.');
describe.skipIf(!existsSync(qwen))("Qwen2.5's chat template", () => {
  test('renders the published conversation with tools to the letter', async () => {
    const published = JSON.parse(readFileSync(join(qwen, 'chat_rendering.json'), 'utf8')) as {
      data: { messages: ChatMessage[]; tools: unknown[] };
      target: string;
    };
    const { renderChat } = await loadChatTemplate(folderSource(qwen));
    const { messages, tools } = published.data;
    expect(renderChat(messages, { tools, addGenerationPrompt: false })).toBe(published.target);
  });

  test('gives a plain user turn its system line and opens the turn of the assistant', async () => {
    const { renderChat } = await loadChatTemplate(folderSource(qwen));
    expect(renderChat(user)).toBe(
      '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' +
        '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
  });
});
