import { Sheet } from './sheet.tsx';
import { Label, Muted } from './text.tsx';
import styles from './program-view.module.css';

interface Props {
  readonly code: string;
  /** The completion it was taken from. */
  readonly text: string;
  readonly errorLines: readonly number[];
  /** Open from the first; else where an error points into it. */
  readonly open?: boolean;
}

/** The program as the sandbox ran it, with line numbers. */
export function ProgramView({ code, text, errorLines, open = false }: Props) {
  const whole = code.trim() === text.trim();
  const lines = code.replace(/\n$/, '').split('\n');
  return (
    <Sheet as="details" className={styles.program} open={open || errorLines.length > 0}>
      <summary>
        <Label>Program as it was run</Label>
        <Muted>
          {lines.length} {lines.length === 1 ? 'line' : 'lines'}
          {whole ? ', the whole completion' : ', taken out of the completion'}
        </Muted>
      </summary>
      <ol className={styles.code}>
        {lines.map((line, i) => (
          <li key={i} data-error={errorLines.includes(i + 1)}>
            <code>{line}</code>
          </li>
        ))}
      </ol>
    </Sheet>
  );
}
