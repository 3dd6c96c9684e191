import type { GuestBoot, GuestReply, GuestRequest } from './protocol.ts';

/** One restricted process or worker, as its host sees it. Made by `src/sandbox/node` and `src/sandbox/browser`. */
export interface Transport {
  post(message: GuestBoot | GuestRequest): void;
  kill(): void;
  onReply(listener: (reply: unknown) => void): void;
  /** Called when the other end has died by itself. */
  onExit(listener: (why: string) => void): void;
}

/** The guest is gone: killed from here, or dead by the program's doing. */
export class GuestLost extends Error {
  override readonly name = 'GuestLost';
}

/** Generous: a cold boot takes 3 s of processor time, and machines are shared. */
const BOOT_LIMIT_MS = 90_000;

/** A booted guest. Requests are answered one at a time; any unexpected message ends it. */
export class GuestHandle {
  programs = 0;
  private lost: GuestLost | null = null;
  private pending: { id: string; resolve: (reply: GuestReply) => void; reject: (error: Error) => void } | null = null;

  private constructor(private readonly transport: Transport) {}

  static boot(transport: Transport, boot: GuestBoot): Promise<{ guest: GuestHandle; image: Uint8Array | undefined }> {
    return new Promise((resolve, reject) => {
      const guest = new GuestHandle(transport);
      let booted = false;
      const timer = setTimeout(() => guest.kill(`it did not boot within ${BOOT_LIMIT_MS / 1000} s`), BOOT_LIMIT_MS);
      transport.onReply((message) => {
        if (booted) return guest.receive(message);
        const reply = message as GuestReply;
        if (reply.type === 'ready') {
          booted = true;
          clearTimeout(timer);
          guest.pending = null;
          resolve({ guest, image: reply.image });
        } else {
          guest.kill(reply.type === 'failed' ? reply.message : 'it sent an unexpected message while booting');
        }
      });
      transport.onExit((why) => guest.kill(why));
      guest.pending = {
        id: '',
        resolve: () => undefined,
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      transport.post(boot);
    });
  }

  get alive(): boolean {
    return this.lost === null;
  }

  /** Ends the guest; a request in flight rejects with `GuestLost`. */
  kill(why: string): void {
    if (this.lost !== null) return;
    this.lost = new GuestLost(why);
    this.transport.kill();
    const pending = this.pending;
    this.pending = null;
    pending?.reject(this.lost);
  }

  /** Python's `step`. Rejects with `GuestLost` when the guest dies under it. */
  async step(request: object): Promise<{ text: string; ms: number }> {
    const reply = await this.send((id) => ({ id, type: 'step', text: JSON.stringify(request) }));
    if (reply.type === 'reply') return { text: reply.text, ms: reply.ms };
    this.kill(reply.type === 'dead' ? reply.message : 'it answered a step with something else');
    throw this.lost ?? new GuestLost('the guest is gone');
  }

  /** Back to the state after boot; says why the guest must be thrown away, or null. */
  async restore(): Promise<string | null> {
    const reply = await this.send((id) => ({ id, type: 'restore' }));
    return reply.type === 'restored' ? reply.recycle : 'it answered a restore with something else';
  }

  private send(request: (id: string) => GuestRequest): Promise<GuestReply> {
    return new Promise((resolve, reject) => {
      if (this.lost !== null) return reject(this.lost);
      const id = crypto.randomUUID();
      this.pending = { id, resolve, reject };
      this.transport.post(request(id));
    });
  }

  private receive(message: unknown): void {
    const reply = message as Partial<GuestReply & { id: string }> | null;
    const pending = this.pending;
    if (pending === null || typeof reply !== 'object' || reply === null || reply.id !== pending.id) {
      this.kill('it sent a message nobody asked for');
      return;
    }
    this.pending = null;
    pending.resolve(reply as GuestReply);
  }
}
