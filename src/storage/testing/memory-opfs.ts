/**
 * Test support: an origin private file system in memory, with exclusive synchronous handles and an
 * optional quota.
 */

export interface Quota {
  /** Bytes the disk can still take. */
  left: number;
}

class MemoryFile {
  readonly kind = 'file';
  bytes = new Uint8Array(0);
  locked = false;

  constructor(
    readonly name: string,
    private readonly quota: Quota,
  ) {}

  async getFile(): Promise<Blob> {
    return new Blob([this.bytes]);
  }

  async createSyncAccessHandle(): Promise<object> {
    if (this.locked)
      throw new DOMException('There is already a handle.', 'NoModificationAllowedError');
    this.locked = true;
    const resize = (length: number) => {
      const next = new Uint8Array(length);
      next.set(this.bytes.subarray(0, length));
      this.quota.left -= length - this.bytes.length;
      this.bytes = next;
    };
    return {
      getSize: () => this.bytes.length,
      read: (out: Uint8Array, { at }: { at: number }) => {
        const part = this.bytes.subarray(at, at + out.length);
        out.set(part);
        return part.length;
      },
      write: (data: Uint8Array, { at }: { at: number }) => {
        const grow = Math.max(0, at + data.length - this.bytes.length);
        if (grow > this.quota.left) throw new DOMException('No space.', 'QuotaExceededError');
        if (grow) resize(at + data.length);
        this.bytes.set(data, at);
        return data.length;
      },
      truncate: resize,
      flush: () => undefined,
      close: () => {
        this.locked = false;
      },
    };
  }
}

class MemoryFolder {
  readonly kind = 'directory';
  private readonly children = new Map<string, MemoryFolder | MemoryFile>();

  constructor(
    readonly name: string,
    private readonly quota: Quota,
  ) {}

  async getDirectoryHandle(name: string, options?: { create?: boolean }): Promise<MemoryFolder> {
    return this.child(
      name,
      options?.create ?? false,
      () => new MemoryFolder(name, this.quota),
    ) as MemoryFolder;
  }

  async getFileHandle(name: string, options?: { create?: boolean }): Promise<MemoryFile> {
    return this.child(
      name,
      options?.create ?? false,
      () => new MemoryFile(name, this.quota),
    ) as MemoryFile;
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.children.delete(name)) throw new DOMException('Not there.', 'NotFoundError');
  }

  async *entries(): AsyncGenerator<[string, MemoryFolder | MemoryFile]> {
    yield* this.children.entries();
  }

  private child(
    name: string,
    create: boolean,
    make: () => MemoryFolder | MemoryFile,
  ): MemoryFolder | MemoryFile {
    let child = this.children.get(name);
    if (!child) {
      if (!create) throw new DOMException(`${name} is not there.`, 'NotFoundError');
      child = make();
      this.children.set(name, child);
    }
    return child;
  }
}

export function memoryOpfs(quota: Quota = { left: Infinity }): FileSystemDirectoryHandle {
  return new MemoryFolder('', quota) as unknown as FileSystemDirectoryHandle;
}
