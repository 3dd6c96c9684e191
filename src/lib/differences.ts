export interface Difference {
  /** Dotted path of a value, e.g. `loss.beta`. */
  readonly path: string;
  readonly first: unknown;
  readonly second: unknown;
}

/**
 * Where two JSON values differ, leaf by leaf in the order of their keys; arrays, and what only one
 * of them has, as a whole.
 */
export function differences(first: unknown, second: unknown, path = ''): Difference[] {
  if (isRecord(first) && isRecord(second)) {
    const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
    return [...keys].flatMap((key) =>
      differences(first[key], second[key], path === '' ? key : `${path}.${key}`),
    );
  }
  return JSON.stringify(first) === JSON.stringify(second) ? [] : [{ path, first, second }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
