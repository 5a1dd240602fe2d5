/** For one loop: functions, of which so many run at once. */
import PQueue from 'p-queue';

export function openLimiter(limit) {
  const queue = new PQueue({ concurrency: limit });
  return (task) => queue.add(task);
}
