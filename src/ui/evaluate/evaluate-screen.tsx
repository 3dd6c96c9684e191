import { useEffect } from 'react';
import { START } from '../../state/route.ts';
import { go, useLab } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { EvaluateForm } from './evaluate-form.tsx';
import { StoredEvaluations } from './stored-evaluations.tsx';
import { Page, PageHead } from '../parts/page.tsx';
import { Sentence } from '../parts/text.tsx';

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
    <Page>
      <PageHead title="Judge programs, assert by assert.">
        <Sentence>
          Anyone’s completions, or a model’s own: the sandbox runs them here, and every verdict says
          which assert decided it, what came out and what was expected.
        </Sentence>
      </PageHead>
      <EvaluateForm />
      <StoredEvaluations />
    </Page>
  );
}
