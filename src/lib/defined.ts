/** `array[index]`. Throws where there is none: to ask beyond an end is a bug of the caller. */
export function elementAt<T>(array: ArrayLike<T>, index: number): T {
  const element = array[index];
  if (element === undefined)
    throw new RangeError(`Element ${index} was asked for, of ${array.length}. This is a bug.`);
  return element;
}

/**
 * The value, where a missing one is a bug.
 * @param what names it in the error: `${what} is missing`
 */
export function expectDefined<T>(value: T | null | undefined, what: string): T {
  if (value === undefined || value === null) throw new Error(`${what} is missing. This is a bug.`);
  return value;
}
