import type { Setting } from './settings.ts';

interface Props {
  readonly setting: Setting<string>;
  /** The default, as text. */
  readonly standard: string;
  readonly text: string | undefined;
  readonly error: string | undefined;
  readonly onChange: (text: string | null) => void;
}

/** A number the user may change: its default and where that comes from, or what is wrong with it. */
export function SettingField({ setting, standard, text, error, onChange }: Props) {
  const id = `setting-${setting.key}`;
  const changed = text !== undefined && text !== standard;
  return (
    <div className="setting" data-changed={changed} data-wrong={error !== undefined}>
      <label className="label" htmlFor={id}>
        {setting.label}
      </label>
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
      <p className="setting-note" id={`${id}-note`}>
        {error ?? (changed ? `default ${standard}, ${setting.source}` : setting.source)}
        {changed && (
          <button type="button" className="reset" onClick={() => onChange(null)}>
            reset
          </button>
        )}
      </p>
    </div>
  );
}
