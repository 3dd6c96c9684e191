import type { NamedFile } from '../../schema/protocol.ts';

/** The files of a folder that was picked or dropped, or of a few files that were. */
export interface FolderFiles {
  /** The folder's name; of single files, that of the first without its ending. */
  readonly label: string;
  readonly files: readonly NamedFile[];
}

/** Files of an `<input type="file">`; with `webkitdirectory` all below the folder. */
export function pickedFiles(list: FileList): FolderFiles | null {
  const [first, ...others] = [...list];
  if (!first) return null;
  const [folder = ''] = first.webkitRelativePath.split('/');
  if (folder === '')
    return {
      label: labelOf(first.name.replace(/\.\w+$/, '')),
      files: [first, ...others].map((file) => ({ path: file.name, file })),
    };
  const files = [first, ...others].map((file) => ({
    path: file.webkitRelativePath.slice(folder.length + 1),
    file,
  }));
  return { label: labelOf(folder), files };
}

/**
 * A drop of one folder, or of files. To be called within the event: what it carries is gone
 * afterwards.
 */
export async function droppedFiles(data: DataTransfer): Promise<FolderFiles | null> {
  const folder = [...data.items]
    .map((item) => item.webkitGetAsEntry())
    .find((entry) => entry?.isDirectory);
  if (!folder) return pickedFiles(data.files);
  return {
    label: labelOf(folder.name),
    files: await filesBelow(folder as FileSystemDirectoryEntry, ''),
  };
}

async function filesBelow(folder: FileSystemDirectoryEntry, prefix: string): Promise<NamedFile[]> {
  const found = (await entriesOf(folder)).map(async (entry) => {
    const path = prefix + entry.name;
    if (entry.isDirectory) return filesBelow(entry as FileSystemDirectoryEntry, `${path}/`);
    return [{ path, file: await fileOf(entry as FileSystemFileEntry) }];
  });
  return (await Promise.all(found)).flat();
}

/** A browser gives a folder's entries in portions, the last one empty. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A name for what has none of its own: letters, digits, dot, hyphen and underscore. */
function labelOf(name: string): string {
  return name.replace(/[^\w.-]+/g, '-').replace(/^[-.]+/, '') || 'model';
}
