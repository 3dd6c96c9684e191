import { formatBytes, formatCount, formatPercent } from '../../lib/format.ts';
import type { EvaluationConfig } from '../../schema/evaluation.ts';
import type { EvaluationHead } from '../../schema/protocol.ts';
import { ALL_PROBLEMS } from '../../state/evaluation.ts';
import { formatRoute } from '../../state/route.ts';
import { formatDate } from '../format.ts';
import { useEvaluationsState, useLab } from '../hooks.ts';
import { StoredList, StoredRow } from '../parts/stored.tsx';

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

/** Evaluations kept on this machine, the newest first. */
export function StoredEvaluations() {
  const { evaluations } = useLab();
  const list = useEvaluationsState((state) => state.list);
  return (
    <StoredList
      title="Evaluations on this machine"
      list={list}
      none="None yet. Evaluate judges a file of samples, or a model that is here."
      row={(head, onDelete) => <EvaluationRow key={head.id} head={head} onDelete={onDelete} />}
      deletion={(head) => ({
        title: `Delete the evaluation of ${formatDate(head.startedAt)}?`,
        loss:
          `Its ${formatCount(head.judged)} answers and verdicts ` +
          `(${formatBytes(head.bytes)}) go for good. Save its files first if you need them.`,
      })}
      onDelete={(head) => void evaluations.remove(head.id)}
    />
  );
}

function EvaluationRow({
  head,
  onDelete,
}: {
  readonly head: EvaluationHead;
  readonly onDelete: () => void;
}) {
  return (
    <StoredRow
      item={head}
      href={formatRoute({ screen: 'evaluation', id: head.id, filter: ALL_PROBLEMS })}
      what={describe(head.config)}
      {...STATES[head.state]}
      onDelete={onDelete}
    >
      {head.rate === null
        ? `${formatCount(head.judged)} of ${formatCount(head.answers)} judged`
        : `pass@1 ${formatPercent(head.rate)}`}
    </StoredRow>
  );
}
