/** Its Semaphore, RwLock, Mutex with Condvar, and Barrier. It has no event, latch or reentrant lock. */
import '../../peers/multithreading.mjs';
import { Barrier, Condvar, Mutex, RwLock, Semaphore } from 'multithreading';
import { startSpawned } from '../../start-spawned.mjs';

export { enterSync, leave, pass, passSync, passTurn, waitForTurnSync } from './multithreading-ops.mjs';

const release = (guard) => guard.dispose();

export const kinds = {
  semaphore: {
    create: () => new Semaphore(4),
    acquireSync: (semaphore) => semaphore.blockingAcquire(),
    acquire: (semaphore) => semaphore.acquire(),
    release,
  },
  read: {
    create: () => new RwLock(),
    acquireSync: (lock) => lock.blockingRead(),
    acquire: (lock) => lock.read(),
    release,
  },
  write: {
    create: () => new RwLock(),
    acquireSync: (lock) => lock.blockingWrite(),
    acquire: (lock) => lock.write(),
    release,
  },
};

export const start = (role, things, control) => startSpawned('primitives', role, things.flat(), control);
export const createPair = () => [new Mutex(), new Condvar()];
export const createBarrier = (parties) => new Barrier(parties);
