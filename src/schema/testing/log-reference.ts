import { RunEvent } from '../events.ts';

/** The parts of a valibot schema that a reference is made of. */
interface Shape {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly wrapped?: Shape;
  readonly item?: Shape;
  readonly items?: readonly Shape[];
  readonly options?: readonly (Shape | string)[];
  readonly literal?: unknown;
  readonly default?: unknown;
}

/** A schema in words: `number`, `"eos" or "stop"`, `list of {…}`. */
function words(shape: Shape): string {
  switch (shape.type) {
    case 'optional':
      return `${words(shape.wrapped!)}, may be missing`;
    case 'nullable':
      return `${words(shape.wrapped!)} or null`;
    case 'literal':
      return JSON.stringify(shape.literal);
    case 'picklist':
      return shape.options!.map((option) => JSON.stringify(option)).join(' or ');
    case 'array':
      return `list of ${words(shape.item!)}`;
    case 'tuple':
      return `[${shape.items!.map(words).join(', ')}]`;
    case 'record':
      return 'object by name';
    case 'object':
      return `{ ${Object.entries(shape.entries!)
        .map(([name, inner]) => `${name}: ${words(inner)}`)
        .join('; ')} }`;
    default:
      return shape.type;
  }
}

/** A table of fields for every event of a run's log; a test holds docs/log-format.md against it. */
export function logReference(): string {
  const events = (RunEvent as unknown as { options: readonly Shape[] }).options;
  return events
    .map(({ entries }) => {
      const { type, seq: _seq, time: _time, config, verdict, ...fields } = entries!;
      const rows = Object.entries(fields).map(([name, shape]) => [`\`${name}\``, words(shape)]);
      if (config) rows.push(['`config`', 'as in [config.json](methods.md#defaults)']);
      if (verdict) rows.push(['`verdict`', 'as in [Verdicts](sandbox.md#verdicts)']);
      return [
        `### ${String(type!.literal)}`,
        '',
        '| field | value |',
        '| --- | --- |',
        ...rows.map((cells) => `| ${cells.join(' | ')} |`),
      ].join('\n');
    })
    .join('\n\n');
}
