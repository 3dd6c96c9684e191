import type { FileSource } from './source.ts';

/**
 * Files up to this size are fetched whole at their first use and kept: one request instead of one a
 * tensor.
 */
const WHOLE_FILE_BYTES = 16 * 2 ** 20;

/**
 * The files below a URL. Large files are read by Range requests; a server that answers them with
 * the whole file (200) is taken at its word and the file kept. HTML is what development servers
 * send in place of a missing file, so it counts as missing.
 * @param base URL of the folder, absolute
 */
export function httpSource(
  base: string | URL,
  options: { readonly fetch?: typeof fetch; readonly label?: string } = {},
): FileSource {
  const folder = new URL(base);
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  const request = options.fetch ?? fetch;
  const label = options.label ?? folder.href;
  const sizes = new Map<string, Promise<number | null>>();
  const whole = new Map<string, Uint8Array>();

  async function get(path: string, range?: [start: number, end: number]): Promise<Response | null> {
    const headers = range ? { Range: `bytes=${range[0]}-${range[1] - 1}` } : undefined;
    const response = await request(new URL(path, folder), headers ? { headers } : {});
    const html = response.headers.get('content-type')?.startsWith('text/html') ?? false;
    if (response.status === 404 || (response.ok && html)) {
      await response.body?.cancel();
      return null;
    }
    if (!response.ok && response.status !== 416) {
      await response.body?.cancel();
      throw new Error(
        `${path} could not be fetched from ${label}: the server answered ${response.status}. Try again later.`,
      );
    }
    return response;
  }

  async function readWhole(path: string): Promise<Uint8Array | null> {
    const kept = whole.get(path);
    if (kept) return kept;
    const response = await get(path);
    return response && new Uint8Array(await response.arrayBuffer());
  }

  /**
   * Asks for one byte, which tells the size and whether ranges work; keeps what came if it was the
   * whole file.
   */
  async function probe(path: string): Promise<number | null> {
    const response = await get(path, [0, 1]);
    if (!response) return null;
    const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (response.status !== 200 && total !== undefined && Number(total) > WHOLE_FILE_BYTES) {
      await response.body?.cancel();
      return Number(total);
    }
    let bytes: Uint8Array | null;
    if (response.status === 200) bytes = new Uint8Array(await response.arrayBuffer());
    else {
      await response.body?.cancel();
      bytes = await readWhole(path);
    }
    if (bytes) whole.set(path, bytes);
    return bytes?.length ?? null;
  }

  function size(path: string): Promise<number | null> {
    let known = sizes.get(path);
    if (!known) {
      known = probe(path);
      sizes.set(path, known);
      known.catch(() => sizes.delete(path));
    }
    return known;
  }

  return {
    label,
    read: readWhole,
    size,
    async readRange(path, start, end) {
      const total = await size(path);
      if (total === null) throw new Error(`${label} has no file ${path}.`);
      if (end > total)
        throw new Error(`${path} ends at byte ${total}, bytes ${start} to ${end} were asked for.`);
      const kept = whole.get(path);
      if (kept) return kept.subarray(start, end);
      if (start === end) return new Uint8Array(0);
      const response = await get(path, [start, end]);
      const bytes = response && new Uint8Array(await response.arrayBuffer());
      if (bytes?.length === end - start) return bytes;
      throw new Error(
        `${path} came incomplete: ${bytes?.length ?? 0} bytes in place of ${end - start}. Try again.`,
      );
    },
  };
}
