import { useDrop } from './use-drop.ts';
import { formatBytes } from '../../lib/format.ts';
import './file-field.css';

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
    <label className="file-field" {...drop}>
      <span className="label">{label}</span>
      <input
        type="file"
        accept={accept}
        className="visually-hidden"
        onChange={(event) => {
          take(event.target.files);
          event.target.value = ''; // the same file again is a change too
        }}
      />
      <span className="file-name">{file ? file.name : 'Choose or drop a file'}</span>
      <span className="muted">{file ? formatBytes(file.size) : hint}</span>
    </label>
  );
}
