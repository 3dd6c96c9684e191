import { useEffect, useState } from 'react';
import { formatBytes, formatCount, formatPercent } from '../../lib/format.ts';
import type { EvaluationConfig } from '../../schema/evaluation.ts';
import type { EvaluationHead } from '../../schema/protocol.ts';
import { ALL_PROBLEMS } from '../../state/evaluation.ts';
import { formatRoute } from '../../state/route.ts';
import { formatDate } from '../format.ts';
import { go, useEvaluationsState, useLab } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { Modal } from '../parts/modal.tsx';
import { EvaluateForm } from './evaluate-form.tsx';
import '../start/start.css';
import './evaluate.css';

export function EvaluateScreen() {
  const lab = useLab();
  useEffect(() => lab.evaluations.refresh(), [lab]);
  useKeys({ Escape: () => go({ screen: 'start' }) });
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
  const lab = useLab();
  const list = useEvaluationsState((state) => state.list);
  const [doomed, setDoomed] = useState<EvaluationHead | null>(null);
  return (
    <section className="stored" aria-labelledby="stored-title">
      <h2 id="stored-title">Evaluations on this machine</h2>
      {list.state === 'loading' && <p className="sentence">Reading what is stored…</p>}
      {list.state === 'error' && <p className="sentence error">{list.message}</p>}
      {list.state === 'ready' && list.data.length === 0 && <p className="sentence">None yet.</p>}
      {list.state === 'ready' && (
        <ul className="run-rows evaluation-rows">
          {list.data.map((head) => (
            <EvaluationRow key={head.id} head={head} onDelete={() => setDoomed(head)} />
          ))}
        </ul>
      )}
      {doomed && (
        <Modal
          className="confirm"
          title={`Delete the evaluation of ${formatDate(doomed.startedAt)}?`}
          onClose={(result) => {
            setDoomed(null);
            if (result === 'delete') void lab.evaluations.remove(doomed.id);
          }}
        >
          <p className="sentence">
            Its {formatCount(doomed.judged)} answers and verdicts ({formatBytes(doomed.bytes)}) go for good. Save its files
            first if you need them.
          </p>
          <form method="dialog">
            <button className="button" value="keep" autoFocus>
              Keep it
            </button>
            <button className="button danger" value="delete">
              Delete for good
            </button>
          </form>
        </Modal>
      )}
    </section>
  );
}

function EvaluationRow({ head, onDelete }: { readonly head: EvaluationHead; readonly onDelete: () => void }) {
  const href = formatRoute({ screen: 'evaluation', id: head.id, filter: ALL_PROBLEMS });
  const { word, tone } = STATES[head.state];
  return (
    <li data-state={head.state}>
      <div className="run-name">
        <a href={href}>{formatDate(head.startedAt)}</a>
        <span className="muted">{describe(head.config)}</span>
      </div>
      <p className="run-state">
        <span className="lamp" data-tone={tone} /> {word}
      </p>
      <p className="run-progress">
        {head.rate === null
          ? `${formatCount(head.judged)} of ${formatCount(head.answers)} judged`
          : `pass@1 ${formatPercent(head.rate)}`}
      </p>
      <span className="run-size muted">{formatBytes(head.bytes)}</span>
      <div className="run-actions">
        <a className="button quiet" href={href}>
          Open
        </a>
        <button type="button" className="button quiet danger" disabled={head.state === 'running'} onClick={onDelete}>
          Delete
        </button>
      </div>
    </li>
  );
}
