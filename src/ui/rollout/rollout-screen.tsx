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
import {
  Prompt,
  Reader,
  ReaderColumns,
  ReaderHead,
  ReaderHeading,
  ReaderJudgement,
  ReaderSum,
  ReaderTexts,
  ReaderWhere,
} from '../parts/reader.tsx';
import { Label, Mono, Muted, Sentence, Title } from '../parts/text.tsx';
import { Sheet, SheetHead } from '../parts/sheet.tsx';
import { Segments } from '../parts/segments.tsx';
import styles from './rollout-screen.module.css';
import tokenStrip from './token-strip.module.css';

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
      <Reader>
        <Title as="h2">This run holds no completion {route.rollout}.</Title>
        <Sentence>
          {view.finished
            ? 'The run has ended, so it will not come.'
            : 'It may come yet: a resumed run writes the steps after its checkpoint again.'}{' '}
          <a href={back}>Back to the run</a>
        </Sentence>
      </Reader>
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
    <Reader aria-label="Completion">
      <ReaderHead>
        <ReaderWhere>
          <a href={back}>← Curves</a>
          <span>
            Step {rollout.step} · <Mono>{rollout.problem}</Mono> · {nameOf(rollout)}
          </span>
          <Stepper
            onPrevious={previous && (() => step(previous))}
            onNext={next && (() => step(next))}
          />
        </ReaderWhere>
        <ReaderHeading>{problemTitle(attempt.completion.prompt, rollout.problem)}</ReaderHeading>
        <ReaderSum>
          {verdict || completion.kind === 'reflection' ? (
            <RolloutMark rollout={rollout} word />
          ) : (
            <Muted>not graded yet</Muted>
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
        </ReaderSum>
        <Lineage rollout={rollout} group={group} route={route} />
      </ReaderHead>
      {attempt !== rollout && completion.kind !== 'reflection' && (
        <ChangeView before={attempt} after={rollout} />
      )}
      <ReaderColumns>
        <ReaderTexts>
          <Sheet aria-labelledby="prompt-title">
            <Label as="h3" id="prompt-title">
              {completion.kind === 'attempt'
                ? 'Prompt'
                : `Prompt of the ${KIND_WORDS[completion.kind][0]}`}
              , as the model saw it
            </Label>
            <Prompt id="prompt" tabIndex={0} aria-labelledby="prompt-title">
              {completion.prompt}
            </Prompt>
          </Sheet>
          {reflection && (
            <Sheet aria-labelledby="reflection-title">
              <Label as="h3" id="reflection-title">
                Reflection it was given
              </Label>
              <p className={styles.analysis}>{reflection.completion.text}</p>
            </Sheet>
          )}
          {analysis !== null && (
            <Sheet aria-labelledby="analysis-title">
              <Label as="h3" id="analysis-title">
                Analysis, before the code
              </Label>
              <p className={styles.analysis}>{analysis}</p>
            </Sheet>
          )}
          <Completion route={route} rollout={rollout} onColour={recolour} />
          {completion.code !== null && (
            <ProgramView
              code={completion.code}
              text={completion.text}
              errorLines={verdict?.error?.lines ?? []}
            />
          )}
        </ReaderTexts>
        <ReaderJudgement>
          <Sheet aria-labelledby="ledger-title">
            <Label as="h3" id="ledger-title">
              The reward’s ledger
            </Label>
            {ledger ? (
              <LedgerView ledger={ledger} reflection={completion.kind === 'reflection'} />
            ) : (
              <Sentence>Rewards are given when the whole step is graded.</Sentence>
            )}
          </Sheet>
          <Distilled rollout={rollout} group={group} route={route} />
          <Followers rollout={rollout} group={group} route={route} />
          {completion.kind !== 'reflection' && (
            <Sheet aria-labelledby="verdict-title">
              <Label as="h3" id="verdict-title">
                Verdict
              </Label>
              {verdict ? (
                <VerdictView verdict={verdict} prompt={completion.prompt} />
              ) : (
                <Sentence>The sandbox has not run this program yet.</Sentence>
              )}
            </Sheet>
          )}
        </ReaderJudgement>
      </ReaderColumns>
    </Reader>
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
    <Sheet aria-labelledby="completion-title">
      <SheetHead>
        <Label as="h3" id="completion-title">
          {rollout.completion.kind === 'reflection' ? 'Reflection' : 'Completion'}
        </Label>
        <Segments
          label="Colour the tokens by"
          name="colour"
          options={COLOURINGS}
          nameOf={(name) => SCALES[name].name}
          value={route.colour}
          onChange={onColour}
          narrow
        />
      </SheetHead>
      {tokens.state === 'ready' ? (
        <TokenView key={rollout.id} rollout={rollout} tokens={tokens.data} colour={route.colour} />
      ) : (
        <>
          <Sentence error={tokens.state === 'error'}>
            {tokens.state === 'error'
              ? tokens.message
              : ready
                ? 'Reading the token columns…'
                : 'Token values are written with the step’s update.'}
          </Sentence>
          <pre className={tokenStrip.tokens}>{rollout.completion.text}</pre>
        </>
      )}
      <Legend scale={SCALES[route.colour]} />
    </Sheet>
  );
}
