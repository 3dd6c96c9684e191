import { openSandboxFrame } from '../sandbox/browser/frame.ts';
import { HUB } from '../storage/hub/hub.ts';

/** First message to the session's worker. */
export interface WorkerInit {
  readonly type: 'init';
  /** The page's address: model and problems lie below it. */
  readonly base: string;
  /** Address of the model hub. */
  readonly hub: string;
  /** To the sandbox's frame, which only a page can make. */
  readonly sandbox: MessagePort;
}

/**
 * Where models come from in place of the hub, such as a mirror: set in the browser's local storage.
 */
const HUB_SETTING = 'afterthought.hub';

/**
 * Starts the session's worker and the sandbox's frame, and joins them. The worker then speaks
 * src/schema/protocol.ts.
 */
export function connectSession(): Worker {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    type: 'module',
    name: 'session',
  });
  const sandbox = openSandboxFrame();
  const init: WorkerInit = { type: 'init', base: document.baseURI, hub: hubAddress(), sandbox };
  worker.postMessage(init, [sandbox]);
  return worker;
}

function hubAddress(): string {
  try {
    return localStorage.getItem(HUB_SETTING) ?? HUB;
  } catch {
    return HUB; // storage is blocked
  }
}
