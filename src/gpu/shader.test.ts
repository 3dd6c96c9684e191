import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KERNELS } from '../kernels/index.ts';
import { rmsNorm } from '../kernels/rms-norm.ts';
import { runOnDevice } from '../kernels/run-case.ts';
import type { OpenedDevice } from './device.ts';
import { ShaderError } from './errors.ts';
import { bindingsOf, paramsOf, partsOf, type Kernel } from './kernel.ts';
import { assemble } from './shader.ts';
import { openTestDevice } from './testing/node-gpu.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await openTestDevice();
});
afterAll(() => opened?.device.destroy());

const [someCase] = rmsNorm.cases();

/** What is said of a kernel that does not compile; nothing of it reaches the device's failure. */
async function saidOf(kernel: Kernel): Promise<unknown> {
  if (!someCase) throw new Error('The kernel has no case.');
  opened.device.pushErrorScope('validation');
  const said: unknown = await runOnDevice(opened, kernel, someCase).catch(
    (error: unknown) => error,
  );
  await opened.device.popErrorScope();
  return said;
}

function messageOf(said: unknown): string {
  expect(said).toBeInstanceOf(ShaderError);
  return (said as ShaderError).message;
}

const SUM = 'sum += x[at + i] * x[at + i];';

it('names the file, the line and the place of an error in a kernel', async () => {
  const broken = { ...rmsNorm, name: 'broken', wgsl: rmsNorm.wgsl.replace(SUM, 'sum += missing;') };
  const lines = broken.wgsl.split('\n');
  const line = lines.findIndex((text) => text.includes('missing')) + 1;
  const column = (lines[line - 1] ?? '').indexOf('missing') + 1;
  const message = messageOf(await saidOf(broken));
  expect(message).toMatch(/^The shader of kernel broken does not compile\.\n/);
  expect(message).toContain(`shaders/broken.wgsl:${line}:${column}: `);
  expect(message).toContain(`\n${lines[line - 1]}\n${' '.repeat(column - 1)}^`);
  // a second run is not taken for one that compiled
  expect(messageOf(await saidOf(broken))).toBe(message);
});

it.each([
  ['a library', 'shaders/lib/reduce.wgsl', 'workgroupBarrier();', 'workgroupBarrier(;'],
  ['a library', 'shaders/lib/reduce.wgsl', 'var total = 0.0;', 'var total = 0u;'],
])('names the file and the line of an error in %s', async (_part, file, right, wrong) => {
  const lib = (rmsNorm.lib ?? []).map((part) =>
    part.file === file ? { ...part, text: part.text.replace(right, wrong) } : part,
  );
  const text = lib.find((part) => part.file === file)?.text ?? '';
  const line = text.split('\n').findIndex((source) => source.includes(wrong)) + 1;
  const message = messageOf(await saidOf({ ...rmsNorm, name: 'broken library', lib }));
  // a wrong type is found where it is used
  expect(message).toMatch(new RegExp(`${file}:(${line}|${line + 1}):\\d+: `));
  const [, , source = '', caret = ''] = message.split('\n');
  expect(text.split('\n')).toContain(source);
  expect(caret).toMatch(/^ *\^$/);
});

it('keeps the line numbers of files whose parameters it joins', () => {
  for (const kernel of KERNELS) {
    const { code, locate } = assemble(partsOf(kernel), ['const A = 1u;']);
    const lines = code.split('\n');
    const files = new Map(partsOf(kernel).map(({ file, text }) => [file, text.split('\n')]));
    lines.forEach((line, i) => {
      const place = locate(i + 1);
      const own = place && files.get(place.file)?.[place.line - 1];
      if (own && line !== '' && !own.includes('struct Params')) expect(line).toBe(own);
    });
    expect(code.match(/struct Params/g)).toHaveLength(1);
  }
});

it('names files that exist and hold what the kernels are made of', () => {
  for (const kernel of KERNELS)
    for (const { file, text } of partsOf(kernel)) expect(readFileSync(file, 'utf8')).toBe(text);
});

it('reads bindings and parameters from libraries too, and refuses what is declared twice', () => {
  const lib = {
    file: 'shaders/lib/some.wgsl',
    text: 'struct Params { count: u32 }\n@group(0) @binding(1) var<storage, read> a: array<Word>;',
  };
  const kernel: Kernel = {
    ...rmsNorm,
    lib: [lib],
    wgsl: 'struct Params {\n  scale: f32\n}\n@group(0) @binding(0) var<storage, read_write> b: array<f32>;',
  };
  expect(bindingsOf(kernel)).toEqual([
    { binding: 0, access: 'read_write', name: 'b' },
    { binding: 1, access: 'read', name: 'a' },
  ]);
  expect(paramsOf(kernel)).toEqual([
    { name: 'count', type: 'u32' },
    { name: 'scale', type: 'f32' },
  ]);
  expect(() => bindingsOf({ ...kernel, lib: [lib, lib] })).toThrow('binding 2 is declared twice');
  expect(() => bindingsOf({ ...kernel, wgsl: '' })).toThrow('binding 0 is missing');
  expect(() => paramsOf({ ...kernel, lib: [lib, lib] })).toThrow(
    'declares the parameter count twice',
  );
});
