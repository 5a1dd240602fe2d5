/** Starts another thread of a measurement, for peers without threads of their own. */
import { Worker } from 'node:worker_threads';

/**
 * @param {string} folder the group: `queues` or `primitives`; its `roles.mjs` says what the thread does
 * @param {string} peer of that folder
 * @param {string} role
 * @param {unknown[]} tokens the peer's `restore` makes of them what the thread is to have
 * @param {Int32Array} control
 * @param {readonly import('node:worker_threads').TransferListItem[]} [transfer]
 */
export function startThread(folder, peer, role, tokens, control, transfer = []) {
  const worker = new Worker(new URL('./thread.mjs', import.meta.url), {
    workerData: { folder, peer, role, tokens, control },
    transferList: [...transfer],
  });
  worker.on('error', (error) => {
    throw error;
  });
}
