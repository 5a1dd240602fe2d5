import { Semaphore } from 'async-mutex';

export function openLimiter(limit) {
  const semaphore = new Semaphore(limit);
  return (task) => semaphore.runExclusive(task);
}
