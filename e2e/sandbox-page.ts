import type { CodeFormat } from '../src/data/prompts.ts';
import { openSandboxFrame } from '../src/sandbox/browser/frame.ts';
import type { Program } from '../src/sandbox/sandbox.ts';
import type { Verdict } from '../src/schema/verdict.ts';

declare global {
  interface Window {
    grade?: (program: Program) => Promise<Verdict>;
    judge?: (completion: string, format: CodeFormat) => Promise<Verdict>;
  }
}

/**
 * The sandbox alone, joined as the session does it: the frame on the page, its client in a module
 * worker.
 */
const worker = new Worker(new URL('./sandbox-page-worker.ts', import.meta.url), { type: 'module' });
const control = openSandboxFrame();
worker.postMessage({ id: 0, control }, [control]);

let count = 0;
const ask = (request: object): Promise<Verdict> =>
  new Promise((resolve, reject) => {
    const id = (count += 1);
    const listen = (
      event: MessageEvent<{ id: number; verdict?: Verdict; failure?: string }>,
    ): void => {
      if (event.data.id !== id) return;
      worker.removeEventListener('message', listen);
      if (event.data.verdict) resolve(event.data.verdict);
      else reject(new Error(event.data.failure));
    };
    worker.addEventListener('message', listen);
    worker.postMessage({ id, ...request });
  });
window.grade = (program) => ask({ program });
window.judge = (completion, format) => ask({ completion, format });
