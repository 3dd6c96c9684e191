import * as v from 'valibot';
import { parseJson } from '../../lib/json.ts';
import { parseFlags, type OptionSpec } from '../args.ts';
import type { Command } from '../command.ts';
import { print, readStdin, readText, write } from '../io.ts';
import { MODEL_FLAGS, openTokenizer } from '../model.ts';

const FLAGS = {
  ...MODEL_FLAGS,
  decode: { kind: 'flag', help: 'turn {"ids": […]} on stdin into text' },
  chat: {
    kind: 'text',
    value: 'messages.json',
    help: 'render these messages through the chat template instead of reading stdin',
  },
  'no-generation-prompt': { kind: 'flag', help: "do not open the assistant's turn" },
  json: { kind: 'flag', help: "no effect: the output is JSON always, --decode's excepted" },
} as const satisfies Record<string, OptionSpec>;

const Ids = v.object({ ids: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))) });
/** A turn that only calls tools has no content. */
export const Message = v.looseObject({ role: v.string(), content: v.nullish(v.string()) });
/** A list of messages, or an object that holds one. */
const Messages = v.pipe(
  v.unknown(),
  v.transform((file) =>
    typeof file === 'object' && file !== null && 'messages' in file ? file.messages : file,
  ),
  v.array(Message),
);

export const tokenize: Command = {
  name: 'tokenize',
  summary: 'text on stdin to token ids, and back',
  flags: FLAGS,
  async run(argv, { root }) {
    const flags = parseFlags(FLAGS, argv);
    const { tokenizer, chat } = await openTokenizer(flags.model, root);
    if (flags.chat !== undefined) {
      const messages = parseJson(
        Messages,
        await readText(flags.chat, 'The messages file'),
        flags.chat,
      );
      const text = chat.renderChat(messages, {
        addGenerationPrompt: !flags['no-generation-prompt'],
      });
      await print(JSON.stringify({ text, ids: tokenizer.encode(text) }));
    } else if (flags.decode) {
      const { ids } = parseJson(Ids, await readStdin(), 'stdin');
      const text = tokenizer.decode(ids);
      // The text alone, to the byte: no newline of ours.
      if (flags.json) await print(JSON.stringify({ text }));
      else await write(text);
    } else {
      await print(JSON.stringify({ ids: tokenizer.encode(await readStdin()) }));
    }
    return 0;
  },
};
