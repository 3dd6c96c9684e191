import { messageOf } from '../../lib/errors.ts';
import { unzip } from '../../lib/zip.ts';
import { pickedFiles, type FolderFiles } from './folder-files.ts';

interface Props {
  readonly label: string;
  readonly onFiles: (files: FolderFiles) => void;
  /** One sentence. */
  readonly onError: (message: string) => void;
}

/** A button for a zip archive or a few files, and one for a folder. */
export function ArchiveInput({ label, onFiles, onError }: Props) {
  async function take(list: FileList | null) {
    const picked = list && pickedFiles(list);
    if (!picked) return;
    const [first] = picked.files;
    try {
      const packed = picked.files.length === 1 && first && /\.zip$/i.test(first.path);
      onFiles(packed ? { label: picked.label, files: await unzip(first.file, first.path) } : picked);
    } catch (error) {
      onError(messageOf(error));
    }
  }
  const input = (folder: boolean) => (
    <label className="button file-button">
      {folder ? 'from a folder' : label}
      <input
        type="file"
        className="visually-hidden"
        aria-label={folder ? `${label} from a folder` : label}
        {...(folder ? { webkitdirectory: '' } : { multiple: true })}
        onChange={(event) => {
          void take(event.target.files);
          event.target.value = '';
        }}
      />
    </label>
  );
  return (
    <span className="archive-input">
      {input(false)}
      {input(true)}
    </span>
  );
}
