/** Starts the other thread, for peers without threads of their own. */
import { Worker } from 'node:worker_threads';

/**
 * @param {string} peer
 * @param {unknown[]} tokens of the locks that the thread is to have
 */
export function startThread(peer, tokens, { role, control, pause }) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { peer, role, tokens, control, pause },
  });
  worker.on('error', (error) => {
    throw error;
  });
}
