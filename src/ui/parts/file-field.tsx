import { useDrop } from './use-drop.ts';
import { formatBytes } from '../../lib/format.ts';
import { HiddenInput, Label, Muted } from './text.tsx';
import styles from './file-field.module.css';

interface Props {
  readonly label: string;
  readonly hint: string;
  readonly accept: string;
  readonly file: File | null;
  readonly onFile: (file: File) => void;
}

/** A file, picked or dropped. */
export function FileField({ label, hint, accept, file, onFile }: Props) {
  const take = (files: FileList | null) => files?.[0] && onFile(files[0]);
  const drop = useDrop((data) => take(data.files));
  return (
    <label className={styles.field} {...drop}>
      <Label className={styles.label}>{label}</Label>
      <HiddenInput
        type="file"
        accept={accept}
        onChange={(event) => {
          take(event.target.files);
          event.target.value = ''; // the same file again is a change too
        }}
      />
      <span className={styles.name}>{file ? file.name : 'Choose or drop a file'}</span>
      <Muted>{file ? formatBytes(file.size) : hint}</Muted>
    </label>
  );
}
