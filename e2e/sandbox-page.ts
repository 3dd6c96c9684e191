import { createBrowserSandbox } from '../src/sandbox/browser/browser-sandbox.ts';
import { openSandboxFrame } from '../src/sandbox/browser/frame.ts';
import type { Program } from '../src/sandbox/sandbox.ts';
import type { Verdict } from '../src/schema/verdict.ts';

declare global {
  interface Window {
    grade?: (program: Program) => Promise<Verdict>;
  }
}

/** The sandbox alone on a page, for e2e/sandbox.spec.ts. */
const sandbox = createBrowserSandbox(openSandboxFrame(), { workers: 1 });
window.grade = async (program) => (await sandbox).grade(program);
