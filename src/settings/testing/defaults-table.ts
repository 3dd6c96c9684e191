import { METHODS, METHOD_NAMES } from '../methods.ts';
import { SHARED } from '../presets.ts';
import { placed, wordOf, type PlacedSetting } from '../setting.ts';

/**
 * The defaults table of docs/methods.md: every setting with its path, flag, bounds, defaults and
 * source. A test holds the page against it.
 */
export function defaultsTable(): string {
  const own = new Map<string, PlacedSetting>();
  for (const name of METHOD_NAMES) {
    const { part, settings } = METHODS[name];
    if (part === null) continue;
    for (const entry of placed(settings, `${part}.`))
      if (!own.has(entry.path)) own.set(entry.path, entry);
  }
  const rows = [...SHARED, ...own.values()].map(({ path, setting }) => {
    const { label, symbol, flag, source, standard, nano, accepts, off } = setting;
    const named = symbol !== undefined && !label.includes(symbol) ? `${label} (${symbol})` : label;
    const bounds =
      accepts.kind === 'choice'
        ? Object.keys(accepts.words).join(', ')
        : `${accepts.min} to ${accepts.max}${off === null ? '' : `, ${off}`}`;
    const other = nano === undefined ? '' : short(wordOf(setting, nano));
    const usual = short(wordOf(setting, standard));
    return [named, `\`${path}\``, `\`--${flag}\``, bounds, usual, other, source];
  });
  const head = ['setting', 'config.json', 'flag', 'takes', 'default', '`nano`', 'source'];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function short(word: string): string {
  const value = Number(word);
  return word !== '' && Number.isFinite(value) ? String(Number(value.toPrecision(4))) : word;
}
