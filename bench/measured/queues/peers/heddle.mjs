/** The built package, as users get it. */
import { fromToken, Queue, Semaphore, toToken } from '../../../../dist/index.js';
import { startThread } from '../../start-thread.mjs';

export const create = (capacity) => new Queue(capacity === undefined ? {} : { capacity });
export const restore = (token) => fromToken(token);
export const put = (queue, item) => queue.put(item);
export const putSync = (queue, item) => queue.putSync(item);
export const get = (queue) => queue.get();
export const getSync = (queue) => queue.getSync();
export const values = (queue) => queue;
export const start = (role, queues, control) =>
  startThread('queues', 'heddle', role, queues.map(toToken), control);

export function openLimiter(limit) {
  const semaphore = new Semaphore(limit);
  return (task) => semaphore.run(task);
}
