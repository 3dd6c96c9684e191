import { type KindFigures, type RunEventOf } from '../schema/events.ts';
import { KINDS, type Kind } from '../settings/kinds.ts';
import type { RunView, StepView } from './fold.ts';
import { isRescued, treeOf } from './tree.ts';

type Rescue = NonNullable<RunEventOf<'update.applied'>['rescue']>;

/**
 * Second answers over the run so far; the step under way counts with what it has judged. Null: the
 * run has asked for none.
 */
export function rescueOf(view: RunView): Pick<Rescue, 'failed' | 'rescued'> | null {
  const counts = view.updates.flatMap(({ rescue }) => rescue ?? []);
  const last = view.steps.at(-1);
  const live = last && !last.update ? rescueUnderWay(last) : { failed: 0, rescued: 0 };
  if (counts.length === 0 && live.failed === 0) return null;
  return {
    failed: counts.reduce((sum, { failed }) => sum + failed, live.failed),
    rescued: counts.reduce((sum, { rescued }) => sum + rescued, live.rescued),
  };
}

function rescueUnderWay({ groups }: StepView): Pick<Rescue, 'failed' | 'rescued'> {
  const refined = groups
    .flatMap(treeOf)
    .filter(({ children }) =>
      children.some(
        ({ rollout: { completion, verdict } }) =>
          completion.kind === 'refinement' && verdict !== null,
      ),
    );
  return { failed: refined.length, rescued: refined.filter(isRescued).length };
}

/** Second answers of all finished steps, and what they were like; null where there were none. */
export function answersOf(view: RunView): Omit<Rescue, 'failed' | 'rescued'> | null {
  const counts = view.updates.flatMap(({ rescue }) => rescue ?? []);
  if (counts.length === 0) return null;
  const sum = (read: (rescue: Rescue) => number) =>
    counts.reduce((total, rescue) => total + read(rescue), 0);
  const hides = counts.some(({ visibleOnly }) => visibleOnly !== null);
  return {
    answers: sum((r) => r.answers),
    passes: sum((r) => r.passes),
    changed: sum((r) => r.changed),
    visibleOnly: hides ? sum((r) => r.visibleOnly ?? 0) : null,
  };
}

/**
 * Completions of all finished steps by kind, in the order in which methods make them; the gradient
 * norm is the last step's.
 */
export function kindsOf(view: RunView): readonly KindFigures[] {
  const last = view.updates.at(-1)?.kinds ?? [];
  const all = view.updates.flatMap(({ kinds }) => kinds);
  return KINDS.flatMap((kind: Kind) => {
    const own = all.filter((figures) => figures.kind === kind);
    if (own.length === 0) return [];
    const sum = (read: (figures: KindFigures) => number) =>
      own.reduce((total, figures) => total + read(figures), 0);
    return {
      kind,
      completions: sum((f) => f.completions),
      passes: sum((f) => f.passes),
      infra: sum((f) => f.infra),
      tokens: {
        prompt: sum((f) => f.tokens.prompt),
        generated: sum((f) => f.tokens.generated),
        trained: sum((f) => f.tokens.trained),
      },
      gradNorm: last.find((figures) => figures.kind === kind)?.gradNorm ?? null,
    };
  });
}
