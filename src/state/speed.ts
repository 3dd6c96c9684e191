/** How far a download had come at a time (ms). */
export interface Sample {
  readonly time: number;
  readonly done: number;
}

/**
 * What a speed is the mean of, ms: long enough to be steady, short enough to follow a network that
 * changes.
 */
const WINDOW = 8000;

/** The samples with a new one: those of the last seconds, and one before them to measure from. */
export function withSample(samples: readonly Sample[], next: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last && next.done < last.done) return [next]; // begun anew
  const first = samples.findLastIndex(({ time }) => time <= next.time - WINDOW);
  return [...samples.slice(Math.max(0, first)), next];
}

/** Bytes a second over the samples; null where they say nothing yet. */
export function speedOf(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.time - first.time < 500) return null;
  return ((last.done - first.done) * 1000) / (last.time - first.time);
}
