import { describe, expect, it } from 'vitest';
import { zip } from '../lib/zip.ts';
import { openReport } from './report.ts';

const archive = (index: unknown) =>
  zip([{ path: 'report.json', file: new Blob([JSON.stringify(index)]) }]);

describe('a report that cannot be read', () => {
  it('says so: cut short, without its index, of another version, without runs', async () => {
    const whole = await archive({});
    await expect(openReport(whole.slice(0, whole.size / 2))).rejects.toThrow(
      'The archive in this report is not a zip archive, or it is cut short.',
    );
    await expect(openReport(await zip([]))).rejects.toThrow(
      'This report holds no report.json; make it again.',
    );
    await expect(openReport(await archive({ version: 2, madeAt: 0, runs: [] }))).rejects.toThrow(
      'report.json of this report does not parse (version: ',
    );
    await expect(openReport(await archive({ version: 1, madeAt: 0, runs: [] }))).rejects.toThrow(
      'does not parse (runs: ',
    );
  });
});
