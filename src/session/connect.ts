import { openSandboxFrame } from '../sandbox/browser/frame.ts';

/** First message to the session's worker. */
export interface WorkerInit {
  readonly type: 'init';
  /** The page's address: model and problems lie below it. */
  readonly base: string;
  /** To the sandbox's frame, which only a page can make. */
  readonly sandbox: MessagePort;
}

/** Starts the session's worker and the sandbox's frame, and joins them. The worker then speaks src/schema/protocol.ts. */
export function connectSession(): Worker {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'session' });
  const sandbox = openSandboxFrame();
  const init: WorkerInit = { type: 'init', base: document.baseURI, sandbox };
  worker.postMessage(init, [sandbox]);
  return worker;
}
