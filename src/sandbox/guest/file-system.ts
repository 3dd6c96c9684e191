/** What of Emscripten's file system is used here. */
export interface FileSystem {
  [name: string]: unknown;
  streams: ({ flags: number; position: number } | null | undefined)[];
  nameTable: (FileNode | null | undefined)[];
  nextInode: number;
  currentPath: string;
  ErrnoError: new (errno: number) => Error;
  chdir: (path: string) => void;
  filesystems: Record<string, Operations | undefined>;
  getDevice: (dev: number) => { stream_ops: Record<string, unknown> } | undefined;
}
interface Operations {
  node_ops: Record<string, unknown>;
  stream_ops: Record<string, unknown>;
}
export interface FileNode extends Operations {
  name_next: FileNode | null | undefined;
  mode: number;
  contents: unknown;
}
