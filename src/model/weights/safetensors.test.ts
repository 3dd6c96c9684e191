import { describe, expect, test } from 'vitest';
import { parseHeader, readSafetensors, writeSafetensors } from './safetensors.ts';

/** A file of this header and this many data bytes, written without the module under test. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}
const parse = (bytes: Uint8Array) => parseHeader(bytes, bytes.length, 'model.safetensors');
const tensor = (dtype: string, shape: number[], from: number, to: number) => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

describe('safetensors', () => {
  test('what is written reads back with the same names, shapes, order and bits', () => {
    const tensors = new Map([
      ['b', { shape: [2, 3], data: Float32Array.of(1, -0, 3e-40, Infinity, 5, 6) }],
      ['a', { shape: [0], data: new Float32Array(0) }],
      ['scalar', { shape: [], data: Float32Array.of(7) }],
    ]);
    const back = readSafetensors(writeSafetensors(tensors), 'x');
    expect([...back]).toEqual([...tensors]);
    expect(Object.is(back.get('b')?.data[1], -0)).toBe(true);
  });

  test('f16, bf16 and f64 are decoded', () => {
    const bytes = file(
      { h: tensor('F16', [2], 0, 4), b: tensor('BF16', [1], 4, 6), d: tensor('F64', [1], 6, 14) },
      14,
    );
    const view = new DataView(bytes.buffer, bytes.length - 14);
    view.setFloat64(6, 0.1, true);
    view.setUint16(0, 0x3c00, true);
    view.setUint16(2, 0xc000, true);
    view.setUint16(4, 0x4049, true);
    const read = readSafetensors(bytes, 'x');
    expect([...(read.get('h')?.data ?? [])]).toEqual([1, -2]);
    expect([...(read.get('d')?.data ?? [])]).toEqual([Math.fround(0.1)]);
    expect([...(read.get('b')?.data ?? [])]).toEqual([3.140625]);
  });

  test('a file that lies at an odd place inside a larger buffer reads the same', () => {
    const bytes = writeSafetensors([['a', { shape: [3], data: Float32Array.of(1, 2, 3) }]]);
    for (const place of [0, 1, 3]) {
      const pool = Buffer.alloc(bytes.length + 9, 0xff);
      pool.set(bytes, place);
      const read = readSafetensors(pool.subarray(place, place + bytes.length), 'x');
      expect([...(read.get('a')?.data ?? [])]).toEqual([1, 2, 3]);
    }
  });

  test('metadata is read', () => {
    expect(parse(file({ __metadata__: { format: 'pt' } }, 0)).metadata).toEqual({ format: 'pt' });
  });

  test('a file cut short says how long it is and how long it should be', () => {
    const whole = file({ a: tensor('F32', [300], 0, 1200) }, 1200);
    const size = whole.length;
    expect(() => parse(whole.subarray(0, size - 200))).toThrow(
      `model.safetensors is cut short: ${(size - 200).toLocaleString('en-US')} bytes, header ` +
        `says ${size.toLocaleString('en-US')}`,
    );
    expect(() => parse(whole.subarray(0, 20))).toThrow('cut short: 20 bytes');
    expect(() => parse(whole.subarray(0, 3))).toThrow('cut short: 3 bytes');
  });

  test.each<[string, Uint8Array, string]>([
    ['surplus bytes', file({ a: tensor('F32', [1], 0, 4) }, 8), 'too long'],
    [
      'an overlap',
      file({ a: tensor('F32', [2], 0, 8), b: tensor('F32', [1], 4, 8) }, 8),
      'b overlaps a by 4 bytes',
    ],
    [
      'a hole',
      file({ a: tensor('F32', [1], 0, 4), b: tensor('F32', [1], 8, 12) }, 12),
      '4 unused bytes between a and b',
    ],
    [
      'offsets that do not fit the shape',
      file({ a: tensor('F16', [3, 2], 0, 16) }, 16),
      'takes 12 bytes',
    ],
    ['an unknown type', file({ a: tensor('F7', [1], 0, 1) }, 1), 'a is F7'],
    ['a negative size', file({ a: tensor('F32', [-1], 0, 4) }, 4), 'the entry of a lacks'],
    ['a header that is not JSON', file('{"a":', 0), 'is not JSON'],
    ['a header that is a list', file([], 0), 'not a JSON object'],
    [
      'text in place of a file',
      new TextEncoder().encode('it is not here, ask again'),
      'is no safetensors file, or a damaged one: its header would be',
    ],
    ['a web page', new TextEncoder().encode('<!DOCTYPE html><html></html>'), 'holds a web page'],
    [
      'a Git LFS pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:a\n'),
      'is a Git LFS pointer',
    ],
    ['an empty file', new Uint8Array(0), 'is empty'],
    ['a zip archive', new TextEncoder().encode('PK\x03\x04 and so on'), 'is a zip archive'],
    [
      'a header of 2^60 bytes',
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 16, 0),
      'header would be 1,152,921,504,606,847,000 bytes',
    ],
    [
      'a name given twice',
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' +
          '"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      'it holds "a" twice',
    ],
  ])('%s is refused', (_, bytes, sentence) => {
    expect(() => parse(bytes)).toThrow(sentence);
  });

  test('a type the lab cannot compute with is refused when its values are asked for', () => {
    const bytes = file({ packed: tensor('U32', [1], 0, 4) }, 4);
    expect(parse(bytes).tensors.size).toBe(1);
    expect(() => readSafetensors(bytes, 'x')).toThrow('packed in x has type U32');
  });

  test('data that does not fill its shape cannot be written', () => {
    expect(() => writeSafetensors([['a', { shape: [2, 2], data: new Float32Array(3) }]])).toThrow(
      'has 4 elements, its data 3',
    );
  });
});
