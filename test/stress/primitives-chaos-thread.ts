/** A thread of the chaos of primitives: uses them until it is told to stop, terminated, or ends itself. */
import { parentPort, workerData } from 'node:worker_threads';
import { BrokenBarrierError, OwnerDiedError, TimeoutError } from '../../src/core/errors.ts';
import type { Guard } from '../../src/core/guard.ts';
import { Barrier } from '../../src/sync/barrier.ts';
import { CapacityLimiter } from '../../src/sync/capacity-limiter.ts';
import { Condition } from '../../src/sync/condition.ts';
import { Event } from '../../src/sync/event.ts';
import { Latch } from '../../src/sync/latch.ts';
import type { Lock } from '../../src/sync/lock.ts';
import { Once } from '../../src/sync/once.ts';
import { RLock } from '../../src/sync/rlock.ts';
import { RWLock } from '../../src/sync/rw-lock.ts';
import { Semaphore } from '../../src/sync/semaphore.ts';
import { fromToken, toToken } from '../../src/thread/tokens.ts';
import { Arena } from './arena.ts';
import type { MortalData } from './mortals.ts';
import { Places, Readers } from './places.ts';
import {
  CONDITIONED,
  onceWord,
  PRIMITIVES,
  type Primitive,
  type PrimitivesWork,
  RECONDITIONED,
  REENTERED,
  WRITTEN,
} from './primitives.ts';
import { seeded } from './random.ts';

const data = workerData as MortalData<PrimitivesWork>;
const { slot, thread, work } = data;
const { tokens, watched } = work;
const arena = new Arena(data.arena);
const random = seeded(data.seed);
const semaphore = fromToken<Semaphore>(tokens.semaphore);
const signals = fromToken<Semaphore>(tokens.signals);
const limiter = fromToken<CapacityLimiter>(tokens.limiter);
const rwlock = fromToken<RWLock>(tokens.rwlock);
const rlock = fromToken<RLock>(tokens.rlock);
const event = fromToken<Event>(tokens.event);
const latch = fromToken<Latch>(tokens.latch);
const once = fromToken<Once>(tokens.once);
const condition = fromToken<Condition>(tokens.condition);
const recondition = fromToken<Condition<RLock>>(tokens.recondition);
const barrier = fromToken<Barrier>(tokens.barrier);
const permits = new Places(watched.semaphore, arena, 0);
const borrowed = new Places(watched.limiter, arena, 1);
const onces = new Places(onceWord(watched, work.onceNumber), arena, 2);
const readers = new Readers(watched.readers, arena);
let operations = 0;

class Planned extends Error {}
class Aborted extends Error {}

/** Between operations, and in the middle of them. */
function dieIfPlanned(): void {
  if (data.death === undefined || operations < data.deathAfter || arena.stopped) return;
  arena.willDie(thread);
  if (data.death === 'exit') process.exit(77);
  setImmediate(() => {
    throw new Error('planned');
  });
  // A thread that blocks does not come to it.
  if (work.mode === 'sync') throw new Error('planned');
  operations = -Infinity;
}

function spin(): void {
  for (let left = random.integer(0, 60); left > 0; left--) Math.sqrt(left);
}

/** How a wait may end without success. */
function isExpected(error: unknown): boolean {
  return [TimeoutError, Aborted, BrokenBarrierError, Planned].some((type) => error instanceof type);
}

function syncOptions(): { timeout?: number } {
  return random.chance(0.4) ? { timeout: random.integer(0, 5) } : {};
}

function options(): { timeout?: number; signal?: AbortSignal } {
  if (random.chance(0.8)) return syncOptions();
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Aborted());
  if (random.chance(0.5)) setImmediate(abort);
  else queueMicrotask(abort);
  return { signal: controller.signal };
}

async function pause(): Promise<void> {
  if (random.chance(0.3)) await new Promise(setImmediate);
  else if (random.chance(0.5)) await undefined;
}

