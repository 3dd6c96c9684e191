import { useState } from 'react';
import type { JudgedAnswer } from '../../schema/evaluation.ts';
import {
  nextProblem,
  sampleToOpen,
  type EvaluationView,
  type ProblemView,
} from '../../state/evaluation.ts';
import { formatRoute } from '../../state/route.ts';
import { go, useAnswer } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { Stepper } from '../parts/stepper.tsx';
import { ProgramView } from '../parts/program-view.tsx';
import { VerdictMark, verdictWord } from '../parts/verdict-mark.tsx';
import { VerdictView } from '../parts/verdict-view.tsx';
import { problemTitle } from '../problem-title.ts';
import type { EvaluationRoute } from '../../state/route.ts';
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
import { Sentence, Label, Mono, Muted, Title } from '../parts/text.tsx';
import { Sheet, SheetHead } from '../parts/sheet.tsx';
import { OutcomeStrip } from '../parts/outcome-strip.tsx';
import styles from './answer-view.module.css';

type AnswerRoute = Extract<EvaluationRoute, { screen: 'answer' }>;

interface Props {
  readonly route: AnswerRoute;
  readonly view: EvaluationView;
  /** The problems between which `j` and `k` step. */
  readonly shown: readonly ProblemView[];
}

/** One answer to one problem: task, program and verdict. */
export function AnswerView({ route, view, shown }: Props) {
  const problem = view.problems.find(({ id }) => id === route.problem);
  const head = problem?.answers[route.sample] ?? null;
  const answer = useAnswer(route.id, route.problem, route.sample, head !== null);
  const previous = nextProblem(shown, route.problem, -1);
  const next = nextProblem(shown, route.problem, 1);
  const step = (to: ProblemView | null) =>
    to &&
    go({ ...route, problem: to.id, sample: sampleToOpen(to, route.filter.outcome) }, 'replace');
  useKeys({ j: () => step(next), k: () => step(previous) });
  const back = formatRoute({ screen: 'evaluation', id: route.id, filter: route.filter });
  if (!problem || route.sample >= problem.answers.length) {
    return (
      <Reader>
        <Title as="h2">
          This evaluation holds no answer {route.sample + 1} to {route.problem}.
        </Title>
        <p>
          <a href={back}>All its problems</a>
        </p>
      </Reader>
    );
  }
  return (
    <Reader wide aria-label="Answer">
      <ReaderHead>
        <ReaderWhere>
          <a href={back}>← Problems</a>
          <span>
            <Mono>{problem.id}</Mono>
            {problem.answers.length > 1 &&
              ` · answer ${route.sample + 1} of ${problem.answers.length}`}
          </span>
          <Stepper
            onPrevious={previous && (() => step(previous))}
            onNext={next && (() => step(next))}
          />
        </ReaderWhere>
        <ReaderHeading>{problemTitle(problem.text, problem.id)}</ReaderHeading>
        <ReaderSum>
          {head ? <VerdictMark status={head.status} word /> : <Muted>not judged yet</Muted>}
          {head?.parts && (
            <span>
              base {verdictWord(head.parts.base)}, base and plus {verdictWord(head.parts.plus)}
            </span>
          )}
          {problem.answers.length > 1 && <Samples problem={problem} route={route} />}
        </ReaderSum>
      </ReaderHead>
      <ReaderColumns>
        <ReaderTexts>
          <Sheet aria-labelledby="task-title">
            <Label as="h3" id="task-title">
              Task
            </Label>
            <Prompt tabIndex={0} aria-labelledby="task-title">
              {problem.text}
            </Prompt>
          </Sheet>
          {answer.state === 'ready' && <Program answer={answer.data} />}
        </ReaderTexts>
        <ReaderJudgement>
          {answer.state === 'ready' ? (
            <Verdict answer={answer.data} />
          ) : (
            <Sentence error={answer.state === 'error'}>
              {answer.state === 'error'
                ? answer.message
                : head
                  ? 'Reading the verdict…'
                  : 'This answer is not judged yet.'}
            </Sentence>
          )}
        </ReaderJudgement>
      </ReaderColumns>
    </Reader>
  );
}

function Samples({
  problem,
  route,
}: {
  readonly problem: ProblemView;
  readonly route: AnswerRoute;
}) {
  return (
    <OutcomeStrip as="nav" large aria-label="Answers to this problem">
      {problem.answers.map((answer, sample) => (
        <a
          key={sample}
          href={formatRoute({ ...route, sample })}
          data-status={answer?.status ?? 'waiting'}
          aria-current={sample === route.sample ? 'true' : undefined}
          aria-label={`Answer ${sample + 1}: ${answer ? verdictWord(answer.status) : 'not judged yet'}`}
        />
      ))}
    </OutcomeStrip>
  );
}

function Program({ answer: { text, code, verdict } }: { readonly answer: JudgedAnswer }) {
  return (
    <>
      {code?.trim() !== text.trim() && (
        <Sheet aria-labelledby="answer-title">
          <Label as="h3" id="answer-title">
            Answer, as it was given
          </Label>
          <Prompt tabIndex={0} aria-labelledby="answer-title">
            {text}
          </Prompt>
        </Sheet>
      )}
      {code !== null && (
        <ProgramView code={code} text={text} errorLines={verdict.error?.lines ?? []} open />
      )}
    </>
  );
}

/** From so many asserts on, those that pass can be left out. */
const MANY = 10;

function Verdict({ answer: { verdict } }: { readonly answer: JudgedAnswer }) {
  const [onlyFailing, setOnlyFailing] = useState(false);
  const mixed =
    verdict.asserts.length >= MANY && verdict.asserts.some(({ status }) => status !== 'pass');
  return (
    <Sheet aria-labelledby="verdict-title">
      <SheetHead>
        <Label as="h3" id="verdict-title">
          Verdict
        </Label>
        {mixed && (
          <label className={styles.onlyFailing}>
            <input
              type="checkbox"
              checked={onlyFailing}
              onChange={(event) => setOnlyFailing(event.target.checked)}
            />{' '}
            only what does not pass
          </label>
        )}
      </SheetHead>
      <VerdictView verdict={verdict} prompt="" onlyFailing={mixed && onlyFailing} />
    </Sheet>
  );
}
