/** Every way to wait, in a task that is cancelled already: each is to reject at once, and to leave no trace. */
import {
  all,
  any,
  asCompleted,
  Barrier,
  CapacityLimiter,
  Condition,
  Event,
  Future,
  type Guard,
  InlineExecutor,
  Latch,
  LifoQueue,
  Lock,
  Once,
  PriorityQueue,
  portable,
  Queue,
  RLock,
  RWLock,
  race,
  Semaphore,
  select,
  sleep,
  TaskGroup,
  until,
  untilSignal,
  wait,
  withTimeout,
} from '../../../src/index.ts';
import { BEGUN, ENDED, raise } from '../executors/jobs.ts';

/** A wait, and what it would have changed. */
interface Wait {
  begin(): unknown;
  /** That nothing was taken, called or added. */
  isUntouched?(): boolean;
}

function uncalled(begin: (fn: () => number) => unknown): () => Wait {
  return () => {
    let called = false;
    return {
      begin: () =>
        begin(() => {
          called = true;
          return 1;
        }),
      isUntouched: () => !called,
    };
  };
}

function withItem(queue: Queue<number>, begin: (queue: Queue<number>) => unknown): Wait {
  queue.tryPut(1);
  return { begin: () => begin(queue), isUntouched: () => queue.size === 1 };
}

function locking<L extends { readonly locked: boolean }>(lock: L, begin: (lock: L) => unknown): Wait {
  return { begin: () => begin(lock), isUntouched: () => !lock.locked };
}

/** What could be had at once by who is not cancelled, as well as what could not. */
export const WAITS: Readonly<Record<string, () => Wait>> = {
  'sleep(0)': () => ({ begin: () => sleep(0) }),
  'sleep(Infinity)': () => ({ begin: () => sleep(Infinity) }),
  'lock.acquire(), free': () => locking(new Lock(), (lock) => lock.acquire()),
  'lock.acquire({ timeout: 0 }), free': () => locking(new Lock(), (lock) => lock.acquire({ timeout: 0 })),
  'lock.acquire(), held': () => {
    const lock = new Lock();
    const guard = lock.tryAcquire() as Guard;
    return {
      begin: () => lock.acquire(),
      isUntouched: () => {
        const { waiting } = lock.statistics();
        guard.release();
        return waiting === 0 && !lock.locked;
      },
    };
  },
  'lock.run()': uncalled((fn) => new Lock().run(fn)),
  'rlock.acquire()': () => locking(new RLock(), (lock) => lock.acquire()),
  'rwlock.read()': () => ({ begin: () => new RWLock().read() }),
  'rwlock.write()': () => ({ begin: () => new RWLock().write() }),
  'semaphore.acquire()': () => {
    const semaphore = new Semaphore(1);
    return { begin: () => semaphore.acquire(), isUntouched: () => semaphore.value === 1 };
  },
  'semaphore.take()': () => {
    const semaphore = new Semaphore(1);
    return { begin: () => semaphore.take(), isUntouched: () => semaphore.value === 1 };
  },
  'limiter.acquire()': () => {
    const limiter = new CapacityLimiter(1);
    return { begin: () => limiter.acquire(), isUntouched: () => limiter.borrowed === 0 };
  },
  'event.wait(), set': () => {
    const event = new Event();
    event.set();
    return { begin: () => event.wait() };
  },
  'latch.wait(), open': () => {
    const latch = new Latch(1);
    latch.countDown();
    return { begin: () => latch.wait() };
  },
  'barrier.wait(), the last': () => {
    const barrier = new Barrier(1);
    return { begin: () => barrier.wait(), isUntouched: () => barrier.waiting === 0 };
  },
  'once.run()': uncalled((fn) => new Once().run(fn)),
  'condition.wait()': () => {
    const condition = new Condition();
    const guard = condition.lock.tryAcquire() as Guard;
    return {
      begin: () => condition.wait(guard),
      isUntouched: () => {
        const isHeld = !guard.released;
        guard.release();
        return isHeld && condition.statistics().waiting === 0;
      },
    };
  },
  'condition.waitFor(), true': () => {
    const condition = new Condition();
    const guard = condition.lock.tryAcquire() as Guard;
    return {
      begin: () => condition.waitFor(guard, () => true),
      isUntouched: () => {
        const isHeld = !guard.released;
        guard.release();
        return isHeld;
      },
    };
  },
  'queue.get(), an item there': () => withItem(new Queue<number>(), (queue) => queue.get()),
  'queue.getMany()': () => withItem(new Queue<number>(), (queue) => queue.getMany(1)),
  'lifo.get()': () => withItem(new LifoQueue<number>(), (queue) => queue.get()),
  'priority.get()': () => withItem(new PriorityQueue<number>(), (queue) => queue.get()),
  'queue.put(), room there': () => {
    const queue = new Queue<number>();
    return { begin: () => queue.put(1), isUntouched: () => queue.size === 0 };
  },
  'queue.join(), nothing unfinished': () => ({ begin: () => new Queue<number>().join() }),
  'the next of a queue': () => withItem(new Queue<number>(), (queue) => queue.values().next()),
  'select()': () => withItem(new Queue<number>(), (queue) => select({ queue })),
  'a future, pending': () => ({ begin: () => Future.withResolvers<number>().future.then() }),
  'a future, fulfilled': () => {
    const { future, resolve } = Future.withResolvers<number>();
    resolve(1);
    return { begin: () => future.then() };
  },
  'future.result()': () => {
    const { future, resolve } = Future.withResolvers<number>();
    resolve(1);
    return { begin: () => future.result() };
  },
  'future.error()': () => {
    const { future, resolve } = Future.withResolvers<number>();
    resolve(1);
    return { begin: () => future.error() };
  },
  'withTimeout()': uncalled((fn) => withTimeout(1_000, fn)),
  'TaskGroup.run()': uncalled((fn) => TaskGroup.run(fn)),
  'all()': uncalled((fn) => all([fn])),
  'race()': uncalled((fn) => race([fn])),
  'any()': uncalled((fn) => any([fn])),
  'until()': () => ({ begin: () => until(Promise.resolve(1)) }),
  'untilSignal()': () => ({ begin: () => untilSignal(['SIGUSR2']) }),
  'wait()': () => ({ begin: () => wait([Promise.resolve(1)]) }),
  'the next of asCompleted()': () => ({ begin: () => asCompleted([Promise.resolve(1)]).next() }),
  'executor.waitForRoom()': () => ({ begin: () => new InlineExecutor().waitForRoom() }),
  'the next of executor.map()': () => ({
    begin: () => new InlineExecutor().map((n: number) => n, [1]).next(),
  }),
  'a job': uncalled((fn) => new InlineExecutor().submit(fn).then()),
};

