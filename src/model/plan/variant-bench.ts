import type { OpenedDevice } from '../../gpu/device.ts';
import { perSecond } from '../../kernels/measure.ts';
import { isSound } from '../../kernels/self-test.ts';
import {
  candidates,
  checksOf,
  taskKey,
  type Check,
  type TaskName,
  type Variants,
} from '../../kernels/variants.ts';

/** Picks the fastest sound variant of a task on one device, remembering which kernels were sound. */
export class VariantBench {
  readonly #sound = new Map<string, boolean>();
  readonly #chosen: Record<string, string> = {};

  constructor(
    private readonly opened: OpenedDevice,
    private readonly seconds: number,
  ) {}

  /** What was picked so far. */
  get chosen(): Variants {
    return this.#chosen;
  }

  /**
   * Chooses the fastest candidate; returns its runs a second, 0 where there is nothing to choose. A
   * candidate other than the plain one must have shown on this device that it computes what its
   * reference does: a driver may refuse a kernel, or get it wrong.
   */
  async pick(task: TaskName, rows: number, run: (trial: Variants) => void): Promise<number> {
    const names = candidates(task, rows, this.opened);
    if (names.length === 1) return 0;
    const key = taskKey(task, rows);
    let best = 0;
    for (const name of names) {
      if (name !== 'plain' && !(await this.#allSound(checksOf(task, name, rows)))) continue;
      const trial = { [key]: name };
      const rate = await perSecond(this.opened, this.seconds, () => run(trial));
      if (rate <= best) continue;
      best = rate;
      this.#chosen[key] = name;
    }
    return best;
  }

  async #allSound(checks: readonly Check[]): Promise<boolean> {
    for (const { kernel, ...check } of checks) {
      const key = `${kernel.name} ${JSON.stringify(check.constants)}`;
      const sound = this.#sound.get(key) ?? (await isSound(this.opened, kernel, check));
      this.#sound.set(key, sound);
      if (!sound) return false;
    }
    return true;
  }
}
