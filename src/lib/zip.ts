/*
 * ZIP archives (PKWARE's APPNOTE 6.3), as far as files that are saved and opened again need them:
 * written and read stored or deflated, up to 4 GiB and 65,535 entries. Files stay Blobs, so an
 * archive is never in memory as a whole.
 */

export interface ZipEntry {
  /** With `/` between folders. */
  readonly path: string;
  readonly file: Blob;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
const MOST = 2 ** 32 - 1;
const STORED = 0;
const DEFLATED = 8;
/** Bit 11 of the flags: names are UTF-8. */
const UTF8 = 0x0800;
/** Midnight of 1980-01-01, the first date there is: archives of equal files are equal. */
const DATE = 0x0021;

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 (ISO-HDLC) of a file's bytes, read as a stream. */
async function crc32(file: Blob): Promise<number> {
  let crc = 0xffffffff;
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return (crc ^ 0xffffffff) >>> 0;
    for (const byte of value) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  }
}

/** A record of 16-bit and 32-bit little-endian fields. */
function record(
  signature: number,
  fields: readonly (readonly [bytes: 2 | 4, value: number])[],
): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(4 + fields.reduce((sum, [bytes]) => sum + bytes, 0)));
  view.setUint32(0, signature, true);
  let at = 4;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

/** An archive of the files, each as it is but those that `deflates` says of their path. */
export async function zip(
  entries: readonly ZipEntry[],
  deflates: (path: string) => boolean = () => false,
): Promise<Blob> {
  const parts: BlobPart[] = [];
  const central: BlobPart[] = [];
  let at = 0;
  let centralBytes = 0;
  for (const { path, file } of entries) {
    const name = new TextEncoder().encode(path);
    const deflate = deflates(path);
    const packed = deflate
      ? await new Response(file.stream().pipeThrough(new CompressionStream('deflate-raw'))).blob()
      : file;
    const shared = [
      ...([
        [2, 20],
        [2, UTF8],
        [2, deflate ? DEFLATED : STORED],
        [2, 0],
        [2, DATE],
      ] as const),
      ...([
        [4, await crc32(file)],
        [4, packed.size],
        [4, file.size],
        [2, name.length],
        [2, 0],
      ] as const),
    ] as const;
    const local = record(LOCAL, shared);
    const entry = record(CENTRAL, [[2, 20], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]]);
    parts.push(local, name, packed);
    central.push(entry, name);
    at += local.length + name.length + packed.size;
    centralBytes += entry.length + name.length;
    if (at > MOST)
      throw new Error(
        'The files are more than 4 GiB together, which is more than a zip archive of this form holds.',
      );
  }
  const n = entries.length;
  const end = record(END, [
    [2, 0],
    [2, 0],
    [2, n],
    [2, n],
    [4, centralBytes],
    [4, at],
    [2, 0],
  ]);
  return new Blob([...parts, ...central, end], { type: 'application/zip' });
}

/**
 * The files of an archive, folders left out; throws a sentence naming `label` where it cannot be
 * read.
 */
export async function unzip(archive: Blob, label: string): Promise<ZipEntry[]> {
  const tail = await viewOf(archive.slice(Math.max(0, archive.size - END_BYTES - 0xffff)));
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) throw new Error(`${label} is not a zip archive, or it is cut short.`);
  const count = tail.getUint16(end + 10, true);
  const from = tail.getUint32(end + 16, true);
  const view = await viewOf(archive.slice(from, from + tail.getUint32(end + 12, true)));
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== CENTRAL)
      throw new Error(`${label} is damaged: its list of files ends after ${i} of ${count}.`);
    const method = view.getUint16(at + 10, true);
    const size = view.getUint32(at + 20, true);
    const nameBytes = view.getUint16(at + 28, true);
    const path = new TextDecoder().decode(new Uint8Array(view.buffer, at + 46, nameBytes));
    const place = view.getUint32(at + 42, true);
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (path.endsWith('/')) continue;
    // The local record repeats the name; its own extra field may have another length.
    const local = await viewOf(archive.slice(place, place + 30));
    if (local.byteLength < 30 || local.getUint32(0, true) !== LOCAL)
      throw new Error(`${label} is damaged: ${path} is not where its list says.`);
    const start = place + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    entries.push({
      path,
      file: await inflated(archive.slice(start, start + size), method, `${path} of ${label}`),
    });
  }
  return entries;
}

async function inflated(file: Blob, method: number, what: string): Promise<Blob> {
  if (method === STORED) return file;
  if (method !== DEFLATED)
    throw new Error(
      `${what} is packed by method ${method}, which cannot be read here; pack it again with zip's defaults.`,
    );
  return await new Response(
    file.stream().pipeThrough(new DecompressionStream('deflate-raw')),
  ).blob();
}

async function viewOf(blob: Blob): Promise<DataView<ArrayBuffer>> {
  return new DataView(await blob.arrayBuffer());
}
