import { guestSource, type GuestMain } from '../guest/source.ts';
import type { GuestBoot, GuestReply } from '../protocol.ts';

/**
 * Large byte arrays cross the channel in pieces: Node puts the chunks of one message together again
 * and again, so that a message of 40 MB costs seconds and the same bytes in quarter megabytes cost
 * a tenth of one.
 */
export interface Piece {
  readonly piece: string;
  readonly offset: number;
  readonly total: number;
  readonly bytes: Uint8Array;
}
export const PIECE_BYTES = 256 * 1024;

/**
 * The whole program of a guest process, as text for `node --eval`: it can read no file, so it
 * brings everything along. It forgets Node's globals first, loads Pyodide as a plain worker would,
 * and answers requests over its one channel.
 */
export function childSource(): string {
  return `(${child.toString()})(require, process, ${guestSource()}, ${PIECE_BYTES})`;
}

function child(
  load: NodeJS.Require,
  host: NodeJS.Process,
  start: GuestMain,
  pieceBytes: number,
): void {
  const { runInThisContext } = load('node:vm') as typeof import('node:vm');
  const arrays: Record<string, Uint8Array> = {};
  const inPieces = (piece: string, whole: Uint8Array): void => {
    for (let offset = 0; offset < whole.length; offset += pieceBytes) {
      host.send?.({
        piece,
        offset,
        total: whole.length,
        bytes: whole.slice(offset, offset + pieceBytes),
      });
    }
  };
  // What the pipe does not take at once leaves only when this process comes to rest. Steps follow
  // each other without one, so that an answer on its way would be taken for a missing one: now and
  // then they wait.
  let unsent = 0;
  const flushed = (last: object, size: number): Promise<void> | undefined => {
    unsent += size;
    if (unsent < 32_768) {
      host.send?.(last);
      return undefined;
    }
    unsent = 0;
    return new Promise((resolve) => void host.send?.(last, undefined, undefined, () => resolve()));
  };
  const encoder = new TextEncoder();
  const send = (reply: GuestReply): Promise<void> | undefined => {
    if (reply.type === 'ready' && reply.image !== undefined) {
      const { image, ...rest } = reply;
      inPieces('image', image);
      return flushed(rest, image.length);
    } else if (reply.type === 'reply' && reply.text.length > pieceBytes) {
      inPieces('text', encoder.encode(reply.text));
      return flushed({ ...reply, text: '' }, reply.text.length);
    }
    return flushed(reply, reply.type === 'reply' ? reply.text.length + 200 : 200);
  };
  host.on('disconnect', () => host.exit(0));
  host.on('uncaughtException', () => host.exit(70));
  const first = (message: Piece | GuestBoot): void => {
    if ('piece' in message) {
      const whole = (arrays[message.piece] ??= new Uint8Array(message.total));
      whole.set(message.bytes, message.offset);
      return;
    }
    host.off('message', first as (message: unknown) => void);
    // Read once while Node's own globals are there: some are made on first use.
    const needed = [
      performance,
      TextDecoder,
      TextEncoder,
      URL,
      AbortController,
      AbortSignal,
      WebAssembly,
    ];
    void needed;
    for (const name of [
      'process',
      'Buffer',
      'require',
      'module',
      'exports',
      'global',
      'navigator',
      '__filename',
      '__dirname',
    ]) {
      Reflect.deleteProperty(globalThis, name);
    }
    runInThisContext(message.loader, { filename: 'pyodide' });
    start({ ...message, ...arrays }, send).then(
      (handle) => host.on('message', handle as (message: unknown) => void),
      (error: unknown) => send({ type: 'failed', message: String(error).slice(0, 300) }),
    );
  };
  host.on('message', first as (message: unknown) => void);
}
