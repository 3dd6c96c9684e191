import styles from './segments.module.css';
import { classNames } from './part.tsx';

interface Props<T extends string> {
  /** What is chosen, for screen readers. */
  readonly label: string;
  /** Of the radio buttons. */
  readonly name: string;
  readonly options: readonly T[];
  readonly nameOf: (option: T) => string;
  readonly value: T | null;
  readonly onChange: (option: T) => void;
  /** Scrolls sideways where the screen is narrower than the choices. */
  readonly narrow?: boolean;
  readonly className?: string | undefined;
}

/** One choice of a few: radio buttons drawn as one switch. */
export function Segments<T extends string>({
  label,
  name,
  options,
  nameOf,
  value,
  onChange,
  narrow = false,
  className,
}: Props<T>) {
  return (
    <fieldset
      className={classNames(styles.segments, narrow && styles.narrow, className)}
      aria-label={label}
    >
      {options.map((option) => (
        <label key={option}>
          <input
            type="radio"
            name={name}
            value={option}
            checked={option === value}
            onChange={() => onChange(option)}
          />
          <span>{nameOf(option)}</span>
        </label>
      ))}
    </fieldset>
  );
}
