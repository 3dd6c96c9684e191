import { formatBytes } from '../../lib/format.ts';
import type { DeviceReport } from '../../schema/protocol.ts';
import { useLab, useLabState } from '../hooks.ts';
import { Facts, Panel, PanelName, PanelText } from '../parts/rack.tsx';
import { Label, Sentence } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';
import { Lamp } from '../parts/lamp.tsx';
import styles from './device-card.module.css';

export function DeviceCard() {
  const lab = useLab();
  const device = useLabState((state) => state.device);
  return (
    <Panel aria-labelledby="device-title" aria-live="polite" data-testid="device">
      <Label as="h2" id="device-title">
        Device
      </Label>
      {device.state === 'loading' && (
        <PanelText>Looking for a GPU and checking its arithmetic…</PanelText>
      )}
      {device.state === 'error' && (
        <>
          <Sentence error>{device.message}</Sentence>
          <Button type="button" onClick={() => lab.checkDevice()}>
            Check again
          </Button>
        </>
      )}
      {device.state === 'ready' && <Report report={device.data} />}
    </Panel>
  );
}

function Report({ report }: { readonly report: DeviceReport }) {
  const failed = report.selfTest.filter((test) => !test.ok);
  const binding = report.limits['maxStorageBufferBindingSize'];
  const tone = !report.available ? 'bad' : report.software || failed.length > 0 ? 'wait' : 'good';
  return (
    <>
      <PanelName>
        <Lamp tone={tone} />
        {report.available ? nameOf(report) : 'No WebGPU'}
      </PanelName>
      <PanelText>{report.summary}</PanelText>
      {report.warnings
        .filter((warning) => !report.summary.includes(warning))
        .map((warning) => (
          <PanelText key={warning} warn>
            {warning}
          </PanelText>
        ))}
      {report.available && (
        <Facts>
          {report.selfTest.length > 0 && (
            <div>
              <dt>Self-test</dt>
              <dd>
                {report.selfTest.length - failed.length} of {report.selfTest.length} passed
              </dd>
            </div>
          )}
          {binding !== undefined && (
            <div>
              <dt>Largest binding</dt>
              <dd>{formatBytes(binding)}</dd>
            </div>
          )}
        </Facts>
      )}
      {(report.selfTest.length > 0 || report.features.length > 0) && (
        <details>
          <summary>Details</summary>
          <ul className={styles.selfTest}>
            {report.selfTest.map((test) => (
              <li key={test.name} data-ok={test.ok}>
                <b>{test.ok ? 'ok' : 'no'}</b> {test.name}: {test.detail}
              </li>
            ))}
          </ul>
          {report.features.length > 0 && (
            <p className={styles.features}>{report.features.join(' · ')}</p>
          )}
        </details>
      )}
    </>
  );
}

function nameOf(report: DeviceReport): string {
  if (report.software) return 'Software adapter';
  return (
    report.description || [report.vendor, report.architecture].filter(Boolean).join(' ') || 'GPU'
  );
}
