import { useMemo } from 'react';
import { analysisOf } from '../../state/changes.ts';
import { findGroup, findRollout, type RolloutView, type RunView } from '../../state/fold.ts';
import { ledgerOf } from '../../state/ledger.ts';
import { COLOURINGS, formatRoute, type Colouring } from '../../state/route.ts';
import { neighbour, type Row } from '../../state/rows.ts';
import { lineageOf } from '../../state/tree.ts';
import { formatReward, formatSigned } from '../format.ts';
import { currentRoute, go, useTokens } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { KIND_WORDS } from '../../settings/kinds.ts';
import { ProgramView } from '../parts/program-view.tsx';
import { Stepper } from '../parts/stepper.tsx';
import { VerdictView } from '../parts/verdict-view.tsx';
import { problemTitle } from '../problem-title.ts';
import { GroupStrip, nameOf, RolloutMark } from '../run/rollout-row.tsx';
import type { RunRoute } from '../../state/route.ts';
import { ChangeView } from './change-view.tsx';
import { SCALES } from './colour.ts';
import { Distilled } from './distilled.tsx';
import { LedgerView } from './ledger-view.tsx';
import { Followers, Lineage } from './lineage.tsx';
import { Legend } from './token-strip.tsx';
import { TokenView } from './token-view.tsx';
import './rollout.css';

type RolloutRoute = Extract<RunRoute, { screen: 'rollout' }>;

interface Props {
  readonly view: RunView;
  readonly rows: readonly Row[];
  readonly route: RolloutRoute;
}

export function RolloutScreen({ view, rows, route }: Props) {
  const rollout = findRollout(view, route.rollout);
  const back = formatRoute({ screen: 'run', runId: route.runId, filter: route.filter });
  if (!rollout) {
    return (
      <section className="rollout">
        <h2 className="title">This run holds no completion {route.rollout}.</h2>
        <p className="sentence">
          {view.finished
            ? 'The run has ended, so it will not come.'
            : 'It may come yet: a resumed run writes the steps after its checkpoint again.'}{' '}
          <a href={back}>Back to the run</a>
        </p>
      </section>
    );
  }
  return <Rollout view={view} rows={rows} route={route} rollout={rollout} back={back} />;
}

