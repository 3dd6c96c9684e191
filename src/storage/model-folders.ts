import type { FileSource } from '../model/weights/source.ts';
import type { ModelRoom } from '../schema/models.ts';

/**
 * Folders of model files on one platform: below a cache folder, or in the origin private file
 * system.
 */
export interface ModelFolders {
  /** For messages: where the folders are. */
  readonly place: string;
  names(): Promise<string[]>;
  /** Need not exist: it does once something is written. */
  folder(name: string): ModelFolder;
  remove(name: string): Promise<void>;
  room(): Promise<ModelRoom>;
  /**
   * Takes a folder for this tab or process; null while another has it. What comes back gives it
   * free.
   */
  claim(name: string): Promise<(() => Promise<void>) | null>;
}

/** The files of one model, all at the top. */
export interface ModelFolder extends FileSource {
  /** Names; none where the folder does not exist. */
  files(): Promise<string[]>;
  /** Opens a file for writing, cut to its first `length` bytes. Makes the folder. */
  write(path: string, length: number): Promise<ModelWriter>;
  remove(path: string): Promise<void>;
}

/** One at a time has a file. Throws `StorageFullError` where nothing more can be taken. */
export interface ModelWriter {
  append(bytes: Uint8Array): Promise<void>;
  /** What was appended outlives a kill and a power cut. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Writes a small file whole. */
export async function writeWhole(
  folder: ModelFolder,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const writer = await folder.write(path, 0);
  try {
    await writer.append(bytes);
    await writer.flush();
  } finally {
    await writer.close();
  }
}

/** Bytes that the files of a folder take. */
export async function folderBytes(folder: ModelFolder): Promise<number> {
  const sizes = await Promise.all((await folder.files()).map((path) => folder.size(path)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
