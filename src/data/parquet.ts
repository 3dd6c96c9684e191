import { parquetReadObjects } from 'hyparquet';
import { messageOf } from '../lib/errors.ts';

/**
 * Rows of a parquet file as the JSON they would be: 64-bit integers as numbers, which ids and
 * splits fit into.
 */
export async function parquetRecords(file: ArrayBuffer, label: string): Promise<unknown[]> {
  try {
    const rows: unknown[] = await parquetReadObjects({ file });
    return rows.map(plain);
  } catch (error) {
    throw new Error(`${label} is no parquet file that can be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** A parquet file begins and ends with its mark. */
export function isParquet(bytes: Uint8Array): boolean {
  return bytes.length > 8 && [0x50, 0x41, 0x52, 0x31].every((byte, i) => bytes[i] === byte);
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  // An absent field is null in a row and missing in a record.
  const present = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(present.map(([key, item]) => [key, plain(item)]));
}
