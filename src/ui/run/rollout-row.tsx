import { memo } from 'react';
import type { GroupView, RolloutView } from '../../state/fold.ts';
import { formatRoute } from '../../state/route.ts';
import type { Row } from '../../state/rows.ts';
import { formatSigned } from '../format.ts';
import { VerdictMark, verdictWord } from '../parts/verdict-mark.tsx';
import type { RunRoute } from './run-screen.tsx';
import { problemTitle } from '../problem-title.ts';

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
      <div className="row row-waiting" style={{ height: ROW_HEIGHT }}>
        <span className="row-sample">{row.sample + 1}</span>
        <span>…</span>
      </div>
    );
  }
  const { verdict, reward, completion } = rollout;
  const current = rollout.id === selected;
  return (
    <a
      className="row"
      style={{ height: ROW_HEIGHT }}
      data-rollout={rollout.id}
      aria-current={current ? 'true' : undefined}
      href={hrefOf(route, rollout.id)}
      draggable={false}
    >
      <span className="row-sample">{row.sample + 1}</span>
      {verdict ? <VerdictMark status={verdict.status} /> : <span className="mark-wait" aria-label="not graded yet" />}
      <span className="row-verdict">{resultText(rollout)}</span>
      <span className="row-tokens">
        {completion.tokens}
        <span className="unit"> tok</span>
      </span>
      <span className="row-advantage" data-sign={reward ? Math.sign(reward.advantage) : 0} data-loss={reward?.inLoss ?? true}>
        {reward ? (reward.inLoss ? formatSigned(reward.advantage) : 'no loss') : ''}
      </span>
    </a>
  );
});

function GroupRow({ group, route }: { readonly group: GroupView; readonly route: RunRoute }) {
  const judged = group.rollouts.filter((r) => r?.verdict);
  const passed = judged.filter((r) => r?.verdict?.status === 'pass').length;
  const title = problemTitle(group.rollouts.find((r) => r !== null)?.completion.prompt ?? null, group.problem);
  return (
    <div className="row-group" style={{ height: GROUP_HEIGHT }}>
      <p className="row-where">
        <span>
          Step {group.step} · <span className="mono">{group.problem}</span>
        </span>
        <span className="row-rate">{judged.length > 0 && `${passed} of ${judged.length} pass`}</span>
      </p>
      <p className="row-title" title={title}>
        {title}
      </p>
      <GroupStrip group={group} route={route} selected={null} />
    </div>
  );
}

/** One cell a completion: how the whole group came out, at a glance. */
export function GroupStrip({ group, route, selected }: { readonly group: GroupView; readonly route: RunRoute; readonly selected: string | null }) {
  return (
    <span className="strip" aria-hidden={selected === null}>
      {group.rollouts.map((rollout, i) =>
        selected !== null && rollout ? (
          <a
            key={i}
            href={hrefOf(route, rollout.id)}
            data-status={rollout.verdict?.status ?? 'waiting'}
            aria-current={rollout.id === selected ? 'true' : undefined}
            aria-label={`Completion ${i + 1}: ${rollout.verdict ? verdictWord(rollout.verdict.status) : 'not graded yet'}`}
          />
        ) : (
          <span key={i} data-status={rollout?.verdict?.status ?? 'waiting'} />
        ),
      )}
    </span>
  );
}

function hrefOf(route: RunRoute, rollout: string): string {
  const colour = route.screen === 'rollout' ? route.colour : 'logprob';
  return formatRoute({ screen: 'rollout', runId: route.runId, rollout, colour, filter: route.filter });
}

/** What became of it in a word or two: `pass`, `5 of 8`, `NameError`. */
export function resultText({ verdict, reward }: RolloutView): string {
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
