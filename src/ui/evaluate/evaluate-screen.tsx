import { useEffect } from 'react';
import { formatBytes, formatCount, formatPercent } from '../../lib/format.ts';
import type { EvaluationConfig } from '../../schema/evaluation.ts';
import type { EvaluationHead } from '../../schema/protocol.ts';
import { ALL_PROBLEMS } from '../../state/evaluation.ts';
import { formatRoute, START } from '../../state/route.ts';
import { formatDate } from '../format.ts';
import { go, useEvaluationsState, useLab } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { StoredList, StoredRow } from '../parts/stored.tsx';
import { EvaluateForm } from './evaluate-form.tsx';
import '../start/start.css';
import './evaluate.css';

export function EvaluateScreen() {
  const lab = useLab();
  useEffect(() => lab.evaluations.refresh(), [lab]);
  useKeys({ Escape: () => go(START) });
  return (
    <main id="main" tabIndex={-1} className="page start">
      <div className="start-head">
        <h1 className="title">Judge programs, assert by assert.</h1>
        <p className="sentence">
          Anyone’s completions, or a model’s own: the sandbox runs them here, and every verdict says which assert decided
          it, what came out and what was expected.
        </p>
      </div>
      <EvaluateForm />
      <StoredEvaluations />
    </main>
  );
}

/** `samples.jsonl on mbpp`, `nano with the adapter of … on starter, test`. */
export function describe({ source, dataset }: EvaluationConfig): string {
  if (source.kind === 'samples') return `${source.file} on ${dataset}`;
  const adapter = source.adapterOf === null ? '' : ` with the adapter of ${source.adapterOf}`;
  return `${source.model}${adapter} on ${dataset}, ${source.split}, n ${source.n}, T ${source.temperature}`;
}

const STATES: Record<EvaluationHead['state'], { readonly word: string; readonly tone: string }> = {
  running: { word: 'running', tone: 'live' },
  interrupted: { word: 'interrupted', tone: 'bad' },
  cancelled: { word: 'cancelled', tone: 'wait' },
  failed: { word: 'failed', tone: 'bad' },
  finished: { word: 'finished', tone: '' },
};

function StoredEvaluations() {
  const { evaluations } = useLab();
  const list = useEvaluationsState((state) => state.list);
  return (
    <StoredList
      title="Evaluations on this machine"
      list={list}
      none="None yet."
      row={(head, onDelete) => <EvaluationRow key={head.id} head={head} onDelete={onDelete} />}
      deletion={(head) => ({
        title: `Delete the evaluation of ${formatDate(head.startedAt)}?`,
        loss: `Its ${formatCount(head.judged)} answers and verdicts (${formatBytes(head.bytes)}) go for good. Save its files first if you need them.`,
      })}
      onDelete={(head) => void evaluations.remove(head.id)}
    />
  );
}

function EvaluationRow({ head, onDelete }: { readonly head: EvaluationHead; readonly onDelete: () => void }) {
  return (
    <StoredRow
      item={head}
      href={formatRoute({ screen: 'evaluation', id: head.id, filter: ALL_PROBLEMS })}
      what={describe(head.config)}
      {...STATES[head.state]}
      onDelete={onDelete}
    >
      {head.rate === null ? `${formatCount(head.judged)} of ${formatCount(head.answers)} judged` : `pass@1 ${formatPercent(head.rate)}`}
    </StoredRow>
  );
}
