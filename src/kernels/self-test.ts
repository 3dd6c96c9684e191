import type { OpenedDevice } from '../gpu/device.ts';
import type { Kernel, KernelCase } from '../gpu/kernel.ts';
import { closeness } from '../lib/closeness.ts';
import { messageOf } from '../lib/errors.ts';
import { gradNorm } from './adamw.ts';
import { attention } from './attention.ts';
import { linear, linearTiled } from './linear.ts';
import { rmsNorm } from './rms-norm.ts';
import type { Constants } from './reference-helpers.ts';
import { comparable, runOnDevice, runReference } from './run-case.ts';
import { sample } from './sample.ts';
import { tokenLoss } from './token-loss.ts';

export interface SelfTestResult {
  readonly name: string;
  readonly ok: boolean;
  /** One sentence: how close, or what is wrong. */
  readonly detail: string;
}

/** What is run at start-up: (what it shows, kernel, title of its case). Each is small. */
const CHECKS: readonly (readonly [name: string, kernel: Kernel, title: string])[] = [
  [
    'matrix product with LoRA, f32 weights',
    linear,
    'three LoRA segments of unequal width, three adapters in the batch',
  ],
  [
    'matrix product, f16 weights',
    linear,
    'rank 16, one segment, the second adapter, f16, accumulated',
  ],
  [
    'matrix product with LoRA, q4 weights',
    linearTiled,
    'q4: three LoRA segments of unequal width, three adapters in the batch',
  ],
  ['normalisation', rmsNorm, 'beyond a workgroup'],
  ['attention', attention, 'a prefix that completions of 1, 3 and 9 tokens share'],
  ['loss and its gradient', tokenLoss, 'policy gradient, odd vocabulary'],
  ['random numbers of the sampler', sample, 'a few tokens at several temperatures'],
  ['detection of NaN and infinity', gradNorm, 'NaN and both infinities, each in its chunk'],
];

/**
 * Runs a few kernels against their references on this device: drivers have returned wrong sums
 * silently. Never throws for a wrong result, only for a lost device.
 */
export async function selfTest(opened: OpenedDevice): Promise<SelfTestResult[]> {
  const results: SelfTestResult[] = [];
  for (const [name, kernel, title] of CHECKS) {
    try {
      const found = kernel.cases().find((c) => c.title === title);
      if (!found) throw new Error(`Kernel ${kernel.name} has no case "${title}".`);
      results.push({ name, ...(await check(opened, kernel, found)) });
    } catch (error) {
      if (opened.lost.error) throw opened.lost.error;
      results.push({ name, ok: false, detail: messageOf(error) });
    }
  }
  return results;
}

/**
 * Whether a kernel compiles on this device and computes its own cases (those `asked` for), with
 * `constants` in place of the case's, as its reference does. Throws for a lost device only; what
 * WebGPU says of the kernel goes no further.
 */
export async function isSound(
  opened: OpenedDevice,
  kernel: Kernel,
  {
    constants = {},
    asked = () => true,
  }: { readonly constants?: Constants; readonly asked?: (found: KernelCase) => boolean } = {},
): Promise<boolean> {
  opened.device.pushErrorScope('validation');
  let sound = true;
  try {
    for (const found of kernel.cases().filter(asked))
      sound &&= (
        await check(opened, kernel, { ...found, constants: { ...found.constants, ...constants } })
      ).ok;
  } catch {
    sound = false;
  }
  const error = await opened.device.popErrorScope();
  if (opened.lost.error) throw opened.lost.error;
  return sound && error === null;
}

async function check(
  opened: OpenedDevice,
  kernel: Kernel,
  found: KernelCase,
): Promise<Omit<SelfTestResult, 'name'>> {
  const expected = runReference(kernel, found);
  const actual = await runOnDevice(opened, kernel, found);
  if (opened.failure.error) throw opened.failure.error;
  let worst = 0;
  for (const [name, array] of Object.entries(expected)) {
    const got = comparable(kernel, name, actual[name] ?? new Float64Array());
    const result = closeness(got, comparable(kernel, name, array), found.tolerance ?? 1e-4);
    if (!result.ok) return { ok: false, detail: `${name}: ${result.message}` };
    worst = Math.max(worst, result.worst);
  }
  return {
    ok: true,
    detail: `Agrees with the reference to ${(worst * 100).toPrecision(2)} % of the tolerance.`,
  };
}
