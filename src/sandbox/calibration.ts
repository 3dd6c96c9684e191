import type { GuestHandle } from './guest-handle.ts';

/** A fixed piece of work of about the mix that programs have: calls, lists, dicts, text. */
const WORK = `
def work(n):
    seen = {}
    for i in range(n):
        text = str(i * 7919 % 1009)
        seen[text] = seen.get(text, 0) + len(text)
    return sum(sorted(seen.values())[:10])
`;

/**
 * What the work takes inside on the machine the limits were made for (2 cores of a Xeon, nothing
 * else running), in ms.
 */
const REFERENCE_MS = 25;
/** Limits grow on a slower machine, up to this factor, and never shrink. */
const MOST = 4;
/** A guest that takes longer over it is not there any more. */
const LIMIT_MS = 30_000;

/**
 * How many times slower than the reference this guest is now, at least 1: limits in seconds are
 * multiplied by it. Null for a guest that can run one program only. Rejects with `GuestLost`.
 */
export async function slowness(guest: GuestHandle): Promise<number | null> {
  if (!guest.paths.has('restore')) return null;
  let ms = 0;
  // The first pass lets the engine compile what the second is timed on.
  const call = {
    type: 'call',
    source: 'work(50_000)',
    nodes: 10,
    text: 100,
    consume: false,
    truth: false,
  };
  const requests = [
    { type: 'load', setup: '', solution: WORK, setupAfterSolution: false },
    call,
    call,
  ];
  const timer = setTimeout(() => guest.kill('its speed could not be measured'), LIMIT_MS);
  try {
    await guest.run(requests, true, (answer) => (ms = answer.ms)).done;
  } finally {
    clearTimeout(timer);
  }
  return Math.min(MOST, Math.max(1, ms / REFERENCE_MS));
}
