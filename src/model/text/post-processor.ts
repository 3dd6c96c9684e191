import { type Fields, isObject, shown } from './fields.ts';
import { isId } from './token-models.ts';

/** What the tokenizer puts around the ids of a text when special tokens are asked for. */
export type PostProcessor = (ids: readonly number[]) => readonly number[];

/** The post-processor that tokenizer.json describes. */
export function postProcessorOf(fields: Fields): PostProcessor {
  const made = make(fields);
  // Offsets and types of tokens are not given out here, nor pairs of texts encoded.
  fields.end('trim_offsets', 'add_prefix_space', 'use_regex', 'pair');
  return made;
}

function make(fields: Fields): PostProcessor {
  switch (fields.type) {
    case 'Sequence': {
      const steps = fields.list('processors').map(postProcessorOf);
      return (ids) => steps.reduce((done, step) => step(done), ids);
    }
    case 'ByteLevel':
      return (ids) => ids;
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const cls = tokenId(fields, 'cls');
      const sep = tokenId(fields, 'sep');
      return (ids) => [cls, ...ids, sep];
    }
    case 'TemplateProcessing':
      return template(fields);
    default:
      throw fields.unknownType('a post-processor');
  }
}

/** `["[CLS]", 101]` */
function tokenId(fields: Fields, name: string): number {
  const pair = fields.raw(name);
  if (!Array.isArray(pair) || !isId(pair[1])) throw fields.wrong(name, 'a token with its id');
  return pair[1];
}

function template(fields: Fields): PostProcessor {
  const tokens = fields.raw('special_tokens');
  const parts = fields.list('single').map((part): readonly number[] | null => {
    if (part.has('Sequence')) {
      part.raw('Sequence');
      part.end();
      return null;
    }
    const named = part.raw('SpecialToken');
    part.end();
    const name = isObject(named) ? named.id : undefined;
    const entry: unknown = isObject(tokens) && typeof name === 'string' ? tokens[name] : undefined;
    const ids: unknown = isObject(entry) ? entry.ids : undefined;
    if (!Array.isArray(ids) || !ids.every(isId))
      throw new Error(`${part.path} names ${shown(name)}, which special_tokens gives no ids`);
    return ids;
  });
  return (ids) => parts.flatMap((part) => part ?? ids);
}
