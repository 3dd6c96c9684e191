import { frameScript } from './frame-script.ts';

/** From the page to the sandbox's client in the session's worker. */
export interface FrameArrived {
  readonly type: 'frame';
  readonly port: MessagePort;
}
/** From that client to the page: the frame does not answer any more. */
export interface ReplaceFrame {
  readonly type: 'replace';
}

/**
 * Nothing may be loaded or reached from in there; see docs and SANDBOX. `blob:` is for workers
 * only, never for scripts.
 */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; worker-src blob:; connect-src 'none'";

/**
 * Makes the opaque-origin frame that Python runs in, and again whenever it is lost. Returns the
 * port to hand to `createBrowserSandbox`, on the page or (transferred) in a worker, which cannot
 * make frames itself.
 */
export function openSandboxFrame(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  let frame: HTMLIFrameElement | null = null;
  const open = (): void => {
    frame?.remove();
    const made = document.createElement('iframe');
    frame = made;
    made.hidden = true;
    made.title = 'Python sandbox';
    made.setAttribute('aria-hidden', 'true');
    made.setAttribute('sandbox', 'allow-scripts');
    made.srcdoc =
      '<!doctype html><meta http-equiv="Content-Security-Policy" ' +
      `content="${POLICY}"><script>${frameScript()}</script>`;
    made.addEventListener(
      'load',
      () => {
        const channel = new MessageChannel();
        // An opaque origin has no name to address it by; the frame takes the first message of its
        // parent only.
        made.contentWindow?.postMessage('port', '*', [channel.port2]);
        port1.postMessage({ type: 'frame', port: channel.port1 } satisfies FrameArrived, [
          channel.port1,
        ]);
      },
      { once: true },
    );
    document.body.append(made);
  };
  port1.onmessage = (event: MessageEvent<ReplaceFrame>) => {
    if (event.data.type === 'replace') open();
  };
  open();
  return port2;
}
