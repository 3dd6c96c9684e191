import { messageOf } from '../lib/errors.ts';

/** What was asked of the session: on its way, refused with a sentence, or here. */
export type Loadable<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'error'; readonly message: string }
  | { readonly state: 'ready'; readonly data: T };

/** Puts what an answer becomes: its data, or the sentence of its failure. Never rejects. */
export function settle<T>(answer: Promise<T>, put: (value: Loadable<T>) => void): Promise<void> {
  return answer.then(
    (data) => put({ state: 'ready', data }),
    (error: unknown) => put({ state: 'error', message: messageOf(error) }),
  );
}