/** The blocking ones, that would not have to block. */
export const SYNC_WAITS: Readonly<Record<string, () => Wait>> = {
  'lock.acquireSync()': () => locking(new Lock(), (lock) => lock.acquireSync()),
  'lock.runSync()': uncalled((fn) => new Lock().runSync(fn)),
  'semaphore.acquireSync()': () => {
    const semaphore = new Semaphore(1);
    return { begin: () => semaphore.acquireSync(), isUntouched: () => semaphore.value === 1 };
  },
  'event.waitSync()': () => {
    const event = new Event();
    event.set();
    return { begin: () => event.waitSync() };
  },
  'latch.waitSync()': () => {
    const latch = new Latch(1);
    latch.countDown();
    return { begin: () => latch.waitSync() };
  },
  'barrier.waitSync()': () => ({ begin: () => new Barrier(1).waitSync() }),
  'once.runSync()': uncalled((fn) => new Once().runSync(fn)),
  'queue.getSync()': () => withItem(new Queue<number>(), (queue) => queue.getSync()),
  'queue.putSync()': () => {
    const queue = new Queue<number>();
    return { begin: () => queue.putSync(1), isUntouched: () => queue.size === 0 };
  },
  'future.resultSync()': () => {
    const { future, resolve } = Future.withResolvers<number>();
    resolve(1);
    return { begin: () => future.resultSync() };
  },
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** How the wait ended, by the next turn of the loop. */
async function outcomeOf(make: () => Wait, cancellation: unknown): Promise<string> {
  const made = make();
  let outcome = 'nothing yet';
  try {
    // Not awaited, for that is a wait as well; `then()` with handlers of one's own is none.
    (made.begin() as Promise<unknown>).then(
      (value) => {
        outcome = `fulfilled with ${String(value)}`;
      },
      (error: unknown) => {
        outcome = error === cancellation ? 'the cancellation' : `another error: ${String(error)}`;
      },
    );
  } catch (error) {
    outcome = `thrown: ${String(error)}`;
  }
  await turn();
  if (outcome === 'the cancellation' && made.isUntouched?.() === false)
    return 'the cancellation, but not untouched';
  return outcome;
}

function outcomeOfSync(make: () => Wait, cancellation: unknown): string {
  const made = make();
  try {
    return `returned ${String(made.begin())}`;
  } catch (error) {
    if (error !== cancellation) return `another error: ${String(error)}`;
  }
  return made.isUntouched?.() === false ? 'the cancellation, but not untouched' : 'the cancellation';
}

const functions = {
  /** Waits for its cancellation, then tries every wait: what each gave goes into the queue. */
  async tryWaits(words: Int32Array, found: Queue<readonly [wait: string, outcome: string]>): Promise<void> {
    raise(words, BEGUN);
    let cancellation: unknown;
    await sleep(Infinity).catch((error: unknown) => {
      cancellation = error;
    });
    for (const [name, make] of Object.entries(WAITS))
      found.tryPut([name, await outcomeOf(make, cancellation)]);
    for (const [name, make] of Object.entries(SYNC_WAITS))
      found.tryPut([name, outcomeOfSync(make, cancellation)]);
    raise(words, ENDED);
  },
};

export const waits: typeof functions = portable(import.meta, functions);
