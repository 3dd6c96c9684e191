import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { isObject } from './fields.ts';

/**
 * Limits of one rendering; a template is a stranger's program. Long conversations take some ten
 * thousand steps. Jinja's sandbox has the same limit for `range`.
 */
const STEPS = 2_000_000;
const CHARACTERS = 2 ** 24;
const RANGE = 100_000;
/** What a text, a list and a round of a loop cost; a round takes some 20 µs. */
const STEPS_A_ROUND = 20;
const CHARACTERS_A_STEP = 256;
const ITEMS_A_STEP = 16;

/** Counts what a template does, and ends it where it does too much. */
class Bounded extends Interpreter {
  private steps = 0;
  /** What loops go over. */
  private readonly walked = new Set<unknown>();

  override evaluate(
    ...[statement, environment]: Parameters<Interpreter['evaluate']>
  ): ReturnType<Interpreter['evaluate']> {
    this.charge(1);
    if (statement?.type === 'For' && 'iterable' in statement) this.walk(statement.iterable);
    const result = super.evaluate(statement, environment);
    const { value } = result;
    if (typeof value === 'string') {
      if (value.length > CHARACTERS)
        throw new Error(`it made a text of more than ${CHARACTERS} characters`);
      this.charge(value.length / CHARACTERS_A_STEP);
    }
    // A list is walked in one go: by a filter, or by a loop, whose body may be empty.
    const walked = statement !== undefined && this.walked.has(statement);
    if (Array.isArray(value))
      this.charge(walked ? value.length * STEPS_A_ROUND : value.length / ITEMS_A_STEP);
    return result;
  }

  /** `for x in list if test` goes over the list too. */
  private walk(iterable: unknown): void {
    this.walked.add(iterable);
    if (isObject(iterable) && 'lhs' in iterable) this.walked.add(iterable.lhs);
  }

  private charge(steps: number): void {
    this.steps += steps;
    if (this.steps > STEPS)
      throw new Error(`it took more than ${STEPS} steps, so it may never come to an end`);
  }
}

/** A template as Jinja reads it for transformers; throws what the parser says. */
export function compileTemplate(source: string): (variables: Record<string, unknown>) => string {
  const program = parse(
    // Jinja knows one newline.
    tokenize(source.replace(/\r\n?/g, '\n'), { lstrip_blocks: true, trim_blocks: true }),
  );
  return (variables) => {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...GLOBALS, ...variables }))
      environment.set(name, value);
    const { value } = new Bounded(environment).run(program);
    return typeof value === 'string' ? value : '';
  };
}

const GLOBALS: Record<string, unknown> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: (message: string) => {
    throw new Error(message);
  },
  range,
  strftime_now: (format: string) => strftime(new Date(), format),
};

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= RANGE))
    throw new Error(`it asks for a range of ${length} numbers; ${RANGE} are allowed`);
  return Array.from({ length }, (_, i) => start + i * step);
}

/** As Python's, in English. */
function strftime(date: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const name = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en', options).format(date);
  const fields: Record<string, () => string> = {
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    B: () => name({ month: 'long' }),
    b: () => name({ month: 'short' }),
    A: () => name({ weekday: 'long' }),
    a: () => name({ weekday: 'short' }),
    H: () => two(date.getHours()),
    I: () => two(date.getHours() % 12 || 12),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    '%': () => '%',
  };
  return format.replace(/%(.)/g, (whole, letter: string) => fields[letter]?.() ?? whole);
}
