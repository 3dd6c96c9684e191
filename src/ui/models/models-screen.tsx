import { useEffect } from 'react';
import { START } from '../../state/route.ts';
import { StoredEvaluations } from '../evaluate/stored-evaluations.tsx';
import { go, useLab } from '../hooks.ts';
import { useKeys } from '../keys.ts';
import { FolderField } from '../start/folder-field.tsx';
import { StoredRuns } from '../start/stored-runs.tsx';
import { DamagedList } from './damaged-list.tsx';
import { AdapterList } from './adapter-list.tsx';
import { ImportRun } from './import-run.tsx';
import { ModelList } from './model-list.tsx';
import { StorageGauge } from './storage-gauge.tsx';
import { Page, PageHead } from '../parts/page.tsx';
import { Sentence } from '../parts/text.tsx';
import styles from './models-screen.module.css';

/** What this machine keeps for the lab, how large it is, and what can go. */
export function ModelsScreen() {
  const lab = useLab();
  useEffect(() => {
    lab.models.refresh();
    lab.adapters.refresh();
    lab.evaluations.refresh();
    lab.refreshRuns();
  }, [lab]);
  useKeys({ Escape: () => go(START) });
  return (
    <Page>
      <PageHead title="What is kept on this machine.">
        <Sentence>
          Models, adapters, runs and evaluations lie in this browser and nowhere else. Nothing is
          deleted unless you say so here.
        </Sentence>
      </PageHead>
      <StorageGauge />
      <ModelList />
      <div className={styles.folder}>
        {/* What comes is shown in the list above. */}
        <FolderField onModel={() => undefined} />
      </div>
      <AdapterList />
      <StoredRuns tools={<ImportRun />} detailed />
      <DamagedList />
      <StoredEvaluations />
    </Page>
  );
}
