import type { GuestBoot, GuestReply, GuestRequest } from '../protocol.ts';

/** What the client asks of the frame. */
export type ToFrame =
  /**
   * Once: the source of the guests' worker, and Pyodide's files. The wasm is compiled here and
   * shared by the workers.
   */
  | {
      readonly type: 'files';
      readonly source: string;
      readonly wasm: Uint8Array;
      readonly stdlib: Uint8Array;
    }
  | { readonly type: 'spawn'; readonly guest: number }
  | {
      readonly type: 'boot';
      readonly guest: number;
      readonly boot: Omit<GuestBoot, 'loader' | 'wasm' | 'stdlib'>;
    }
  | { readonly type: 'request'; readonly guest: number; readonly request: GuestRequest }
  | { readonly type: 'kill'; readonly guest: number }
  | { readonly type: 'ping' };

/** What comes back. `reply` is what the guest sent, unchecked. */
export type FromFrame =
  | { readonly type: 'reply'; readonly guest: number; readonly reply: GuestReply }
  | { readonly type: 'exit'; readonly guest: number; readonly why: string }
  | { readonly type: 'pong' };

/** The frame's one inline script, as text: it stands alone. */
export function frameScript(): string {
  // `</script` in the text would end the element.
  return `(${frame.toString()})()`.replaceAll('</', '<\\/');
}

function frame(): void {
  const workers = new Map<number, Worker>();
  let files: { url: string; wasm: Promise<WebAssembly.Module>; stdlib: Uint8Array } | null = null;

  const serve = (port: MessagePort): void => {
    const send = (message: FromFrame): void => port.postMessage(message);
    const spawn = (guest: number): void => {
      if (files === null) return;
      const worker = new Worker(files.url);
      workers.set(guest, worker);
      worker.onmessage = (event: MessageEvent<GuestReply>) =>
        send({ type: 'reply', guest, reply: event.data });
      worker.onerror = (event) => {
        event.preventDefault();
        send({
          type: 'exit',
          guest,
          why: event.message || 'The sandbox worker could not be started.',
        });
      };
      worker.onmessageerror = () =>
        send({ type: 'exit', guest, why: 'The sandbox worker sent something unreadable.' });
    };
    port.onmessage = (event: MessageEvent<ToFrame>) => {
      const message = event.data;
      switch (message.type) {
        case 'files':
          files = {
            url: URL.createObjectURL(new Blob([message.source], { type: 'text/javascript' })),
            wasm: WebAssembly.compile(message.wasm as BufferSource),
            stdlib: message.stdlib,
          };
          // A compile error is reported by the boot that awaits it.
          files.wasm.catch(() => undefined);
          break;
        case 'spawn':
          spawn(message.guest);
          break;
        case 'boot': {
          const { guest, boot } = message;
          if (files === null) return;
          const { stdlib } = files;
          files.wasm.then(
            (wasm) => workers.get(guest)?.postMessage({ ...boot, loader: '', wasm, stdlib }),
            (error: unknown) =>
              send({ type: 'exit', guest, why: `Pyodide could not be compiled: ${String(error)}` }),
          );
          break;
        }
        case 'request':
          workers.get(message.guest)?.postMessage(message.request);
          break;
        case 'kill':
          workers.get(message.guest)?.terminate();
          workers.delete(message.guest);
          break;
        case 'ping':
          send({ type: 'pong' });
          break;
      }
    };
  };

  const first = (event: MessageEvent): void => {
    const port = event.ports[0];
    if (event.source !== parent || port === undefined) return;
    removeEventListener('message', first);
    serve(port);
  };
  addEventListener('message', first);
}