/** What one has a guard of. */
interface Guarded {
  acquire(options: object): Promise<Guard>;
  acquireSync(options: object): Guard;
  tryAcquire(): Guard | undefined;
  /** Begins to use it; returns what ends that. */
  use(task: number): () => void;
  /** While it is used. */
  again?(guard: Guard): Promise<void>;
  againSync?(): void;
  /** Its last owner has died. */
  mend(): void;
}

function neverMended(): never {
  throw new Error('Nobody owns it: no death is told of');
}

/** Uses a thing of which there is one owner. */
function own(thing: number, task: number): () => void {
  arena.enter(thing, thread, task);
  return () => arena.leave(thing, thread, task);
}

/** So many permits. */
function semaphorePermits(amount: number): Guarded {
  return {
    acquire: (o) => semaphore.acquire({ ...o, permits: amount }),
    acquireSync: (o) => semaphore.acquireSync({ ...o, permits: amount }),
    tryAcquire: () => semaphore.tryAcquire({ permits: amount }),
    use: () => {
      const taken = Array.from({ length: amount }, () => permits.take(thread));
      return () => {
        for (const place of taken) permits.leave(place, thread);
      };
    },
    mend: neverMended,
  };
}

const LIMITER: Guarded = {
  acquire: (o) => limiter.acquire(o),
  acquireSync: (o) => limiter.acquireSync(o),
  tryAcquire: () => limiter.tryAcquire(),
  use: () => {
    const place = borrowed.take(thread);
    // Lowering it revokes nothing; it is never more than there are places.
    if (random.chance(0.1)) limiter.total = random.integer(1, watched.limiter.length);
    return () => borrowed.leave(place, thread);
  },
  mend: neverMended,
};

const READING: Guarded = {
  acquire: (o) => rwlock.read(o),
  acquireSync: (o) => rwlock.readSync(o),
  tryAcquire: () => rwlock.tryRead(),
  use: () => {
    readers.enter(slot);
    arena.look(WRITTEN, thread);
    return () => {
      arena.look(WRITTEN, thread);
      readers.leave(slot);
    };
  },
  mend: () => arena.mend(WRITTEN),
};

const WRITING: Guarded = {
  acquire: (o) => rwlock.write(o),
  acquireSync: (o) => rwlock.writeSync(o),
  tryAcquire: () => rwlock.tryWrite(),
  use: (task) => {
    const leave = own(WRITTEN, task);
    readers.checkNone(thread);
    return () => {
      readers.checkNone(thread);
      leave();
    };
  },
  mend: () => arena.mend(WRITTEN),
};

const REENTERING: Guarded = {
  acquire: (o) => rlock.acquire(o),
  acquireSync: (o) => rlock.acquireSync(o),
  tryAcquire: () => rlock.tryAcquire(),
  use: (task) => own(REENTERED, task),
  again: async (guard) => {
    let inside = 0;
    const enter = async (): Promise<void> => {
      if (++inside > 1) arena.fault(1, REENTERED, thread);
      await pause();
      inside--;
    };
    await Promise.all([1, 2].map(() => rlock.run(enter, { within: guard })));
  },
  againSync: () => {
    const guards = [rlock.acquireSync(), rlock.acquireSync({ timeout: 0 })];
    if (random.chance(0.5)) guards.reverse();
    for (const guard of guards) guard.release();
  },
  mend: () => arena.mend(REENTERED),
};

function useSync(what: Guarded): void {
  let guard: Guard | undefined;
  try {
    guard = random.chance(0.2) ? what.tryAcquire() : what.acquireSync(syncOptions());
  } catch (error) {
    if (!(error instanceof OwnerDiedError)) throw error;
    mend(what, error);
    return;
  }
  if (guard === undefined) return;
  const end = what.use(0);
  spin();
  dieIfPlanned();
  if (random.chance(0.3)) what.againSync?.();
  end();
  guard.release();
}

async function use(what: Guarded, task: number): Promise<void> {
  let guard: Guard | undefined;
  try {
    // A thread that has a re-entrant lock by one task has it by all, if it does not wait.
    guard = random.chance(0.2) && what !== REENTERING ? what.tryAcquire() : await what.acquire(options());
  } catch (error) {
    if (!(error instanceof OwnerDiedError)) throw error;
    mend(what, error);
    return;
  }
  if (guard === undefined) return;
  const end = what.use(task);
  dieIfPlanned();
  await pause();
  if (random.chance(0.3)) await what.again?.(guard);
  end();
  guard.release();
}

