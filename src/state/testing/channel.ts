import type { FromPage, SessionAnswers, SessionRequest, ToPage } from '../../schema/protocol.ts';
import type { Channel } from '../client.ts';

/** The worker's end of a channel, driven by a test. */
export interface TestChannel extends Channel {
  readonly asked: FromPage[];
  push(message: unknown): void;
  /** Answers the oldest open request of a type. */
  answer<K extends SessionRequest['type']>(type: K, value: SessionAnswers[K]): void;
  refuse(type: SessionRequest['type'], message: string): void;
}

export function testChannel(): TestChannel {
  const asked: FromPage[] = [];
  const open: FromPage[] = [];
  let listener: (event: { readonly data: unknown }) => void = () => undefined;
  const take = (type: SessionRequest['type']) => {
    const index = open.findIndex((message) => message.request.type === type);
    const message = open.splice(index, 1)[0];
    if (index < 0 || !message) throw new Error(`Nobody has asked for ${type}.`);
    return message.id;
  };
  return {
    asked,
    postMessage(message) {
      asked.push(message);
      open.push(message);
    },
    addEventListener(_type, added) {
      listener = added;
    },
    push: (message) => listener({ data: message }),
    answer(type, value) {
      listener({ data: { type: 'answer', id: take(type), value } satisfies ToPage });
    },
    refuse(type, message) {
      listener({ data: { type: 'failure', id: take(type), message } satisfies ToPage });
    },
  };
}
