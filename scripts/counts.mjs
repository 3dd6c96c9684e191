// Reads the runners' JSON reports. A file that could not be loaded has no tests in it and still is
// a failure.

/** Vitest's json reporter. */
export function countVitest(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    const tests = file.assertionResults;
    const failed = tests.filter(({ status }) => status === 'failed').length;
    counts.passed += tests.filter(({ status }) => status === 'passed').length;
    counts.failed += failed === 0 && file.status === 'failed' ? 1 : failed;
    counts.skipped += tests.filter(({ status }) =>
      ['skipped', 'pending', 'todo', 'disabled'].includes(status),
    ).length;
  }
  return counts;
}

/**
 * Playwright's json reporter. A test that passed only when tried again counts as passed; errors
 * outside tests as failures.
 */
export function countPlaywright(report) {
  const { expected, unexpected, flaky, skipped } = report.stats;
  return { passed: expected + flaky, failed: unexpected + report.errors.length, skipped };
}
