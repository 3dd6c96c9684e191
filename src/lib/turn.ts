/**
 * Lets messages, timers and connections have their turn. A loop that awaits what has settled
 * already never leaves the queue of microtasks: a worker is deaf as long as it lasts. A message of
 * its own comes at once, where timers wait for milliseconds.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
