import { diffArrays } from 'diff';
import type { AssertVerdict, Verdict } from '../schema/verdict.ts';

/**
 * A line of two programs laid side by side; numbers from 1, null where the program does not have
 * it.
 */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
  readonly before: number | null;
  readonly after: number | null;
}

export function lineDiff(before: string, after: string): readonly DiffLine[] {
  let old = 0;
  let young = 0;
  return diffArrays(linesOf(before), linesOf(after)).flatMap(({ added, removed, value }) =>
    value.map((text): DiffLine => {
      if (removed) return { kind: 'removed', text, before: ++old, after: null };
      if (added) return { kind: 'added', text, before: null, after: ++young };
      return { kind: 'same', text, before: ++old, after: ++young };
    }),
  );
}

function linesOf(program: string): string[] {
  return program.trimEnd().split('\n');
}

/** One assert in two verdicts; a verdict without it has not run it. */
export interface AssertChange {
  readonly source: string;
  readonly before: AssertVerdict | null;
  readonly after: AssertVerdict | null;
  readonly change: 'fixed' | 'broken' | 'passes' | 'fails';
}

/** Both verdicts are of the same problem's asserts, in the same order. */
export function assertChanges(before: Verdict, after: Verdict): readonly AssertChange[] {
  const count = Math.max(before.asserts.length, after.asserts.length);
  return Array.from({ length: count }, (_, i) => {
    const old = before.asserts[i] ?? null;
    const young = after.asserts[i] ?? null;
    const did = old?.status === 'pass';
    const does = young?.status === 'pass';
    return {
      source: (young ?? old)?.source ?? '',
      before: old,
      after: young,
      change: does ? (did ? 'passes' : 'fixed') : did ? 'broken' : 'fails',
    };
  });
}

/**
 * What the model reasoned before its program: in <analysis>, or nano's comment lines at the head;
 * null: nothing.
 */
export function analysisOf(text: string): string | null {
  const tagged = /<analysis>([\s\S]*?)(?:<\/analysis>|<code>|$)/.exec(text)?.[1];
  const comments = /^(?:[ \t]*#.*(?:\n|$))+/.exec(text.trimStart())?.[0];
  const found = tagged ?? comments?.replace(/^[ \t]*#+ ?/gm, '');
  return found === undefined || found.trim() === '' ? null : found.trim();
}
