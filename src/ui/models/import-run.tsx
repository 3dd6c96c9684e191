import { NO_FILTER } from '../../state/route.ts';
import { go, useLab } from '../hooks.ts';
import { ArchiveInput } from '../parts/archive-input.tsx';

/** Takes up a run that was exported here or made by the command line, and shows it. */
export function ImportRun() {
  const lab = useLab();
  return (
    <ArchiveInput
      label="Import a run"
      onFiles={({ files }) => {
        void lab.importRun(files).then((runId) => {
          if (runId !== null) go({ screen: 'run', runId, filter: NO_FILTER });
        });
      }}
      onError={(message) => lab.notify(message)}
    />
  );
}
