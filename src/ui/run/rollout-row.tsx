import { memo, type CSSProperties } from 'react';
import type { GroupView, RolloutView } from '../../state/fold.ts';
import { formatRoute } from '../../state/route.ts';
import { linesOf, type Row } from '../../state/rows.ts';
import { placeOf } from '../../state/tree.ts';
import { formatSigned } from '../format.ts';
import { KIND_WORDS } from '../../settings/kinds.ts';
import { VerdictMark, verdictWord } from '../parts/verdict-mark.tsx';
import type { RunRoute } from '../../state/route.ts';
import { problemTitle } from '../problem-title.ts';
import { Unit } from '../parts/tile.tsx';
import { Mark, WaitMark } from '../parts/verdict-mark.tsx';
import { Hidden, Mono } from '../parts/text.tsx';
import { OutcomeStrip } from '../parts/outcome-strip.tsx';
import styles from './rollout-row.module.css';

/** Pixels; kept equal to the stylesheet's by setting them here. */
export const GROUP_HEIGHT = 50;
export const ROW_HEIGHT = 28;

interface Props {
  readonly row: Row;
  readonly route: RunRoute;
  readonly selected: string | null;
}

export const RolloutRow = memo(function RolloutRow({ row, route, selected }: Props) {
  if (row.kind === 'group') return <GroupRow group={row.group} route={route} />;
  const { rollout } = row;
  if (!rollout) {
    return (
      <div className={`${styles.row} ${styles.waiting}`} style={{ height: ROW_HEIGHT }}>
        <span className={styles.place}>{row.sample + 1}</span>
        <span>…</span>
      </div>
    );
  }
  return (
    <a
      className={styles.row}
      style={{ height: ROW_HEIGHT, '--depth': row.depth } as CSSProperties}
      data-rollout={rollout.id}
      data-kind={rollout.completion.kind}
      aria-current={rollout.id === selected ? 'true' : undefined}
      href={rolloutHref(route, rollout.id)}
      draggable={false}
    >
      <span className={styles.place} title={KIND_WORDS[rollout.completion.kind][0]}>
        {placeOf(rollout.id)}
      </span>
      <RolloutMark rollout={rollout} />
      <span className={styles.verdict}>
        {resultText(rollout)}
        {row.rescued && rollout.completion.kind === 'attempt' && (
          <span className={styles.badge}>rescued</span>
        )}
        {rollout.target && <span className={styles.badge}>distilled</span>}
      </span>
      <span className={styles.tokens}>
        {rollout.completion.tokens}
        <Unit> tok</Unit>
      </span>
      <Earned rollout={rollout} />
    </a>
  );
});

/** Its verdict as a glyph; a reflection is no program and has none. */
export function RolloutMark({
  rollout,
  word = false,
}: {
  readonly rollout: RolloutView;
  readonly word?: boolean;
}) {
  const { completion, verdict } = rollout;
  if (verdict) return <VerdictMark status={verdict.status} word={word} />;
  if (completion.kind !== 'reflection') return <WaitMark label="not graded yet" />;
  return (
    <Mark data-status="none">
      <span aria-hidden="true">¶</span>
      {word ? <span>reflection</span> : <Hidden>reflection</Hidden>}
    </Mark>
  );
}

/** Its advantage; none where the loss is a teacher's and not a reward's. */
function Earned({ rollout: { reward, target } }: { readonly rollout: RolloutView }) {
  return (
    <span
      className={styles.advantage}
      data-sign={reward ? Math.sign(reward.advantage) : 0}
      data-loss={reward?.inLoss ?? true}
    >
      {reward && !target && (reward.inLoss ? formatSigned(reward.advantage) : 'no loss')}
    </span>
  );
}

function GroupRow({ group, route }: { readonly group: GroupView; readonly route: RunRoute }) {
  const judged = group.rollouts.filter((r) => r?.verdict);
  const passed = judged.filter((r) => r?.verdict?.status === 'pass').length;
  const title = problemTitle(
    group.rollouts.find((r) => r !== null)?.completion.prompt ?? null,
    group.problem,
  );
  return (
    <div className={styles.group} style={{ height: GROUP_HEIGHT }}>
      <p className={styles.where}>
        <span>
          Step {group.step} · <Mono>{group.problem}</Mono>
        </span>
        <span className={styles.rate}>
          {judged.length > 0 && `${passed} of ${judged.length} pass`}
        </span>
      </p>
      <p className={styles.title} title={title}>
        {title}
      </p>
      <GroupStrip group={group} route={route} selected={null} />
    </div>
  );
}

/**
 * One cell a completion, each attempt beside what came of it: how the whole group came out, at a
 * glance.
 */
export function GroupStrip({
  group,
  route,
  selected,
}: {
  readonly group: GroupView;
  readonly route: RunRoute;
  readonly selected: string | null;
}) {
  return (
    <OutcomeStrip large={selected !== null} aria-hidden={selected === null}>
      {linesOf(group).map(({ key, rollout, depth }) => {
        const { completion, verdict } = rollout ?? {};
        const shared = {
          'data-status':
            completion?.kind === 'reflection' ? 'none' : (verdict?.status ?? 'waiting'),
          'data-depth': Math.min(depth, 1),
        };
        return selected !== null && rollout && completion ? (
          <a
            key={key}
            {...shared}
            href={rolloutHref(route, rollout.id)}
            aria-current={rollout.id === selected ? 'true' : undefined}
            aria-label={`${nameOf(rollout)}: ${resultText(rollout)}`}
          />
        ) : (
          <span key={key} {...shared} />
        );
      })}
    </OutcomeStrip>
  );
}

export function rolloutHref(route: RunRoute, rollout: string): string {
  const colour = route.screen === 'rollout' ? route.colour : 'logprob';
  return formatRoute({
    screen: 'rollout',
    runId: route.runId,
    rollout,
    colour,
    filter: route.filter,
  });
}

/** `attempt 2`, `refinement 2.1`. */
export function nameOf({ id, completion }: RolloutView): string {
  return `${KIND_WORDS[completion.kind][0]} ${placeOf(id)}`;
}

/** What became of it in a word or two: `pass`, `5 of 8`, `NameError`, `2 of 2 retries pass`. */
export function resultText({ completion, verdict, reward }: RolloutView): string {
  if (completion.kind === 'reflection')
    return reward ? `${reward.passed} of ${reward.asserts} retries pass` : 'reflection';
  if (!verdict) return 'not graded yet';
  switch (verdict.status) {
    case 'fail': {
      const passed = reward?.passed ?? verdict.asserts.filter((a) => a.status === 'pass').length;
      return `${passed} of ${verdict.asserts.length}`;
    }
    case 'error':
      return verdict.error?.type ?? 'error';
    case 'pass':
    case 'timeout':
    case 'crash':
    case 'infra':
    case 'no-code':
      return verdictWord(verdict.status);
    default:
      return verdict.status satisfies never;
  }
}
