/** For one loop: a queue of promises, no shared memory. */
import { Mutex } from 'async-mutex';

export const create = () => new Mutex();
export const locked = (lock) => lock.isLocked();
export const acquire = (lock) => lock.acquire();
export const release = (_lock, guard) => guard();
