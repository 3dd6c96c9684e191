import type { GroupView, RolloutView, RunView } from './fold.ts';
import type { Filter, Show } from './route.ts';

/** One line of the rollout list: a problem's heading, or one of its completions (null: its place while it is being written). */
export type Row =
  | { readonly kind: 'group'; readonly key: string; readonly group: GroupView }
  | { readonly kind: 'rollout'; readonly key: string; readonly sample: number; readonly rollout: RolloutView | null };

/** The list in the order things happened: later steps below earlier ones, so what comes never pushes what is there. */
export function rowsOf(view: RunView, filter: Filter): Row[] {
  const rows: Row[] = [];
  for (const step of view.steps) {
    if (filter.step !== null && step.step !== filter.step) continue;
    for (const group of step.groups) {
      const name = `${group.step}:${group.index}`;
      const inside: Row[] = [];
      for (const [sample, rollout] of group.rollouts.entries()) {
        if (shows(filter.show, rollout)) inside.push({ kind: 'rollout', key: `${name}:${sample}`, sample, rollout });
      }
      if (inside.length > 0) rows.push({ kind: 'group', key: name, group }, ...inside);
    }
  }
  return rows;
}

function shows(show: Show, rollout: RolloutView | null): boolean {
  switch (show) {
    case 'all':
      return true;
    case 'pass':
      return rollout?.verdict?.status === 'pass';
    case 'fail':
      return rollout?.verdict != null && rollout.verdict.status !== 'pass';
    case 'no-loss':
      return rollout?.reward != null && !rollout.reward.inLoss;
    default:
      return show satisfies never;
  }
}

/** The rollout `by` places after (or before) `id` among those the list shows; null at the ends. */
export function neighbour(rows: readonly Row[], id: string, by: 1 | -1): RolloutView | null {
  const at = rows.findIndex((row) => row.kind === 'rollout' && row.rollout?.id === id);
  // A rollout the filter hides has no place in the list: stepping enters it at its nearer end.
  let i = at < 0 && by < 0 ? rows.length : at;
  for (i += by; i >= 0 && i < rows.length; i += by) {
    const row = rows[i];
    if (row?.kind === 'rollout' && row.rollout) return row.rollout;
  }
  return null;
}
