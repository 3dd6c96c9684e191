import { expect, test } from 'vitest';
import { foreignContent, parseModelJson } from './model-file.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (text: string) => parseModelJson(bytes(text), 'config.json of the model');

test('NaN and infinities are numbers, within strings they are text', () => {
  const { value, notices } = parse(
    '{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN, \\"Infinity"}',
  );
  expect(value).toEqual({ a: NaN, b: [-Infinity, Infinity], c: 'NaN, "Infinity' });
  expect(notices).toEqual([]);
});

test('a byte order mark is skipped and the last of two keys counts, with a notice each', () => {
  const { value, notices } = parse('\uFEFF{"a": {"b": 1, "b": 2}, "c": [{"b": 1}, {"b": 1}]}');
  expect(value).toEqual({ a: { b: 2 }, c: [{ b: 1 }, { b: 1 }] });
  expect(notices).toEqual([
    expect.stringContaining('begins with a byte order mark'),
    expect.stringContaining('holds "b" twice'),
  ]);
});

test.each([
  ['', 'is empty'],
  [' \n ', 'is empty'],
  ['{"a": [1, 2', 'is cut off after 11 bytes'],
  ['{"a": "b', 'is cut off after 8 bytes'],
  ['{"a": }', 'is damaged'],
  ['<!DOCTYPE html><html>', 'holds a web page'],
  ['\n<HTML><body>404', 'holds a web page'],
  ['\uFEFF<?xml version="1.0"?>', 'holds a web page'],
  ['version https://git-lfs.github.com/spec/v1\noid sha256:abc', 'is a Git LFS pointer'],
  ['Not found', 'is not JSON'],
])('%j is named for what it is', (text, sentence) => {
  expect(() => parse(text)).toThrow(`config.json of the model ${sentence}`);
});

test('bytes that are no text are named too, and a plausible header is not', () => {
  expect(() => parseModelJson(Uint8Array.of(0x1f, 0x8b, 8, 0), 'config.json')).toThrow('gzip');
  expect(() => parseModelJson(Uint8Array.of(0xff, 0xfe, 0x7b, 0), 'config.json')).toThrow('UTF-16');
  expect(foreignContent(Uint8Array.of(0x60, 1, 0, 0, 0, 0, 0, 0, 0x7b, 0x22))).toBeNull();
});