function mend(what: Guarded, error: OwnerDiedError): void {
  what.mend();
  error.guard!.release();
}

/** A condition, and what is made and taken under it. */
interface Conditioned {
  readonly condition: Condition<Lock | RLock>;
  readonly thing: number;
  readonly items: Int32Array;
}

const CONDITION: Conditioned = { condition, thing: CONDITIONED, items: watched.items.subarray(0, 1) };
const RECONDITION: Conditioned = {
  condition: recondition,
  thing: RECONDITIONED,
  items: watched.items.subarray(1, 2),
};

/** The guard that an error has brought, after a death. */
function mended(error: unknown, thing: number): Guard {
  if (!(error instanceof OwnerDiedError)) throw error;
  arena.mend(thing);
  return error.guard!;
}

function make({ condition, items }: Conditioned, guard: Guard): void {
  items[0]! += 1;
  if (random.chance(0.5)) condition.notify(guard, random.integer(1, 2));
  else condition.notifyAll(guard);
}

function conditionSync(what: Conditioned): void {
  const { condition, thing, items } = what;
  const { lock } = condition;
  const guards: Guard[] = [];
  try {
    guards.push(lock.acquireSync());
  } catch (error) {
    guards.push(mended(error, thing));
  }
  if (lock instanceof RLock) guards.push(lock.acquireSync());
  const guard = guards.at(-1)!;
  let leave = own(thing, 0);
  dieIfPlanned();
  if (random.chance(0.5)) make(what, guard);
  else {
    leave();
    try {
      if (random.chance(0.5)) condition.waitForSync(guard, () => items[0]! > 0, syncOptions());
      else condition.waitSync(guard, { timeout: random.integer(0, 5) });
    } catch (error) {
      if (!isExpected(error)) mended(error, thing);
    }
    leave = own(thing, 0);
    if (items[0]! > 0) items[0]! -= 1;
  }
  leave();
  for (const one of guards) one.release();
}

async function conditionAsync(what: Conditioned, task: number): Promise<void> {
  const { condition, thing, items } = what;
  const { lock } = condition;
  const guards: Guard[] = [];
  try {
    guards.push(await lock.acquire(options()));
  } catch (error) {
    guards.push(mended(error, thing));
  }
  if (lock instanceof RLock) guards.push(await lock.acquire({ within: guards[0]! }));
  const guard = guards.at(-1)!;
  let leave = own(thing, task);
  dieIfPlanned();
  await pause();
  if (random.chance(0.5)) make(what, guard);
  else {
    leave();
    try {
      if (random.chance(0.5)) await condition.waitFor(guard, () => items[0]! > 0, options());
      else await condition.wait(guard, { timeout: random.integer(0, 5) });
    } catch (error) {
      if (!isExpected(error)) mended(error, thing);
    }
    leave = own(thing, task);
    if (items[0]! > 0) items[0]! -= 1;
  }
  leave();
  for (const one of guards) one.release();
}

/** The function of the `Once`: one at a time calls it. */
function beginOnce(): () => void {
  const place = onces.take(thread);
  dieIfPlanned();
  return () => {
    onces.leave(place, thread);
    if (random.chance(0.3)) throw new Planned();
  };
}

interface Operation {
  sync(): void;
  async(task: number): Promise<unknown>;
}

