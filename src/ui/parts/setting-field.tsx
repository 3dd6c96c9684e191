import type { ReactNode } from 'react';
import type { Choice, Setting } from './settings.ts';
import { SettingFrame, SettingLabel, SettingNote } from './setting.tsx';
import styles from './setting-field.module.css';

interface Props<S> {
  readonly setting: S;
  /** The default, as text. */
  readonly standard: string;
  readonly text: string | undefined;
  readonly onChange: (text: string | null) => void;
}

/**
 * A number the user may change: its default and where that comes from, or what is wrong with it.
 */
export function SettingField({
  setting,
  standard,
  text,
  error,
  onChange,
}: Props<Setting<string>> & { readonly error: string | undefined }) {
  const id = `setting-${setting.key}`;
  return (
    <Framed
      setting={setting}
      standard={standard}
      said={standard}
      text={text}
      error={error}
      onChange={onChange}
    >
      <input
        id={id}
        inputMode={setting.integer ? 'numeric' : 'decimal'}
        autoComplete="off"
        spellCheck={false}
        value={text ?? standard}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-note`}
        onChange={(event) => onChange(event.target.value)}
      />
    </Framed>
  );
}

/** A choice the user may change, alike. */
export function ChoiceField({ setting, standard, text, onChange }: Props<Choice<string>>) {
  const id = `setting-${setting.key}`;
  const said = setting.options.find(({ value }) => value === standard)?.label ?? standard;
  return (
    <Framed
      setting={setting}
      standard={standard}
      said={said}
      text={text}
      error={undefined}
      onChange={onChange}
    >
      <select
        id={id}
        value={text ?? standard}
        aria-describedby={`${id}-note`}
        onChange={(event) => onChange(event.target.value)}
      >
        {setting.options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </Framed>
  );
}

interface FramedProps extends Props<{
  readonly key: string;
  readonly label: string;
  readonly source: string;
}> {
  /** The default as the note names it. */
  readonly said: string;
  readonly error: string | undefined;
  readonly children: ReactNode;
}

function Framed({ setting, standard, said, text, error, onChange, children }: FramedProps) {
  const id = `setting-${setting.key}`;
  const changed = text !== undefined && text !== standard;
  return (
    <SettingFrame data-changed={changed} data-wrong={error !== undefined}>
      <SettingLabel htmlFor={id}>{setting.label}</SettingLabel>
      {children}
      <SettingNote id={`${id}-note`}>
        {error ?? (changed ? `default ${said}, ${setting.source}` : setting.source)}
        {changed && (
          <button type="button" className={styles.reset} onClick={() => onChange(null)}>
            reset
          </button>
        )}
      </SettingNote>
    </SettingFrame>
  );
}
