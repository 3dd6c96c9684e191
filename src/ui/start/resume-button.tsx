import type { RunSummary } from '../../schema/protocol.ts';
import { NO_FILTER } from '../../state/route.ts';
import { isBusy } from '../../state/run-state.ts';
import { go, useLab, useLabState } from '../hooks.ts';
import { Button } from '../parts/button.tsx';

/** Resumes a stored run from its last checkpoint and shows it. */
export function ResumeButton({ run }: { readonly run: RunSummary }) {
  const lab = useLab();
  const noGpu = useLabState(
    (state) => state.device.state === 'ready' && !state.device.data.available,
  );
  const busy = useLabState((state) => state.starting || isBusy(state.status));

  async function resume() {
    if (await lab.resume(run.runId)) go({ screen: 'run', runId: run.runId, filter: NO_FILTER });
  }

  return (
    <Button type="button" disabled={noGpu || busy} onClick={() => void resume()}>
      Resume
    </Button>
  );
}
