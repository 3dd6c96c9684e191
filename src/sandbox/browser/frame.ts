import type { FromFrame, ToFrame } from './messages.ts';

/**
 * `default-src 'none'` with scripts of the frame's own text only. `blob:` is missing from script-src on purpose: with it,
 * code in a guest could import a blob of its own. Workers from blobs inherit this policy.
 */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; worker-src blob:; connect-src 'none'";

/**
 * Puts the sandbox's frame on the page and returns the port to it, to be handed to the session's worker. The frame has an
 * opaque origin: no cookies, no storage, no network, nothing of the page within reach.
 */
export function openSandboxFrame(): MessagePort {
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.setAttribute('aria-hidden', 'true');
  frame.title = 'Python sandbox';
  frame.tabIndex = -1;
  frame.style.display = 'none';
  frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${POLICY}"><script>(${frameMain.toString()})()</script>`;
  const { port1, port2 } = new MessageChannel();
  frame.addEventListener('load', () => frame.contentWindow?.postMessage('port', '*', [port2]), { once: true });
  document.body.append(frame);
  return port1;
}

/** The frame's whole program, run as text: it may use nothing but its globals. Starts, feeds and ends guests. */
function frameMain(): void {
  addEventListener(
    'message',
    (hello) => {
      const port = hello.ports[0];
      if (!port) return;
      const guests = new Map<number, Worker>();
      let files: Extract<ToFrame, { type: 'files' }> | null = null;
      let module: Promise<WebAssembly.Module> | null = null;
      let source = '';
      const send = (message: FromFrame): void => port.postMessage(message);
      const boot = (message: Extract<ToFrame, { type: 'boot' }>): void => {
        const given = files;
        if (!given || !module) return send({ type: 'exit', guest: message.guest, why: 'the frame has no files yet' });
        const worker = new Worker(source);
        guests.set(message.guest, worker);
        worker.onmessage = (event: MessageEvent<unknown>) => send({ type: 'reply', guest: message.guest, reply: event.data });
        worker.onerror = (event) => {
          event.preventDefault();
          guests.delete(message.guest);
          worker.terminate();
          send({ type: 'exit', guest: message.guest, why: event.message || 'the worker died' });
        };
        void module.then(
          (wasm) => worker.postMessage({ ...message.boot, loader: '', stdlib: given.stdlib, abi: given.abi, wasm }),
          (error: unknown) => send({ type: 'exit', guest: message.guest, why: String(error) }),
        );
      };
      port.onmessage = (event: MessageEvent<ToFrame>) => {
        const message = event.data;
        if (message.type === 'files') {
          files = message;
          module = WebAssembly.compile(message.wasm as BufferSource);
          const text = [message.loader, `;(${message.worker})(${message.guest});`];
          source = URL.createObjectURL(new Blob(text, { type: 'text/javascript' }));
        } else if (message.type === 'boot') {
          boot(message);
        } else if (message.type === 'request') {
          guests.get(message.guest)?.postMessage(message.request);
        } else {
          guests.get(message.guest)?.terminate();
          guests.delete(message.guest);
        }
      };
    },
    { once: true },
  );
}
