/** Not a pool: Workers that do nothing but start, to set the cost of a thread in a pool beside. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export async function open(threads) {
  const file = new URL('../workers/bare.mjs', import.meta.url);
  const started = Promise.all(Array.from({ length: threads }, () => once(new Worker(file), 'message')));
  return async (_name, [a, b]) => {
    await started;
    return a + b;
  };
}
