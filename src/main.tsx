import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { connectSession } from './session/connect.ts';
import { createLab } from './state/lab.ts';
import { applyTheme } from './state/theme.ts';
import { App } from './ui/app.tsx';
import { LabContext } from './ui/hooks.ts';
import { refuseStrayDrops } from './ui/parts/stray-drops.ts';

applyTheme();
refuseStrayDrops(window);

const worker = connectSession();

/** Once a frame while the page is seen, a few times a second while it is not (frames stop then). */
function schedule(callback: () => void): void {
  if (document.visibilityState === 'visible') requestAnimationFrame(callback);
  else setTimeout(callback, 250);
}

const lab = createLab(worker, schedule);
worker.addEventListener('error', (event) => {
  event.preventDefault();
  lab.lost(
    `The training worker stopped: ${event.message || 'it could not be loaded'}. Finished steps ` +
      'are stored; reload the page to continue.',
  );
});
lab.checkDevice();
lab.refreshRuns();
lab.models.goOn();

const root = document.getElementById('root');
if (!root)
  throw new Error(
    'index.html has no element with id "root", so there is nowhere to draw the page.',
  );
createRoot(root).render(
  <StrictMode>
    <LabContext value={lab}>
      <App />
    </LabContext>
  </StrictMode>,
);
