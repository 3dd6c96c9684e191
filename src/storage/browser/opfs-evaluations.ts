import { parseEvaluationRecord, type EvaluationRecord } from '../../schema/evaluation.ts';
import type { EvaluationLog, EvaluationStore } from '../evaluation-store.ts';
import { encodeLines, parseLogLines } from '../log-lines.ts';
import { OpfsLogFile } from './opfs-log.ts';

const ENDING = '.jsonl';

/** Evaluations in the browser: `evaluations/<id>.jsonl` of the origin private file system. */
export class BrowserEvaluations implements EvaluationStore {
  constructor(private readonly folder: FileSystemDirectoryHandle) {}

  static async create(): Promise<BrowserEvaluations> {
    const root = await navigator.storage.getDirectory();
    return new BrowserEvaluations(await root.getDirectoryHandle('evaluations', { create: true }));
  }

  async list(): Promise<string[]> {
    const ids: string[] = [];
    for await (const [name] of this.folder.entries()) {
      if (name.endsWith(ENDING)) ids.push(name.slice(0, -ENDING.length));
    }
    return ids.sort().reverse();
  }

  async create(id: string): Promise<EvaluationLog> {
    const file = await OpfsLogFile.open(this.folder, id + ENDING);
    return {
      append: (records) => void file.append(encodeLines(records)),
      close: () => file.close(),
    };
  }

  async read(id: string): Promise<EvaluationRecord[] | null> {
    const file = await this.file(id);
    if (!file) return null;
    return parseLogLines(new Uint8Array(await file.arrayBuffer()), parseEvaluationRecord).events;
  }

  async bytes(id: string): Promise<number> {
    return (await this.file(id))?.size ?? 0;
  }

  async delete(id: string): Promise<void> {
    if (await this.file(id)) await this.folder.removeEntry(id + ENDING);
  }

  private async file(id: string): Promise<File | null> {
    try {
      return await (await this.folder.getFileHandle(id + ENDING)).getFile();
    } catch {
      return null;
    }
  }
}
