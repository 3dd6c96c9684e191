import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { messageOf } from '../lib/errors.ts';
import { createLab } from '../state/lab.ts';
import { applyTheme } from '../state/theme.ts';
import { LabContext } from '../ui/hooks.ts';
import { reportArchive } from '../ui/parts/report-archive.ts';
import { ReportApp } from './app.tsx';
import { openReport } from './report.ts';

applyTheme();
const root = document.getElementById('root');
if (!root)
  throw new Error('This report has no element with id "root", so there is nowhere to draw it.');

try {
  const archive = reportArchive(document);
  if (!archive) throw new Error('This report has lost its runs; make it again.');
  const { index, channel } = await openReport(archive);
  const lab = createLab(channel, requestAnimationFrame, true);
  lab.refreshRuns();
  createRoot(root).render(
    <StrictMode>
      <LabContext value={lab}>
        <ReportApp report={index} />
      </LabContext>
    </StrictMode>,
  );
} catch (error) {
  root.textContent = messageOf(error);
}
