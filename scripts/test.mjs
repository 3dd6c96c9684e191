// npm test: format, types, lint, unit tests, browser flows. Everything runs even when something before it
// failed; the last line printed is "N passed, M failed". Arguments name the parts to run (npm test
// -- typecheck unit); none: all of them.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  bin,
  browserVersion,
  findAdapter,
  findBrowser,
  freePort,
  installPackages,
  installSystem,
  requireNode,
  root,
  run,
} from './set-up.mjs';
import { countPlaywright, countVitest } from './counts.mjs';

const PARTS = ['format', 'typecheck', 'lint', 'unit', 'e2e'];
/** Seconds after which a part is taken to hang. */
const LIMITS = { format: 300, typecheck: 600, lint: 600, unit: 1800, e2e: 1500 };

requireNode();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.includes(name));
if (unknown.length > 0) {
  console.error(
    `npm test knows no part "${unknown.join('", "')}": name some of ${PARTS.join(', ')}, or none for all.`,
  );
  process.exit(2);
}
const parts = PARTS.filter((name) => wanted.length === 0 || wanted.includes(name));
const totals = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
const reports = join(root, 'test-results');

function finish() {
  console.log('');
  for (const line of lines) console.log(line);
  const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
  console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
  process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
}

try {
  await installPackages();
} catch (error) {
  lines.push(error.message);
  totals.failed += 1;
  finish();
}

/** Environment of the GPU and browser parts. */
const env = {};
if (parts.includes('unit') || parts.includes('e2e')) {
  let browser = await findBrowser();
  let found = findAdapter(browser);
  if ((!browser || !found) && (await installSystem())) {
    browser = await findBrowser();
    found = findAdapter(browser);
  }
  if (browser) {
    env.AFTERTHOUGHT_CHROMIUM = browser;
    console.log(`Browser: ${browserVersion(browser) || 'version unknown'} (${browser})`);
  } else {
    console.log(
      'Browser: none. Install Chromium or Chrome (Debian: apt-get install chromium), or name ' +
        'one in AFTERTHOUGHT_CHROMIUM.',
    );
  }
  if (found) {
    Object.assign(env, found.env);
    console.log(`Adapter under Node: ${found.adapter.description || found.adapter.vendor}`);
  } else {
    console.log(
      'Adapter under Node: none. Install a Vulkan driver that Dawn accepts (Mesa 24 or later ' +
        'has lavapipe; on Debian 12 run "sudo bash scripts/system.sh").',
    );
  }
}

/** Runs one part; `count` turns its exit code into passed, failed and skipped. */
async function part(name, file, args, partEnv, count) {
  if (!parts.includes(name)) return;
  console.log(`\n== ${name}`);
  const started = performance.now();
  const { code, timedOut, interrupted, error } = await run(process.execPath, [file, ...args], {
    env: partEnv,
    limitSeconds: LIMITS[name],
  });
  if (interrupted) process.exit(130);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const result = count(code);
  // A runner that dies, hangs or cannot start has failed, whatever it reported before.
  if (code !== 0 && result.failed === 0) result.failed = 1;
  const why = timedOut ? `, killed after ${LIMITS[name]} s` : error ? `, ${error.message}` : '';
  lines.push(
    `${name}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped in ${seconds} s${why}`,
  );
  console.log(lines.at(-1));
  for (const key of Object.keys(totals)) totals[key] += result[key];
}

const oneCheck = (code) => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
const fromReport = (file, count) => (code) => {
  try {
    return count(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    console.log(`The runner ended with code ${code} and left no report in ${file}.`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
};

mkdirSync(reports, { recursive: true });
const unitReport = join(reports, 'unit.json');
// Outside Playwright's output folder, which it empties.
const e2eReport = join(reports, 'e2e.json');
rmSync(unitReport, { force: true });
rmSync(e2eReport, { force: true });

await part('format', bin('prettier', 'bin/prettier.cjs'), ['--check', '.'], {}, oneCheck);
await part('typecheck', bin('typescript', 'bin/tsc'), ['--noEmit'], {}, oneCheck);
await part('lint', bin('eslint', 'bin/eslint.js'), ['.', '--max-warnings', '0'], {}, oneCheck);
await part(
  'unit',
  bin('vitest', 'vitest.mjs'),
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${unitReport}`],
  env,
  fromReport(unitReport, countVitest),
);
await part(
  'e2e',
  bin('@playwright/test', 'cli.js'),
  ['test', '--reporter=list,json', '--output', join(reports, 'e2e')],
  { ...env, PLAYWRIGHT_JSON_OUTPUT_NAME: e2eReport, AFTERTHOUGHT_PORT: String(await freePort()) },
  fromReport(e2eReport, countPlaywright),
);
finish();
