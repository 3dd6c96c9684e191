import type { VerdictStatus } from '../../schema/verdict.ts';
import { part } from './part.tsx';
import { Hidden } from './text.tsx';
import styles from './verdict-mark.module.css';

/** A glyph in the colour of its `data-status`. */
export const Mark = part('span', styles.mark);

const MARKS: Record<VerdictStatus, { readonly glyph: string; readonly word: string }> = {
  pass: { glyph: '✓', word: 'pass' },
  fail: { glyph: '✗', word: 'fail' },
  error: { glyph: '!', word: 'error' },
  timeout: { glyph: '◷', word: 'timeout' },
  crash: { glyph: '‡', word: 'crash' },
  infra: { glyph: '?', word: 'sandbox failed' },
  'no-code': { glyph: '∅', word: 'no code' },
};

/** A status as glyph and colour; its word is there for screen readers, or for all with `word`. */
export function VerdictMark({
  status,
  word = false,
}: {
  readonly status: VerdictStatus;
  readonly word?: boolean;
}) {
  const mark = MARKS[status];
  return (
    <Mark data-status={status}>
      <span aria-hidden="true">{mark.glyph}</span>
      {word ? <span>{mark.word}</span> : <Hidden>{mark.word}</Hidden>}
    </Mark>
  );
}

export function verdictWord(status: VerdictStatus): string {
  return MARKS[status].word;
}

/** The mark of what has no verdict yet, or none at all. */
export function WaitMark({ label }: { readonly label: string }) {
  return <span className={styles.wait} role="img" aria-label={label} />;
}
