import { useEffect } from 'react';
import { START } from '../../state/route.ts';
import { go, useLab } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { EvaluateForm } from './evaluate-form.tsx';
import { StoredEvaluations } from './stored-evaluations.tsx';
import '../start/start.css';
import './evaluate.css';

export function EvaluateScreen() {
  const lab = useLab();
  useEffect(() => {
    lab.evaluations.refresh();
    lab.evaluations.readDatasets();
    lab.models.refresh();
    lab.adapters.refresh();
  }, [lab]);
  useKeys({ Escape: () => go(START) });
  return (
    <main id="main" tabIndex={-1} className="page start">
      <div className="start-head">
        <h1 className="title">Judge programs, assert by assert.</h1>
        <p className="sentence">
          Anyone’s completions, or a model’s own: the sandbox runs them here, and every verdict says
          which assert decided it, what came out and what was expected.
        </p>
      </div>
      <EvaluateForm />
      <StoredEvaluations />
    </main>
  );
}
