import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './set-up.mjs';

/** TypeScript files below src/, tests and their support left out; paths from the root. */
export function sourceFiles() {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${file.replaceAll('\\', '/')}`)
    .filter((file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$|\/(testing|fixtures)\//.test(file));
}
