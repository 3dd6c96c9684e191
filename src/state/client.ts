import { messageOf } from '../lib/errors.ts';
import type { EvaluationEvent } from '../schema/evaluation.ts';
import type { RunEvent } from '../schema/events.ts';
import type { ModelTransfer } from '../schema/models.ts';
import type {
  FromPage,
  SessionAnswers,
  SessionRequest,
  SessionStatus,
} from '../schema/protocol.ts';
import { parseAnswer, parseMessage } from './messages.ts';

/** The half of a Worker (or MessagePort) the client needs. */
export interface Channel {
  postMessage(message: FromPage): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

export interface Pushes {
  readonly events: (runId: string, events: readonly RunEvent[]) => void;
  readonly evaluation: (id: string, events: readonly EvaluationEvent[]) => void;
  readonly model: (transfer: ModelTransfer) => void;
  readonly status: (status: SessionStatus) => void;
  /** What another tab's run is doing; null: it is not going on there any more. */
  readonly elsewhere: (runId: string, status: SessionStatus | null) => void;
  /** A message did not parse, or the worker died: one sentence. */
  readonly broken: (message: string) => void;
}

export interface SessionClient {
  /** Resolves with the worker's answer; rejects with its sentence. */
  ask<R extends SessionRequest>(request: R): Promise<SessionAnswers[R['type']]>;
  /** Rejects everything still open, and all later requests, with `message`. */
  fail(message: string): void;
}

/** Requests get ids, answers find their request, pushes go to `pushes`. */
export function createSessionClient(channel: Channel, pushes: Pushes): SessionClient {
  interface Open {
    readonly type: SessionRequest['type'];
    readonly resolve: (value: never) => void;
    readonly reject: (error: Error) => void;
  }
  const open = new Map<number, Open>();
  let nextId = 1;
  let dead: string | null = null;

  channel.addEventListener('message', ({ data }) => {
    try {
      receive(data);
    } catch (error) {
      pushes.broken(messageOf(error));
    }
  });

  function receive(data: unknown): void {
    const message = parseMessage(data);
    switch (message.type) {
      case 'answer': {
        const request = take(message.id);
        if (!request) return;
        try {
          request.resolve(parseAnswer(request.type, message.value) as never);
        } catch (error) {
          request.reject(error as Error);
        }
        return;
      }
      case 'failure':
        take(message.id)?.reject(new Error(message.message));
        return;
      case 'events':
        pushes.events(message.runId, message.events);
        return;
      case 'evaluation':
        pushes.evaluation(message.evaluation, message.events);
        return;
      case 'model':
        pushes.model(message.transfer);
        return;
      case 'status':
        pushes.status(message.status);
        return;
      case 'elsewhere':
        pushes.elsewhere(message.runId, message.status);
        return;
      default:
        message satisfies never;
    }
  }

  function take(id: number): Open | undefined {
    const request = open.get(id);
    open.delete(id);
    return request;
  }

  return {
    ask(request) {
      if (dead !== null) return Promise.reject(new Error(dead));
      const id = nextId++;
      return new Promise((resolve, reject) => {
        open.set(id, { type: request.type, resolve: resolve, reject });
        channel.postMessage({ id, request });
      });
    },
    fail(message) {
      dead = message;
      for (const request of open.values()) request.reject(new Error(message));
      open.clear();
      pushes.broken(message);
    },
  };
}
