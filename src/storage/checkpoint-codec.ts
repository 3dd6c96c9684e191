import * as v from 'valibot';
import { messageOf } from '../lib/errors.ts';
import type { Checkpoint } from './run-store.ts';

/*
 * One checkpoint as one block of bytes, little-endian: magic "ATCK" · format version u32 · header
 * length u32 · CRC-32 of everything after these 16 bytes u32 · header (JSON, UTF-8) · adapter
 * states, one after the other in the header's order.
 */

const MAGIC = 0x4b435441; // "ATCK"
const FORMAT = 1;
const PREFIX = 16;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Header = v.object({
  step: count,
  log: v.object({ events: count, eventBytes: count, tokenBytes: count }),
  state: v.unknown(),
  adapters: v.array(v.object({ name: v.string(), bytes: count })),
});

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const names = Object.keys(checkpoint.adapters).sort();
  const header = new TextEncoder().encode(
    JSON.stringify({
      step: checkpoint.step,
      log: checkpoint.log,
      state: checkpoint.state,
      adapters: names.map((name) => ({ name, bytes: checkpoint.adapters[name]!.byteLength })),
    }),
  );
  const blobs = names.map((name) => checkpoint.adapters[name]!);
  const out = new Uint8Array(
    PREFIX + header.byteLength + blobs.reduce((sum, b) => sum + b.byteLength, 0),
  );
  out.set(header, PREFIX);
  let at = PREFIX + header.byteLength;
  for (const blob of blobs) {
    out.set(blob, at);
    at += blob.byteLength;
  }
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, FORMAT, true);
  view.setUint32(8, header.byteLength, true);
  view.setUint32(12, crc32(out.subarray(PREFIX)), true);
  return out;
}

/** Throws a sentence for anything that is not a whole checkpoint of this format. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < PREFIX || view.getUint32(0, true) !== MAGIC) {
    throw new Error(`These ${bytes.byteLength} bytes are no checkpoint of Afterthought.`);
  }
  const format = view.getUint32(4, true);
  if (format !== FORMAT)
    throw new Error(`This checkpoint has format ${format}; this version reads format ${FORMAT}.`);
  if (crc32(bytes.subarray(PREFIX)) !== view.getUint32(12, true)) {
    throw new Error(
      `This checkpoint of ${bytes.byteLength} bytes is damaged: its checksum does not match.`,
    );
  }
  const headerEnd = PREFIX + view.getUint32(8, true);
  let json: unknown;
  try {
    json = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(PREFIX, headerEnd)),
    );
  } catch (error) {
    throw new Error(`This checkpoint's header does not parse: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const parsed = v.safeParse(Header, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new Error(
      `This checkpoint's header does not parse: ${v.getDotPath(issue) ?? 'header'}: ${issue.message}.`,
    );
  }
  const { step, log, state, adapters: entries } = parsed.output;
  const adapters: Record<string, Uint8Array> = {};
  let at = headerEnd;
  for (const entry of entries) {
    // a copy, also of a Node Buffer
    adapters[entry.name] = new Uint8Array(bytes.subarray(at, at + entry.bytes));
    at += entry.bytes;
  }
  if (at !== bytes.byteLength)
    throw new Error(`This checkpoint holds ${bytes.byteLength} bytes, its header speaks of ${at}.`);
  return { version: 1, step, log, state, adapters };
}

/**
 * Of one byte followed by 0 … 7 zero bytes: eight bytes at a time take half the time, and a
 * checkpoint can be 222 MB.
 */
function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
  const tables = [first];
  while (tables.length < 8) tables.push(tables.at(-1)!.map((c) => first[c & 0xff]! ^ (c >>> 8)));
  return tables;
}
let tables: Uint32Array[] | null = null;

/** CRC-32 (IEEE 802.3), as in zip and PNG. */
export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = (tables ??= makeTables()) as [
    Uint32Array,
    ...Uint32Array[],
  ];
  const whole = bytes.length - (bytes.length % 8);
  let c = 0xffffffff;
  for (let i = 0; i < whole; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c =
      t7![c & 0xff]! ^
      t6![(c >>> 8) & 0xff]! ^
      t5![(c >>> 16) & 0xff]! ^
      t4![c >>> 24]! ^
      t3![bytes[i + 4]!]! ^
      t2![bytes[i + 5]!]! ^
      t1![bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!;
  }
  for (let i = whole; i < bytes.length; i++) c = t0[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
