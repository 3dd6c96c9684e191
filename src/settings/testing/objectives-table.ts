import { OBJECTIVE_NAMES, objectiveRow, SWITCHES } from '../objectives.ts';
import { wordOf } from '../setting.ts';

/**
 * The tables of objectives of docs/methods.md: every switch of each, with the number of its source,
 * then the sources. `·`: nothing reads it. A test holds the page against it.
 */
export function objectivesTable(): string {
  const sources: string[] = [];
  const number = (source: string) => {
    if (!sources.includes(source)) sources.push(source);
    return sources.indexOf(source) + 1;
  };
  const rows = OBJECTIVE_NAMES.map((name) => objectiveRow(name));
  const lines = SWITCHES.map(({ setting }, i) => [
    `\`--${setting.flag}\``,
    ...rows.map((row) => {
      const { value, source } = row[i]!;
      return source === 'unused' ? '·' : `${wordOf(setting, value)} [${number(source)}]`;
    }),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['switch', ...OBJECTIVE_NAMES.map((name) => `\`${name}\``)];
  return [
    ...[head, head.map(() => '---'), ...lines].map(line),
    '',
    ...[['number', 'source'], ['---', '---'], ...sources.map((s, i) => [`[${i + 1}]`, s])].map(
      line,
    ),
  ].join('\n');
}