const OPERATIONS: Readonly<Record<Primitive, Operation>> = {
  semaphore: {
    sync: () => useSync(semaphorePermits(random.integer(1, 2))),
    async: (task) => use(semaphorePermits(random.integer(1, 2)), task),
  },
  signals: {
    sync: () => {
      if (random.chance(0.5)) signals.release(random.integer(1, 2));
      else if (random.chance(0.2)) signals.tryTake();
      else signals.takeSync(syncOptions());
    },
    async: async () => {
      if (random.chance(0.5)) signals.release(random.integer(1, 2));
      else await signals.take(options());
    },
  },
  limiter: { sync: () => useSync(LIMITER), async: (task) => use(LIMITER, task) },
  rwlock: {
    sync: () => useSync(random.chance(0.6) ? READING : WRITING),
    async: (task) => use(random.chance(0.6) ? READING : WRITING, task),
  },
  rlock: { sync: () => useSync(REENTERING), async: (task) => use(REENTERING, task) },
  event: {
    sync: () => {
      const what = random.integer(0, 3);
      if (what === 0) event.set();
      else if (what === 1) event.clear();
      else event.waitSync(syncOptions());
    },
    async: async () => {
      const what = random.integer(0, 3);
      if (what === 0) event.set();
      else if (what === 1) event.clear();
      else await event.wait(options());
    },
  },
  latch: {
    sync: () => {
      if (random.chance(0.1)) latch.countDown();
      else latch.waitSync(syncOptions());
    },
    async: async () => {
      if (random.chance(0.1)) return latch.countDown();
      await latch.wait(options());
      if (!latch.isOpen) arena.fault(9, 0, thread);
    },
  },
  once: {
    sync: () => {
      once.runSync(() => beginOnce()(), syncOptions());
      if (!once.isDone) arena.fault(9, 1, thread);
    },
    async: async () => {
      const body = async (): Promise<void> => {
        const end = beginOnce();
        await pause();
        end();
      };
      await once.run(body, options());
      if (!once.isDone) arena.fault(9, 1, thread);
    },
  },
  condition: { sync: () => conditionSync(CONDITION), async: (task) => conditionAsync(CONDITION, task) },
  recondition: {
    sync: () => conditionSync(RECONDITION),
    async: (task) => conditionAsync(RECONDITION, task),
  },
  barrier: {
    sync: () => {
      if (barrier.broken && random.chance(0.5)) barrier.reset();
      else barrier.waitSync({ timeout: random.integer(0, 30) });
    },
    async: async () => {
      if (barrier.broken && random.chance(0.5)) barrier.reset();
      else if (random.chance(0.02)) barrier.abort();
      else await barrier.wait({ ...options(), timeout: random.integer(0, 30) });
    },
  },
};

const MADE: readonly (() => Disposable)[] = [
  () => new Semaphore(2),
  () => new CapacityLimiter(2),
  () => new RWLock(),
  () => new RLock(),
  () => new Event(),
  () => new Latch(2),
  () => new Once(),
  () => new Condition(),
  () => new Barrier(2),
];

/** Objects are made, known to others or not, held or not, and given up, for threads to die in between. */
function churn(): void {
  const object = random.pick(MADE)();
  if (random.chance(0.5)) using(fromToken<Disposable>(toToken(object)));
  else if (object instanceof Semaphore || object instanceof RLock) object.tryAcquire()?.keep();
  object[Symbol.dispose]();
}

function using(object: Disposable): void {
  object[Symbol.dispose]();
}

function did(): void {
  arena.did(slot);
  operations++;
  if (random.chance(0.5)) dieIfPlanned();
}

function pick(): Operation {
  const primitive = random.pick(work.primitives);
  arena.doing(slot, PRIMITIVES.indexOf(primitive));
  return OPERATIONS[primitive];
}

function syncOperation(): void {
  if (random.chance(0.1)) churn();
  try {
    pick().sync();
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
  did();
}

async function asyncTask(task: number): Promise<void> {
  while (!arena.stopped) {
    if (random.chance(0.1)) churn();
    try {
      await pick().async(task);
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
    did();
    // Others come to their turn, and messages too.
    if (random.chance(0.05)) await new Promise(setImmediate);
  }
}

readers.begin(slot, thread);
arena.begin(slot, thread);
parentPort!.postMessage('ready');
// Waits of this loop do not keep it alive.
const hold = setInterval(() => {}, 2 ** 30);
if (work.mode === 'sync') {
  while (!arena.stopped) syncOperation();
} else {
  await Promise.all(Array.from({ length: work.tasks }, (_, task) => asyncTask(task)));
}
clearInterval(hold);
parentPort!.close();
