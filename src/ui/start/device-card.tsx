import { formatBytes } from '../../lib/format.ts';
import type { DeviceReport } from '../../schema/protocol.ts';
import { useLab, useLabState } from '../hooks.ts';

export function DeviceCard() {
  const lab = useLab();
  const device = useLabState((state) => state.device);
  return (
    <section
      className="module"
      aria-labelledby="device-title"
      aria-live="polite"
      data-testid="device"
    >
      <h2 className="label" id="device-title">
        Device
      </h2>
      {device.state === 'loading' && (
        <p className="module-text">Looking for a GPU and checking its arithmetic…</p>
      )}
      {device.state === 'error' && (
        <>
          <p className="sentence error">{device.message}</p>
          <button type="button" className="button" onClick={() => lab.checkDevice()}>
            Check again
          </button>
        </>
      )}
      {device.state === 'ready' && <Report report={device.data} />}
    </section>
  );
}

function Report({ report }: { readonly report: DeviceReport }) {
  const failed = report.selfTest.filter((test) => !test.ok);
  const binding = report.limits['maxStorageBufferBindingSize'];
  const tone = !report.available ? 'bad' : report.software || failed.length > 0 ? 'wait' : 'good';
  return (
    <>
      <p className="module-name">
        <span className="lamp" data-tone={tone} />
        {report.available ? nameOf(report) : 'No WebGPU'}
      </p>
      <p className="module-text">{report.summary}</p>
      {report.warnings
        .filter((warning) => !report.summary.includes(warning))
        .map((warning) => (
          <p key={warning} className="module-text warn">
            {warning}
          </p>
        ))}
      {report.available && (
        <dl className="facts">
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
        </dl>
      )}
      {(report.selfTest.length > 0 || report.features.length > 0) && (
        <details>
          <summary>Details</summary>
          <ul className="self-test">
            {report.selfTest.map((test) => (
              <li key={test.name} data-ok={test.ok}>
                <b>{test.ok ? 'ok' : 'no'}</b> {test.name}: {test.detail}
              </li>
            ))}
          </ul>
          {report.features.length > 0 && <p className="features">{report.features.join(' · ')}</p>}
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
