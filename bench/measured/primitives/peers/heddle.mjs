/** The built package, as users get it. */
import {
  Barrier,
  CapacityLimiter,
  Condition,
  Event,
  fromToken,
  Latch,
  RLock,
  RWLock,
  Semaphore,
  toToken,
} from '../../../../dist/index.js';
import { startThread } from '../../start-thread.mjs';

const release = (guard) => guard.release();
const acquirable = {
  acquireSync: (thing) => thing.acquireSync(),
  acquire: (thing) => thing.acquire(),
  release,
};

export const kinds = {
  semaphore: { create: () => new Semaphore(4), ...acquirable },
  limiter: { create: () => new CapacityLimiter(4), ...acquirable },
  rlock: { create: () => new RLock(), ...acquirable },
  read: {
    create: () => new RWLock(),
    acquireSync: (lock) => lock.readSync(),
    acquire: (lock) => lock.read(),
    release,
  },
  write: {
    create: () => new RWLock(),
    acquireSync: (lock) => lock.writeSync(),
    acquire: (lock) => lock.write(),
    release,
  },
  latch: {
    create: () => new Latch(2 ** 30 - 1),
    acquireSync: (latch) => latch.countDown(),
    release: () => {},
  },
};

export const restore = (token) => fromToken(token);
export const start = (role, things, control) =>
  startThread('primitives', 'heddle', role, things.map(toToken), control);

export const createEvent = () => new Event();
export const set = (event) => event.set();
export const clear = (event) => event.clear();
export const wait = (event) => event.wait();
export const waitSync = (event) => event.waitSync();

export const createPair = () => new Condition();
export const enterSync = (condition) => condition.lock.acquireSync();
export const waitForTurnSync = (condition, guard) => condition.waitSync(guard);
export const passTurn = (condition, guard) => condition.notify(guard);
export const leave = (_condition, guard) => guard.release();

export const createBarrier = (parties) => new Barrier(parties);
export const passSync = (barrier) => barrier.waitSync();
export const pass = (barrier) => barrier.wait();
