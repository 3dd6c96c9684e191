import type { GroupView, RolloutView } from './fold.ts';

/**
 * One completion of a problem with what followed from it: refinements of an attempt; reflections on
 * it, each with its retries.
 */
export interface RolloutNode {
  readonly rollout: RolloutView;
  /** 0 of attempts. */
  readonly depth: number;
  readonly children: readonly RolloutNode[];
}

/**
 * Roots and children in the order of their samples; what has lost its parent stands among the
 * roots.
 */
export function treeOf(group: GroupView): readonly RolloutNode[] {
  const written = group.rollouts.filter((rollout) => rollout !== null);
  const ids = new Set(written.map(({ id }) => id));
  const node = (rollout: RolloutView, depth: number): RolloutNode => ({
    rollout,
    depth,
    children: written
      .filter((other) => other.completion.parent === rollout.id)
      .map((child) => node(child, depth + 1)),
  });
  const isRoot = ({ completion: { parent } }: RolloutView) => parent === null || !ids.has(parent);
  return written.filter(isRoot).map((rollout) => node(rollout, 0));
}

/** A node and everything below it, parents before children. */
export function flatten(node: RolloutNode): readonly RolloutNode[] {
  return [node, ...node.children.flatMap(flatten)];
}

/** From the attempt down to the completion itself. */
export function lineageOf(rollout: RolloutView, group: GroupView | null): readonly RolloutView[] {
  const parent =
    group?.rollouts.find((other) => other !== null && other.id === rollout.completion.parent) ??
    null;
  return parent === null ? [rollout] : [...lineageOf(parent, group), rollout];
}

export function childrenOf(rollout: RolloutView, group: GroupView | null): readonly RolloutView[] {
  return (group?.rollouts ?? [])
    .filter((other) => other !== null)
    .filter((other) => other.completion.parent === rollout.id);
}

/** A failed attempt from which a passing answer followed. */
export function isRescued(attempt: RolloutNode): boolean {
  const { verdict, completion } = attempt.rollout;
  return (
    completion.kind === 'attempt' &&
    verdict !== null &&
    verdict.status !== 'pass' &&
    flatten(attempt).some(({ rollout }) => rollout.verdict?.status === 'pass')
  );
}

/**
 * Its place among the completions of its problem: `2` of an attempt, `2.1` of what followed from it
 * first, `2.1.3`.
 */
export function placeOf(id: string): string {
  const places = id.slice(id.lastIndexOf('/') + 1).split('.');
  return places.map((place) => Number(place) + 1).join('.');
}
