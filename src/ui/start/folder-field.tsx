import { useState } from 'react';
import { messageOf } from '../../lib/errors.ts';
import type { ModelPrecision } from '../../schema/models.ts';
import { defaultPrecision, OFFERED_PRECISIONS } from '../../state/model-places.ts';
import { useLab } from '../hooks.ts';
import { droppedFiles, pickedFiles, type FolderFiles } from '../parts/folder-files.ts';
import { useDrop } from '../parts/use-drop.ts';
import { HiddenInput, Label } from '../parts/text.tsx';
import { SettingNote } from '../parts/setting.tsx';
import styles from './model-shelf.module.css';

interface Props {
  /** The id of the model that is being made of it. */
  readonly onModel: (id: string) => void;
}

/** A model's folder on this machine, picked or dropped, copied and converted. */
export function FolderField({ onModel }: Props) {
  const lab = useLab();
  const [precision, setPrecision] = useState<ModelPrecision>(defaultPrecision(null));
  const [busy, setBusy] = useState(false);

  async function take(given: Promise<FolderFiles | null> | FolderFiles | null) {
    setBusy(true);
    try {
      const found = await given;
      const id = found && (await lab.models.importFiles(found.label, found.files, precision));
      if (id) onModel(id);
    } catch (error) {
      lab.notify(`The folder could not be read: ${messageOf(error)}.`);
    } finally {
      setBusy(false);
    }
  }

  const drop = useDrop((data) => void take(droppedFiles(data)));
  return (
    <div className={styles.field}>
      <Label>A model on this machine</Label>
      <label className={styles.drop} {...drop}>
        <HiddenInput
          type="file"
          // React knows the attribute by no other name.
          {...{ webkitdirectory: '' }}
          disabled={busy}
          onChange={(event) => {
            if (event.target.files) void take(pickedFiles(event.target.files));
            event.target.value = '';
          }}
        />
        <span>{busy ? 'Reading it…' : 'Choose its folder, or drop folder or files here'}</span>
      </label>
      <span className={styles.line}>
        <SettingNote as="span">config.json, tokenizer.json and safetensors, kept as</SettingNote>
        <select
          aria-label="Precision of the imported weights"
          value={precision}
          onChange={(event) => setPrecision(event.target.value as ModelPrecision)}
        >
          {OFFERED_PRECISIONS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </span>
    </div>
  );
}
