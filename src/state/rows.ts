import type { GroupView, RolloutView, RunView } from './fold.ts';
import type { Filter } from './route.ts';
import { flatten, isRescued, treeOf } from './tree.ts';

/**
 * One line of the rollout list: a problem's heading, or one of its completions (null: its place
 * while it is being written).
 */
export type Row =
  { readonly kind: 'group'; readonly key: string; readonly group: GroupView } | RolloutLine;

export interface RolloutLine {
  readonly kind: 'rollout';
  readonly key: string;
  readonly sample: number;
  readonly rollout: RolloutView | null;
  /** 0 of attempts; what follows from one stands indented below it. */
  readonly depth: number;
  /** It belongs to a failed attempt from which a passing answer followed. */
  readonly rescued: boolean;
}

/**
 * The list in the order things happened: later steps below earlier ones, so what comes never pushes
 * what is there.
 */
export function rowsOf(view: RunView, filter: Filter): Row[] {
  const rows: Row[] = [];
  for (const step of view.steps) {
    if (filter.step !== null && step.step !== filter.step) continue;
    for (const group of step.groups) {
      const inside = linesOf(group).filter((line) => shows(filter, line));
      if (inside.length > 0)
        rows.push({ kind: 'group', key: `${group.step}:${group.index}`, group }, ...inside);
    }
  }
  return rows;
}

/** Groups keep their identity while nothing comes, so theirs are made once. */
const known = new WeakMap<GroupView, readonly RolloutLine[]>();

/** A group's completions, each attempt followed by what came of it. */
export function linesOf(group: GroupView): readonly RolloutLine[] {
  const held = known.get(group);
  if (held) return held;
  const roots = new Map(treeOf(group).map((node) => [node.rollout.sample, node]));
  const line = (
    sample: number,
    rollout: RolloutView | null,
    depth: number,
    rescued: boolean,
  ): RolloutLine => ({
    kind: 'rollout',
    key: `${group.step}:${group.index}:${sample}`,
    sample,
    rollout,
    depth,
    rescued,
  });
  const lines = group.rollouts.flatMap((rollout, sample) => {
    if (rollout === null) return [line(sample, null, 0, false)];
    const root = roots.get(sample);
    if (!root) return [];
    const rescued = isRescued(root);
    return flatten(root).map((node) =>
      line(node.rollout.sample, node.rollout, node.depth, rescued),
    );
  });
  known.set(group, lines);
  return lines;
}

function shows({ show, kind }: Filter, { rollout, rescued }: RolloutLine): boolean {
  if (kind !== null && rollout?.completion.kind !== kind) return false;
  switch (show) {
    case 'all':
      return true;
    case 'pass':
      return rollout?.verdict?.status === 'pass';
    case 'fail':
      return rollout?.verdict != null && rollout.verdict.status !== 'pass';
    case 'rescued':
      return rescued;
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
