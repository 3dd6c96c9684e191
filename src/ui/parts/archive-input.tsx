import { messageOf } from '../../lib/errors.ts';
import { unzip } from '../../lib/zip.ts';
import type { NamedFile } from '../../schema/protocol.ts';
import { pickedFiles, type FolderFiles } from './folder-files.ts';
import { reportArchive } from './report-archive.ts';
import { Button } from './button.tsx';
import { HiddenInput } from './text.tsx';
import styles from './archive-input.module.css';

interface Props {
  readonly label: string;
  readonly onFiles: (files: FolderFiles) => void;
  /** One sentence. */
  readonly onError: (message: string) => void;
}

/** A button for a zip archive, a report or a few files, and one for a folder. */
export function ArchiveInput({ label, onFiles, onError }: Props) {
  async function take(list: FileList | null) {
    const picked = list && pickedFiles(list);
    if (!picked) return;
    const [first, second] = picked.files;
    try {
      const archive = first && !second ? await archiveOf(first) : null;
      onFiles(archive ? { label: picked.label, files: await unzip(archive, first!.path) } : picked);
    } catch (error) {
      onError(messageOf(error));
    }
  }
  const input = (folder: boolean) => (
    <Button as="label" className={styles.button}>
      {folder ? 'from a folder' : label}
      <HiddenInput
        type="file"
        aria-label={folder ? `${label} from a folder` : label}
        {...(folder ? { webkitdirectory: '' } : { multiple: true })}
        onChange={(event) => {
          void take(event.target.files);
          event.target.value = '';
        }}
      />
    </Button>
  );
  return (
    <span className={styles.inputs}>
      {input(false)}
      {input(true)}
    </span>
  );
}

/** The archive that a file is, or that a report holds; null where it is neither. */
async function archiveOf({ path, file }: NamedFile): Promise<Blob | null> {
  if (/\.zip$/i.test(path)) return file;
  if (!/\.html?$/i.test(path)) return null;
  return reportArchive(new DOMParser().parseFromString(await file.text(), 'text/html'));
}
