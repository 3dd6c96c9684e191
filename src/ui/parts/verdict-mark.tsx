import type { VerdictStatus } from '../../schema/verdict.ts';
import './parts.css';

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
    <span className="mark" data-status={status}>
      <span aria-hidden="true">{mark.glyph}</span>
      <span className={word ? undefined : 'visually-hidden'}>{mark.word}</span>
    </span>
  );
}

export function verdictWord(status: VerdictStatus): string {
  return MARKS[status].word;
}
