import { messageOf, StorageFullError } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/format.ts';

/**
 * An append-only file in the origin private file system, held by one synchronous access handle
 * (workers only).
 */
export class OpfsLogFile {
  private constructor(
    private readonly handle: FileSystemSyncAccessHandle,
    private readonly name: string,
    private length: number,
  ) {}

  static async open(folder: FileSystemDirectoryHandle, name: string): Promise<OpfsLogFile> {
    const file = await folder.getFileHandle(name, { create: true });
    const handle = await file.createSyncAccessHandle();
    return new OpfsLogFile(handle, name, handle.getSize());
  }

  get size(): number {
    return this.length;
  }

  /**
   * Appends all of `bytes` and flushes, or leaves the file as long as it was. Returns where the
   * bytes start.
   */
  append(bytes: Uint8Array): number {
    const at = this.length;
    try {
      for (let done = 0; done < bytes.byteLength;) {
        const written = this.handle.write(bytes.subarray(done), { at: at + done });
        if (written === 0) throw new StorageFullError(fullSentence(bytes.byteLength, this.name));
        done += written;
      }
      if (this.handle.getSize() > at + bytes.byteLength)
        this.handle.truncate(at + bytes.byteLength);
      this.handle.flush();
    } catch (error) {
      if (this.handle.getSize() > at) this.handle.truncate(at);
      throw storageError(error, bytes.byteLength, this.name);
    }
    this.length = at + bytes.byteLength;
    return at;
  }

  read(at: number, bytes: number): Uint8Array {
    const out = new Uint8Array(bytes);
    return out.subarray(0, this.handle.read(out, { at }));
  }

  /** From here on the file ends at `bytes`; what lies beyond stays until the next append. */
  endAt(bytes: number): void {
    this.length = bytes;
  }

  truncate(bytes: number): void {
    this.handle.truncate(bytes);
    this.handle.flush();
    this.length = bytes;
  }

  close(): void {
    this.handle.flush();
    this.handle.close();
  }
}

function fullSentence(bytes: number, name: string): string {
  return (
    `The browser's storage for this site is full: ${formatBytes(bytes)} for ${name} could ` +
    'not be written. Everything stored so far is whole; delete a run or free disk space, ' +
    'then resume.'
  );
}

/** Quota errors as a StorageFullError, anything else as it is. */
export function storageError(error: unknown, bytes: number, name: string): Error {
  if (error instanceof StorageFullError) return error;
  const kind = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (kind === 'QuotaExceededError') return new StorageFullError(fullSentence(bytes, name));
  return error instanceof Error ? error : new Error(messageOf(error));
}
