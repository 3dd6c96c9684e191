// npm start: installs what is missing, then serves the lab from its sources. Arguments go to Vite
// (npm start -- --port 4000).
import { bin, installPackages, requireNode, run } from './set-up.mjs';

requireNode();
try {
  await installPackages();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const { platform, env, stdout } = process;
const hasDesktop =
  platform === 'darwin' || platform === 'win32' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
const opens = hasDesktop && stdout.isTTY && !env.CI && !env.SSH_CONNECTION;
const { code } = await run(process.execPath, [
  bin('vite', 'bin/vite.js'),
  ...(opens ? ['--open'] : []),
  ...process.argv.slice(2),
]);
process.exit(code ?? 1);
