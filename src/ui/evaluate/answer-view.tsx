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
import '../rollout/rollout.css';

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
      <section className="rollout">
        <h2 className="title">
          This evaluation holds no answer {route.sample + 1} to {route.problem}.
        </h2>
        <p>
          <a href={back}>All its problems</a>
        </p>
      </section>
    );
  }
  return (
    <section className="rollout answer" aria-label="Answer">
      <header className="rollout-head">
        <p className="rollout-where">
          <a href={back}>← Problems</a>
          <span>
            <span className="mono">{problem.id}</span>
            {problem.answers.length > 1 &&
              ` · answer ${route.sample + 1} of ${problem.answers.length}`}
          </span>
          <Stepper
            onPrevious={previous && (() => step(previous))}
            onNext={next && (() => step(next))}
          />
        </p>
        <h2 className="rollout-title">{problemTitle(problem.text, problem.id)}</h2>
        <div className="rollout-sum">
          {head ? (
            <VerdictMark status={head.status} word />
          ) : (
            <span className="muted">not judged yet</span>
          )}
          {head?.parts && (
            <span>
              base {verdictWord(head.parts.base)}, base and plus {verdictWord(head.parts.plus)}
            </span>
          )}
          {problem.answers.length > 1 && <Samples problem={problem} route={route} />}
        </div>
      </header>
      <div className="rollout-columns">
        <div className="rollout-text">
          <section className="sheet" aria-labelledby="task-title">
            <h3 className="label" id="task-title">
              Task
            </h3>
            <pre className="prompt" tabIndex={0} aria-labelledby="task-title">
              {problem.text}
            </pre>
          </section>
          {answer.state === 'ready' && <Program answer={answer.data} />}
        </div>
        <div className="rollout-judgement">
          {answer.state === 'ready' ? (
            <Verdict answer={answer.data} />
          ) : (
            <p className={answer.state === 'error' ? 'sentence error' : 'sentence'}>
              {answer.state === 'error'
                ? answer.message
                : head
                  ? 'Reading the verdict…'
                  : 'This answer is not judged yet.'}
            </p>
          )}
        </div>
      </div>
    </section>
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
    <nav className="strip" aria-label="Answers to this problem">
      {problem.answers.map((answer, sample) => (
        <a
          key={sample}
          href={formatRoute({ ...route, sample })}
          data-status={answer?.status ?? 'waiting'}
          aria-current={sample === route.sample ? 'true' : undefined}
          aria-label={`Answer ${sample + 1}: ${answer ? verdictWord(answer.status) : 'not judged yet'}`}
        />
      ))}
    </nav>
  );
}

function Program({ answer: { text, code, verdict } }: { readonly answer: JudgedAnswer }) {
  return (
    <>
      {code?.trim() !== text.trim() && (
        <section className="sheet" aria-labelledby="answer-title">
          <h3 className="label" id="answer-title">
            Answer, as it was given
          </h3>
          <pre className="prompt" tabIndex={0} aria-labelledby="answer-title">
            {text}
          </pre>
        </section>
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
    <section className="sheet" aria-labelledby="verdict-title">
      <div className="sheet-head">
        <h3 className="label" id="verdict-title">
          Verdict
        </h3>
        {mixed && (
          <label className="only-failing">
            <input
              type="checkbox"
              checked={onlyFailing}
              onChange={(event) => setOnlyFailing(event.target.checked)}
            />{' '}
            only what does not pass
          </label>
        )}
      </div>
      <VerdictView verdict={verdict} prompt="" onlyFailing={mixed && onlyFailing} />
    </section>
  );
}
