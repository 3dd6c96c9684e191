/**
 * The engine under Node: what `afterthought/engine` has, with Dawn for the GPU and folders for
 * files.
 *
 * @module engine
 */
import { fileURLToPath } from 'node:url';
import type { FileSource } from '../model/weights/source.ts';
import { folderSource } from '../storage/node/folder-source.ts';

export * from './engine.ts';
export { nodeGpu } from '../gpu/node-gpu.ts';
export { folderSource };

/** The embedded model `nano`, which is part of the package. */
export function nanoSource(): FileSource {
  return folderSource(fileURLToPath(new URL('./models/nano', import.meta.url)));
}
