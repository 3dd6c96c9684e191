import { formatPercent } from '../lib/format.ts';

export { formatSigned } from '../lib/format.ts';

/** Numbers as the screens write them, beside src/lib/format.ts. */

/** Three significant digits or so, exponent only where digits would not do. */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1e-3 || size >= 1e6) return minus(value.toExponential(1).replace('e+', 'e'));
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return minus(value.toFixed(digits));
}

export function formatFixed(value: number, digits: number): string {
  return minus(value.toFixed(digits));
}

/** 0, 1, or a reflection's share of passing retries. */
export function formatReward(reward: number | null): string {
  if (reward === null) return 'none';
  return Number.isInteger(reward) ? String(reward) : formatFixed(reward, 3);
}

/** A rate with its 95 % interval. */
export function formatRate(rate: number, [low, high]: readonly [number, number]): string {
  return `${formatPercent(rate)} (95 %: ${formatPercent(low)} to ${formatPercent(high)})`;
}

/** 1543714304 → `1.5 B`, 134515008 → `135 M`. */
export function formatParameters(count: number): string {
  const [value, unit] = count >= 999.5e6 ? [count / 1e9, 'B'] : [count / 1e6, 'M'];
  return `${value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

const dateTime = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

export function formatDate(time: number): string {
  return dateTime.format(time);
}

function minus(text: string): string {
  return text.replaceAll('-', '−');
}
