import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedDevice } from '../gpu/device.ts';
import {
  bindingsOf,
  paramsOf,
  partsOf,
  shaderSource,
  type GradientCheck,
  type Kernel,
  type KernelCase,
} from '../gpu/kernel.ts';
import { openTestDevice } from '../gpu/testing/node-gpu.ts';
import { Rng } from '../lib/rng.ts';
import '../lib/testing/closeness.ts';
import { gradNormTotal } from './adamw.ts';
import { KERNELS } from './index.ts';
import { kdLoss } from './kd-loss.ts';
import { comparable, runOnDevice, runReference, toReference } from './run-case.ts';
import { sample } from './sample.ts';
import { tokenLoss } from './token-loss.ts';

const TOLERANCE = 1e-4;
/**
 * Of a derivative against central differences in double precision; the kernels compute in single.
 */
const GRADIENT_TOLERANCE = 2e-4;
const SAMPLES = 24;

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await openTestDevice();
});
afterEach(() => expect(opened.failure.error).toBeNull());
afterAll(() => opened?.device.destroy());

async function expectAgreement(kernel: Kernel, c: KernelCase, constants = {}): Promise<void> {
  const expected = runReference(kernel, c, constants);
  const actual = await runOnDevice(opened, kernel, c, constants);
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, array] of Object.entries(expected)) {
    expect(comparable(kernel, name, actual[name] ?? new Float64Array()), name).toBeCloseToArray(
      comparable(kernel, name, array),
      c.tolerance ?? TOLERANCE,
    );
  }
}

describe.each(KERNELS.map((kernel) => [kernel.name, kernel] as const))('%s', (_name, kernel) => {
  const cases = kernel.cases();

  it.each(cases.map((c) => [c.title, c] as const))('equals its reference: %s', (_title, c) =>
    expectAgreement(kernel, c),
  );

  // Either number of lanes is in use for the vocabulary, so there all cases count but those of
  // thousands of workgroups.
  const some = [tokenLoss, kdLoss, sample].includes(kernel)
    ? cases.filter((c) => workgroups(kernel, c) < 1000)
    : cases.slice(1, 3);
  it.each('LANES' in (kernel.constants ?? {}) ? [1, 256] : [])(
    'gives the same for workgroups of %i lanes',
    async (LANES) => {
      for (const c of LANES === 1 ? cases.slice(1, 3) : some)
        await expectAgreement(kernel, c, { LANES });
    },
  );

  it('gives the same bits in pieces, a workgroup a dispatch', async () => {
    const { recorder } = opened;
    const cut = cases.find((c) => workgroups(kernel, c) > 1);
    if (!cut) return expect(kernel).toBe(gradNormTotal); // one workgroup, whatever its size
    const whole = await runOnDevice(opened, kernel, cut);
    const [rate, before] = [recorder.flopsPerSecond, recorder.counts.dispatches];
    recorder.flopsPerSecond = 1;
    const pieces = await runOnDevice(opened, kernel, cut);
    recorder.flopsPerSecond = rate;
    expect(recorder.counts.dispatches - before).toBe(workgroups(kernel, cut));
    expect(pieces).toEqual(whole);
  });

  it('compiles without a warning in every variant its cases use', async () => {
    const sources = new Set(cases.map((c) => shaderSource(kernel, c.constants ?? {})));
    for (const code of sources) {
      const info = await opened.device.createShaderModule({ code }).getCompilationInfo();
      expect(info.messages.map((m) => `${m.lineNum}:${m.linePos} ${m.type}: ${m.message}`)).toEqual(
        [],
      );
    }
  });

  it('uses every binding and parameter it declares, and its cases give all of them', () => {
    const body = partsOf(kernel)
      .map(({ text }) => text.replace(/struct Params[^}]*}/g, ''))
      .join('\n');
    const bindings = bindingsOf(kernel);
    expect(bindings.length).toBeLessThanOrEqual(8);
    for (const { name } of bindings) {
      expect(body).toMatch(new RegExp(`\\b${name}\\[`));
      expect(cases.some((c) => c.io[name] !== undefined)).toBe(true);
    }
    const params = paramsOf(kernel).map((param) => param.name);
    for (const name of params) expect(body).toMatch(new RegExp(`\\bp\\.${name}\\b`));
    for (const c of cases)
      expect(Object.keys(c.params).sort()).toEqual([...params, ...(kernel.estimates ?? [])].sort());
  });

  it('has at least three cases with titles of their own', () => {
    expect(cases.length).toBeGreaterThanOrEqual(3);
    expect(new Set(cases.map((c) => c.title)).size).toBe(cases.length);
  });

  it('has a gradient check where it is a backward or leaves a gradient', () => {
    if (kernel.name.endsWith('.bwd') || 'gradient' in (cases[0]?.params ?? {}))
      expect(kernel.gradients?.length).toBeGreaterThan(0);
  });

  describe.each(
    (kernel.gradients ?? []).map((check) => [check.gradient, check.wrt, check] as const),
  )('%s is the derivative with respect to %s by finite differences', (_gradient, _wrt, check) => {
    const applicable = cases.filter(
      (c) => c.io[check.wrt] !== undefined && (check.applies?.(c.params) ?? true),
    );
    let largest = 0;

    it.each(applicable.map((c) => [c.title, c] as const))('%s', async (_title, c) => {
      const { analytic, numeric } = await derivatives(kernel, check, c);
      expect(analytic).toBeCloseToArray(numeric, GRADIENT_TOLERANCE);
      largest = Math.max(largest, ...numeric.map(Math.abs));
    });

    it('is not small everywhere it was checked', () => {
      expect(applicable.length).toBeGreaterThanOrEqual(3);
      expect(largest).toBeGreaterThan(1000 * GRADIENT_TOLERANCE);
    });
  });
});

function workgroups(kernel: Kernel, c: KernelCase): number {
  const [x, y] = kernel.grid(c.params, { ...kernel.constants, ...c.constants });
  return x * y;
}

/**
 * The kernel's derivative and the central difference of the forward's loss at a sample of entries.
 */
async function derivatives(kernel: Kernel, check: GradientCheck, c: KernelCase) {
  const gradientBefore = c.io[check.gradient];
  if (!(gradientBefore instanceof Float32Array))
    throw new Error(`The case holds no float array ${check.gradient}.`);
  // A kernel that works in place reads the point it differentiates at from its gradient buffer.
  const zeroed =
    check.gradient === check.wrt ? gradientBefore : new Float32Array(gradientBefore.length);
  const result = (
    await runOnDevice(opened, kernel, { ...c, io: { ...c.io, [check.gradient]: zeroed } })
  )[check.gradient];
  const io = toReference(c.io);
  const point = io[check.wrt] as Float64Array;
  const constants = { ...kernel.constants, ...c.constants };
  const rng = new Rng(point.length);
  const indices =
    point.length <= SAMPLES
      ? [...point.keys()]
      : Array.from({ length: SAMPLES }, () => rng.int(point.length)).concat(0, point.length - 1);
  const h = 1e-5;
  const numeric = indices.map((index) => {
    const at = (shift: number) =>
      check.loss(point.with(index, (point[index] ?? 0) + shift), io, c.params, constants);
    return (at(h) - at(-h)) / (2 * h);
  });
  return { analytic: indices.map((index) => result?.[index] ?? NaN), numeric };
}
