import * as v from 'valibot';
import { ADAPTER_CONFIG, parseAdapterConfig } from '../../model/weights/peft-config.ts';
import { ADAPTER_WEIGHTS, readAdapter } from '../../model/weights/peft.ts';
import { parseModelJson } from '../../model/weights/model-file.ts';
import type { FileSource } from '../../model/weights/source.ts';
import type { ImportedAdapter, NamedFile } from '../../schema/protocol.ts';
import { OpfsLogFile } from './opfs-log.ts';

const PREFIX = 'imported/';

const BaseName = v.object({ base_model_name_or_path: v.nullish(v.string()) });

/**
 * Adapters that were made elsewhere: `adapters/<label>/` of the origin private file system, in
 * PEFT's two files.
 */
export class BrowserAdapters {
  constructor(private readonly root: FileSystemDirectoryHandle) {}

  static async create(): Promise<BrowserAdapters> {
    const root = await navigator.storage.getDirectory();
    return new BrowserAdapters(await root.getDirectoryHandle('adapters', { create: true }));
  }

  /** True of ids of this store; others are those of runs. */
  static owns(id: string): boolean {
    return id.startsWith(PREFIX);
  }

  /** Those that can be read; what an interrupted import left is passed over. */
  async list(): Promise<ImportedAdapter[]> {
    const adapters: ImportedAdapter[] = [];
    for await (const [label, handle] of this.root.entries()) {
      const described =
        handle.kind === 'directory' ? await this.describe(label).catch(() => null) : null;
      if (described) adapters.push(described);
    }
    return adapters.sort((a, b) => a.label.localeCompare(b.label));
  }

  /**
   * Keeps the adapter among the files, wherever in them it lies; throws a sentence where there is
   * none, or one of another kind.
   */
  async add(label: string, files: readonly NamedFile[]): Promise<ImportedAdapter> {
    const config = files.find(
      ({ path }) => path === ADAPTER_CONFIG || path.endsWith(`/${ADAPTER_CONFIG}`),
    );
    if (!config)
      throw new Error(
        `There is no ${ADAPTER_CONFIG} among these files, so they are not an adapter; choose ` +
          "PEFT's folder, its two files or their zip archive.",
      );
    const prefix = config.path.slice(0, -ADAPTER_CONFIG.length);
    const read = async (path: string) => {
      const found = files.find((file) => file.path === prefix + path);
      return found ? new Uint8Array(await found.file.arrayBuffer()) : null;
    };
    await readAdapter({ label, read });
    const free = await this.freeLabel(label);
    const folder = await this.root.getDirectoryHandle(free, { create: true });
    try {
      // The configuration last: an adapter without one is not listed.
      for (const name of [ADAPTER_WEIGHTS, ADAPTER_CONFIG]) {
        const file = await OpfsLogFile.open(folder, name);
        try {
          file.append((await read(name))!);
        } finally {
          file.close();
        }
      }
      return await this.describe(free);
    } catch (error) {
      await this.root.removeEntry(free, { recursive: true });
      throw error;
    }
  }

  async delete(id: string): Promise<void> {
    await this.root.removeEntry(id.slice(PREFIX.length), { recursive: true });
  }

  source(id: string): Pick<FileSource, 'label' | 'read'> {
    const label = id.slice(PREFIX.length);
    return {
      label: `The imported adapter ${label}`,
      read: async (path) => {
        const file = await this.file(label, path).catch(() => null);
        return file && new Uint8Array(await file.arrayBuffer());
      },
    };
  }

  private async file(label: string, name: string): Promise<File> {
    return (await (await this.root.getDirectoryHandle(label)).getFileHandle(name)).getFile();
  }

  private async describe(label: string): Promise<ImportedAdapter> {
    const [json, weights] = [
      await this.file(label, ADAPTER_CONFIG),
      await this.file(label, ADAPTER_WEIGHTS),
    ];
    const bytes = new Uint8Array(await json.arrayBuffer());
    const { value } = parseModelJson(bytes, ADAPTER_CONFIG);
    const { rank } = parseAdapterConfig(value);
    const base = v.parse(BaseName, value).base_model_name_or_path ?? null;
    return { id: PREFIX + label, label, rank, base, bytes: json.size + weights.size };
  }

  private async freeLabel(label: string): Promise<string> {
    const taken = new Set<string>();
    for await (const [name] of this.root.entries()) taken.add(name);
    for (let n = 1; ; n++) {
      const free = n === 1 ? label : `${label}-${n}`;
      if (!taken.has(free)) return free;
    }
  }
}
