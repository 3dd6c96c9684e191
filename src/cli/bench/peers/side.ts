import { now, since, type Spent } from '../clock.ts';

/** One of two that do the same work. */
export interface Side {
  /** Does it once; may return before the device has. */
  readonly run: () => void;
  /** Resolves when the device has done all. */
  readonly finish: () => Promise<void>;
}

/** How often each side does its work in one measurement, so that it takes about so long. */
const SECONDS = 0.3;

/**
 * Seconds a repetition of each side, in rounds of one after the other: the machine's load weighs on
 * all alike. Each is warm before it is timed.
 */
export async function interleave<K extends string>(
  sides: Readonly<Record<K, Side>>,
  rounds: number,
): Promise<Record<K, Spent[]>> {
  const names = Object.keys(sides) as K[];
  const times = Object.fromEntries(names.map((name) => [name, [] as Spent[]])) as Record<
    K,
    Spent[]
  >;
  const counts = new Map<K, number>();
  for (const name of names) {
    await measure(sides[name], 1);
    const { wall } = await measure(sides[name], 1);
    counts.set(name, Math.max(1, Math.min(200, Math.round(SECONDS / wall))));
  }
  for (let round = 0; round < rounds; round++)
    for (const name of names) times[name].push(await measure(sides[name], counts.get(name) ?? 1));
  return times;
}

async function measure(side: Side, count: number): Promise<Spent> {
  const begin = now();
  for (let i = 0; i < count; i++) side.run();
  await side.finish();
  const { wall, processor } = since(begin);
  return { wall: wall / count, processor: processor / count };
}
