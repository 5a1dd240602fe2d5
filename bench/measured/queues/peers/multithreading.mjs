/** Its channels, which are bounded always and hold JSON in a buffer whose size one gives: its default is too small here. */
import '../../peers/multithreading.mjs';
import { channel, Semaphore } from 'multithreading';
import { startSpawned } from '../../start-spawned.mjs';

export { get, put, values } from './multithreading-ops.mjs';

export const boundedOnly = true;
export const create = (capacity) => channel(capacity, { size: 2 ** 22 });
export const start = (role, queues, control) =>
  startSpawned(
    'queues',
    role,
    queues.flatMap(([sender, receiver]) => [sender.clone(), receiver.clone()]),
    control,
  );

export function openLimiter(limit) {
  const semaphore = new Semaphore(limit);
  return async (task) => {
    const guard = await semaphore.acquire();
    try {
      await task();
    } finally {
      guard.dispose();
    }
  };
}
