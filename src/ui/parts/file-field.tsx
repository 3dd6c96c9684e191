import { useState } from 'react';
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
  const [over, setOver] = useState(false);
  const take = (files: FileList | null) => files?.[0] && onFile(files[0]);
  return (
    <label
      className="file-field"
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files);
      }}
    >
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