function Rollout({
  view,
  rows,
  route,
  rollout,
  back,
}: Props & { readonly rollout: RolloutView; readonly back: string }) {
  const group = findGroup(view, rollout);
  const ledger = useMemo(
    () => ledgerOf(rollout, group, view.config),
    [rollout, group, view.config],
  );
  const previous = neighbour(rows, rollout.id, -1);
  const next = neighbour(rows, rollout.id, 1);
  const { completion, verdict } = rollout;
  const recolour = (colour: Colouring) => go({ ...route, colour }, 'replace');
  useKeys({
    c: () => {
      const now = currentRoute();
      if (now.screen !== 'rollout') return;
      const next =
        COLOURINGS[(COLOURINGS.indexOf(now.colour) + 1) % COLOURINGS.length] ?? 'logprob';
      go({ ...now, colour: next }, 'replace');
    },
  });
  const step = (to: RolloutView | null) => to && go({ ...route, rollout: to.id }, 'replace');
  const lineage = lineageOf(rollout, group);
  const attempt = lineage[0] ?? rollout;
  const reflection = lineage.find(
    (part) => part !== rollout && part.completion.kind === 'reflection',
  );
  const analysis =
    completion.kind === 'refinement' || completion.kind === 'retry'
      ? analysisOf(completion.text)
      : null;
  return (
    <section className="rollout" aria-label="Completion">
      <header className="rollout-head">
        <p className="rollout-where">
          <a href={back}>← Curves</a>
          <span>
            Step {rollout.step} · <span className="mono">{rollout.problem}</span> ·{' '}
            {nameOf(rollout)}
          </span>
          <Stepper
            onPrevious={previous && (() => step(previous))}
            onNext={next && (() => step(next))}
          />
        </p>
        <h2 className="rollout-title">
          {problemTitle(attempt.completion.prompt, rollout.problem)}
        </h2>
        <div className="rollout-sum">
          {verdict || completion.kind === 'reflection' ? (
            <RolloutMark rollout={rollout} word />
          ) : (
            <span className="muted">not graded yet</span>
          )}
          {ledger && (
            <span>
              reward {formatReward(ledger.reward)}, advantage {formatSigned(ledger.advantage)}
            </span>
          )}
          <span>
            {completion.tokens} tokens, ended by{' '}
            {completion.finish === 'length'
              ? 'the limit'
              : completion.finish === 'eos'
                ? 'its end token'
                : 'a stop rule'}
            , T {completion.temperature}
          </span>
          {group && <GroupStrip group={group} route={route} selected={rollout.id} />}
        </div>
        <Lineage rollout={rollout} group={group} route={route} />
      </header>
      {attempt !== rollout && completion.kind !== 'reflection' && (
        <ChangeView before={attempt} after={rollout} />
      )}
      <div className="rollout-columns">
        <div className="rollout-text">
          <section className="sheet" aria-labelledby="prompt-title">
            <h3 className="label" id="prompt-title">
              {completion.kind === 'attempt'
                ? 'Prompt'
                : `Prompt of the ${KIND_WORDS[completion.kind][0]}`}
              , as the model saw it
            </h3>
            <pre className="prompt" id="prompt" tabIndex={0} aria-labelledby="prompt-title">
              {completion.prompt}
            </pre>
          </section>
          {reflection && (
            <section className="sheet" aria-labelledby="reflection-title">
              <h3 className="label" id="reflection-title">
                Reflection it was given
              </h3>
              <p className="analysis">{reflection.completion.text}</p>
            </section>
          )}
          {analysis !== null && (
            <section className="sheet" aria-labelledby="analysis-title">
              <h3 className="label" id="analysis-title">
                Analysis, before the code
              </h3>
              <p className="analysis">{analysis}</p>
            </section>
          )}
          <Completion route={route} rollout={rollout} onColour={recolour} />
          {completion.code !== null && (
            <ProgramView
              code={completion.code}
              text={completion.text}
              errorLines={verdict?.error?.lines ?? []}
            />
          )}
        </div>
        <div className="rollout-judgement">
          <section className="sheet" aria-labelledby="ledger-title">
            <h3 className="label" id="ledger-title">
              The reward’s ledger
            </h3>
            {ledger ? (
              <LedgerView ledger={ledger} reflection={completion.kind === 'reflection'} />
            ) : (
              <p className="sentence">Rewards are given when the whole step is graded.</p>
            )}
          </section>
          <Distilled rollout={rollout} group={group} route={route} />
          <Followers rollout={rollout} group={group} route={route} />
          {completion.kind !== 'reflection' && (
            <section className="sheet" aria-labelledby="verdict-title">
              <h3 className="label" id="verdict-title">
                Verdict
              </h3>
              {verdict ? (
                <VerdictView verdict={verdict} prompt={completion.prompt} />
              ) : (
                <p className="sentence">The sandbox has not run this program yet.</p>
              )}
            </section>
          )}
        </div>
      </div>
    </section>
  );
}

interface CompletionProps {
  readonly route: RolloutRoute;
  readonly rollout: RolloutView;
  readonly onColour: (colour: Colouring) => void;
}

function Completion({ route, rollout, onColour }: CompletionProps) {
  const ready = rollout.reward !== null;
  const tokens = useTokens(route.runId, rollout.id, ready);
  return (
    <section className="sheet" aria-labelledby="completion-title">
      <div className="sheet-head">
        <h3 className="label" id="completion-title">
          {rollout.completion.kind === 'reflection' ? 'Reflection' : 'Completion'}
        </h3>
        <fieldset className="segments" aria-label="Colour the tokens by">
          {COLOURINGS.map((name) => (
            <label key={name}>
              <input
                type="radio"
                name="colour"
                checked={route.colour === name}
                onChange={() => onColour(name)}
              />
              <span>{SCALES[name].name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {tokens.state === 'ready' ? (
        <TokenView key={rollout.id} rollout={rollout} tokens={tokens.data} colour={route.colour} />
      ) : (
        <>
          <p className={tokens.state === 'error' ? 'sentence error' : 'sentence'}>
            {tokens.state === 'error'
              ? tokens.message
              : ready
                ? 'Reading the token columns…'
                : 'Token values are written with the step’s update.'}
          </p>
          <pre className="tokens">{rollout.completion.text}</pre>
        </>
      )}
      <Legend scale={SCALES[route.colour]} />
    </section>
  );
}
