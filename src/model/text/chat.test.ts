import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderSource } from '../../storage/node/folder-source.ts';
import { loadChatTemplate, type ChatMessage } from './chat.ts';
import { textSource } from './testing/source.ts';

const config = (chat_template: unknown) =>
  textSource({
    'tokenizer_config.json': {
      bos_token: '<s>',
      eos_token: { content: '</s>' },
      chat_template,
    },
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
        await loadChatTemplate(textSource({ 'chat_template.jinja': '{{ messages[0].content }}!' }))
      ).renderChat(user),
    ).toBe('Hi!');
  });

  test('files come before the config, and an additional default before chat_template.jinja', async () => {
    const old = { 'tokenizer_config.json': { chat_template: 'old' } };
    const file = { ...old, 'chat_template.jinja': 'new' };
    const folder = { ...file, 'additional_chat_templates/default.jinja': 'newest' };
    const rendered = async (contents: Record<string, unknown>) =>
      (await loadChatTemplate(textSource(contents))).renderChat(user);
    expect(await rendered(old)).toBe('old');
    expect(await rendered(file)).toBe('new');
    expect(await rendered(folder)).toBe('newest');
    const tools = { ...old, 'additional_chat_templates/tool_use.jinja': 'tools' };
    await expect(rendered(tools)).rejects.toThrow('none is the default: tool_use.');
  });

  test('with tools the template for them is taken, where there is one', async () => {
    const { renderChat } = await loadChatTemplate(
      config([
        { name: 'default', template: 'plain' },
        { name: 'tool_use', template: '{{ tools[0] }}' },
      ]),
    );
    expect(renderChat(user, { tools: ['hammer'] })).toBe('hammer');
    expect(renderChat(user)).toBe('plain');
  });

  test('templates without a default are named', async () => {
    const { exists, renderChat } = await loadChatTemplate(
      config([
        { name: 'tool_use', template: 'a' },
        { name: 'rag', template: 'b' },
      ]),
    );
    expect(exists).toBe(true);
    expect(() => renderChat(user)).toThrow('none is the default: rag, tool_use.');
  });

  test('knows every special token, those of special_tokens_map.json before the config', async () => {
    const { renderChat } = await loadChatTemplate(
      textSource({
        'tokenizer_config.json': { bos_token: '<old>', unk_token: '<unk>' },
        'special_tokens_map.json': { bos_token: '<new>', pad_token: { content: '<pad>' } },
        'chat_template.jinja': '{{ bos_token }}{{ unk_token }}{{ pad_token }}{{ eos_token }}',
      }),
    );
    expect(renderChat(user)).toBe('<new><unk><pad>');
  });

  test("knows one newline, as Jinja does, and drops a block's line", async () => {
    const { renderChat } = await loadChatTemplate(
      config('a\r\n  {% if true %}\r\nb\r{% endif %}\r\nc\r\n'),
    );
    expect(renderChat(user)).toBe('a\nb\nc');
  });

  test.each([
    ['{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}', 'steps'],
    ['{{ range(1000000000) | length }}', 'range of 1000000000 numbers'],
    [
      '{% set n = namespace(x="ab") %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}',
      'characters',
    ],
    ['{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', 'refused the messages'],
  ])('%s comes to an end', async (template, said) => {
    const { renderChat } = await loadChatTemplate(config(template));
    expect(() => renderChat(user)).toThrow(said);
  });

  test('a base model without a template says so when asked to render', async () => {
    const { exists, renderChat } = await loadChatTemplate(textSource({}));
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
