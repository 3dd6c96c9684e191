// What `npm start` and `npm test` share. Node's own modules only: nothing is installed yet when
// this runs.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const MINIMUM_NODE = [20, 19];

/** Ends the process with a sentence when Node is too old for Vite. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  console.error(
    `Afterthought needs Node ${MINIMUM_NODE.join('.')} or later and this is ` +
      `${process.versions.node}: install a newer Node and run the same command again.`,
  );
  process.exit(1);
}

/**
 * Whether node_modules holds what package-lock.json asks for. Versions are compared, not file
 * times: a checkout touches the lock file without changing it.
 */
export function packagesAreCurrent(directory = root) {
  const wanted = readPackages(join(directory, 'package-lock.json'));
  const present = readPackages(join(directory, 'node_modules', '.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, { version, optional, devOptional, link }]) => {
    if (path === '' || link) return true;
    const found = present[path];
    if (!found) return Boolean(optional || devOptional);
    return found.version === version && existsSync(join(directory, path));
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Runs `npm ci` when the packages are missing or not those of the lock file. Throws a sentence when
 * that fails.
 */
export async function installPackages() {
  if (packagesAreCurrent()) return;
  console.log('Installing packages (npm ci); this happens once.');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { code } = await run(npm, ['ci', '--no-audit', '--no-fund'], {
    shell: process.platform === 'win32',
  });
  if (code !== 0) {
    throw new Error(
      `npm ci ended with code ${code}: read its message above, check the network, and run the command again.`,
    );
  }
}

/**
 * Runs a command with the terminal's streams and resolves with its exit code (null: killed). After
 * `limitSeconds` its whole process group is killed, so that no browser or worker outlives it.
 */
export function run(command, args, { env = {}, shell = false, limitSeconds } = {}) {
  return new Promise((resolve) => {
    const ownGroup = limitSeconds !== undefined && process.platform !== 'win32';
    const child = spawn(command, args, {
      cwd: root,
      stdio: 'inherit',
      shell,
      detached: ownGroup,
      env: { ...process.env, ...env },
    });
    let timedOut = false;
    const stop = (signal) => {
      try {
        if (ownGroup && child.pid) process.kill(-child.pid, signal);
        else child.kill(signal);
      } catch {
        // Already gone.
      }
    };
    const timer =
      limitSeconds &&
      setTimeout(() => {
        timedOut = true;
        stop('SIGKILL');
      }, limitSeconds * 1000);
    let interrupted = false;
    const forward = (signal) => {
      interrupted = true;
      stop(signal);
    };
    process.on('SIGINT', forward);
    process.on('SIGTERM', forward);
    const finish = (code, error) => {
      clearTimeout(timer);
      process.off('SIGINT', forward);
      process.off('SIGTERM', forward);
      resolve({ code, timedOut, interrupted, error });
    };
    child.on('error', (error) => finish(null, error));
    child.on('exit', (code) => finish(code));
  });
}

/** A port nobody listens on, of all interfaces. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The file of an installed package's command, to be run by this Node. */
export function bin(packageName, file) {
  return join(root, 'node_modules', packageName, file);
}

function onPath(name) {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const suffix of suffixes) {
      const file = join(folder, name + suffix);
      if (folder && existsSync(file)) return file;
    }
  }
  return undefined;
}

/**
 * Path of a Chromium-family browser, or undefined. `AFTERTHOUGHT_CHROMIUM` goes first, Playwright's
 * own download last.
 */
export async function findBrowser() {
  const given = process.env.AFTERTHOUGHT_CHROMIUM;
  if (given) return existsSync(given) ? given : undefined;
  const names = [
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    'chrome',
    'microsoft-edge',
  ];
  const elsewhere = [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    join(process.env.ProgramFiles ?? '/nowhere', 'Google/Chrome/Application/chrome.exe'),
  ];
  const found = names.map(onPath).find(Boolean) ?? elsewhere.find((file) => existsSync(file));
  if (found) return found;
  try {
    const { chromium } = await import('@playwright/test');
    const own = chromium.executablePath();
    return existsSync(own) ? own : undefined;
  } catch {
    return undefined;
  }
}

/** What a browser says its version is, or an empty string. */
export function browserVersion(path) {
  const said = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return (said.stdout ?? '').trim();
}

/**
 * The WebGPU adapter that Dawn finds under Node with these environment variables, or undefined.
 * Asked in a process of its own, because a bad Vulkan driver takes its process down.
 */
export function probeAdapter(env = {}) {
  const probe = spawnSync(process.execPath, [join(root, 'scripts', 'probe-adapter.mjs')], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, ...env },
  });
  const line = (probe.stdout ?? '').split('\n').find((text) => text.startsWith('{'));
  return probe.status === 0 && line ? JSON.parse(line) : undefined;
}

/**
 * Environment variables that give Dawn an adapter, and that adapter: the machine's own choice first
 * (a GPU where there is one, else Mesa's lavapipe), then the SwiftShader that comes with Chromium.
 * Undefined when neither works.
 */
export function findAdapter(browser) {
  const own = probeAdapter();
  if (own) return { env: {}, adapter: own };
  const places = [
    '/usr/lib/chromium',
    '/usr/lib/chromium-browser',
    '/opt/google/chrome',
    '/snap/chromium/current/usr/lib/chromium-browser',
  ];
  if (browser) places.unshift(dirname(browser));
  for (const place of places) {
    const icd = join(place, 'vk_swiftshader_icd.json');
    if (!existsSync(icd)) continue;
    const env = { VK_ICD_FILENAMES: icd };
    const adapter = probeAdapter(env);
    if (adapter) return { env, adapter };
  }
  return undefined;
}

/**
 * Installs browser and software adapter through the system's packages; true when that ended well.
 */
export async function installSystem() {
  if (process.platform !== 'linux' || !onPath('apt-get') || !onPath('bash')) return false;
  const { code } = await run('bash', [join(root, 'scripts', 'system.sh')]);
  return code === 0;
}
