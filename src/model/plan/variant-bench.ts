import type { OpenedDevice } from '../../gpu/device.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { perSecond } from '../../kernels/measure.ts';
import { isSound } from '../../kernels/self-test.ts';
import { candidates, taskKey, type Task, type Variants } from '../../kernels/variants.ts';

/** Picks the fastest sound variant of a task on one device, remembering which kernels were sound. */
export class VariantBench {
  readonly #sound = new Map<string, boolean>();

  constructor(
    private readonly opened: OpenedDevice,
    private readonly seconds: number,
  ) {}

  async #allSound(
    kernels: readonly Kernel[],
    constants: Readonly<Record<string, number>>,
  ): Promise<boolean> {
    for (const kernel of kernels) {
      const key = `${kernel.name} ${JSON.stringify(constants)}`;
      if (!this.#sound.has(key))
        this.#sound.set(key, await isSound(this.opened, kernel, { constants }));
      if (this.#sound.get(key) !== true) return false;
    }
    return true;
  }

  /**
   * Adds the fastest candidate to `chosen`; returns its runs a second, 0 where there is nothing to
   * choose. A candidate other than the plain one must have shown on this device that it computes
   * what its reference does: a driver may refuse a kernel, or get it wrong. `constants` are those
   * that make the candidate.
   */
  async pick(
    chosen: Record<string, string>,
    task: Task,
    rows: number,
    kernels: (trial: Variants) => readonly Kernel[],
    run: (trial: Variants) => void,
    constants: (trial: Variants) => Readonly<Record<string, number>> = () => ({}),
  ): Promise<number> {
    const key = taskKey(task, rows);
    const names = candidates(task, rows, this.opened.subgroupSize !== null);
    if (names.length === 1) return 0;
    let best = 0;
    for (const name of names) {
      const trial = { [key]: name };
      if (name !== 'plain' && !(await this.#allSound(kernels(trial), constants(trial)))) continue;
      const rate = await perSecond(this.opened, this.seconds, () => run(trial));
      if (rate <= best) continue;
      best = rate;
      chosen[key] = name;
    }
    return best;
  }
}
