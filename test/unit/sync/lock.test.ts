import { afterAll, describe, expect, test, vi } from 'vitest';
import { DeadlockError, InvalidStateError, TimeoutError } from '../../../src/core/errors.ts';
import type { Guard } from '../../../src/core/guard.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn, untilWaiting } from '../../fixtures/awaiting.ts';
import { census } from '../../fixtures/census.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { lockJobs } from '../../fixtures/lock-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

/** A lock that only this thread knows, and one that is in shared memory: they must not differ. */
const ORIGINS = {
  'a plain lock': () => new Lock(),
  'a lock in shared memory': () => {
    const lock = new Lock();
    toToken(lock);
    return lock;
  },
};

const FORMS = {
  acquire: async (lock: Lock) => lock.acquire(),
  acquireSync: async (lock: Lock) => lock.acquireSync(),
  tryAcquire: async (lock: Lock) => lock.tryAcquire() as Guard,
};

describe.each(Object.entries(ORIGINS))('%s', (_, create) => {
  test.each(Object.entries(FORMS))(
    '%s() gives a guard that has the lock until it is released',
    async (_, get) => {
      const lock = create();
      expect(lock.locked).toBe(false);
      const guard = await get(lock);
      expect(lock.locked).toBe(true);
      expect(guard.released).toBe(false);
      guard.release();
      expect(lock.locked).toBe(false);
      expect(guard.released).toBe(true);
    },
  );

  test('a guard gives the lock back at the end of its block', async () => {
    const lock = create();
    {
      using _guard = await lock.acquire();
      expect(lock.locked).toBe(true);
    }
    {
      using _guard = lock.acquireSync();
      expect(lock.locked).toBe(true);
    }
    expect(lock.locked).toBe(false);
  });

  test('tryAcquire() gives undefined while somebody has the lock, and changes nothing', () => {
    const lock = create();
    const guard = lock.acquireSync();
    expect(lock.tryAcquire()).toBeUndefined();
    expect(lock.statistics()).toEqual({ locked: true, waiting: 0 });
    guard.release();
    expect(lock.tryAcquire()?.released).toBe(false);
  });

  test('acquire() serves tasks in order of arrival', async () => {
    const lock = create();
    const guard = await lock.acquire();
    const order: number[] = [];
    const work = Array.from({ length: 50 }, (_, index) => lock.run(() => void order.push(index)));
    expect(lock.statistics().waiting).toBe(50);
    guard.release();
    await Promise.all(work);
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(lock.statistics()).toEqual({ locked: false, waiting: 0 });
  });

  test('release() hands the lock to who waits: neither a newcomer nor the releaser can come between', async () => {
    const lock = create();
    const guard = await lock.acquire();
    const waiter = lock.acquire();
    guard.release();
    expect(lock.locked).toBe(true);
    expect(lock.tryAcquire()).toBeUndefined();
    const newcomer = lock.acquire();
    const order: string[] = [];
    void waiter.then((got) => {
      order.push('waiter');
      got.release();
    });
    const last = await newcomer;
    order.push('newcomer');
    last.release();
    expect(order).toEqual(['waiter', 'newcomer']);
  });

  test('a task that acquires it twice waits for itself: it is not re-entrant', async () => {
    const lock = create();
    const guard = await lock.acquire();
    const again = lock.acquire();
    await turn();
    expect(lock.statistics().waiting).toBe(1);
    guard.release();
    (await again).release();
  });

  test('acquireSync() of what this thread has is a DeadlockError, whatever the time-out, and leaves no trace', async () => {
    const lock = create();
    const guard = await lock.acquire();
    for (const options of [undefined, { timeout: 10 }, { timeout: Infinity }])
      expect(thrown(() => lock.acquireSync(options))).toBeInstanceOf(DeadlockError);
    expect(lock.statistics()).toEqual({ locked: true, waiting: 0 });
    guard.release();
    lock.acquireSync().release();
  });
});

describe('waiting options', () => {
  test('a time-out of 0 takes a free lock, and is a TimeoutError at once when it is taken', async () => {
    const lock = new Lock({ name: 'cache' });
    (await lock.acquire({ timeout: 0 })).release();
    lock.acquireSync({ timeout: 0 }).release();
    const guard = await lock.acquire();
    const error = await failure(lock.acquire({ timeout: 0 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toContain('Cannot acquire lock "cache": ');
    expect(lock.statistics().waiting).toBe(0);
    guard.release();
  });

  test.each([[-1], [-Infinity], [Number.NaN]])('a time-out of %d is a RangeError', async (timeout) => {
    const lock = new Lock();
    expect(await failure(lock.acquire({ timeout }))).toBeInstanceOf(RangeError);
    expect(thrown(() => lock.acquireSync({ timeout }))).toBeInstanceOf(RangeError);
    expect(await failure(lock.run(() => {}, { timeout }))).toBeInstanceOf(RangeError);
    expect(thrown(() => lock.runSync(() => {}, { timeout }))).toBeInstanceOf(RangeError);
    expect(lock.locked).toBe(false);
  });

  test('options of the wrong kind are a TypeError, by rejection where a promise is returned', async () => {
    const lock = new Lock();
    for (const options of [{ timeout: '5' }, { signal: {} }, { keepAlive: 1 }, 'soon', null] as never[]) {
      expect(await failure(lock.acquire(options))).toBeInstanceOf(TypeError);
      expect(await failure(lock.run(() => {}, options))).toBeInstanceOf(TypeError);
    }
    for (const options of [{ timeout: '5' }, 'soon', null] as never[])
      expect(thrown(() => lock.acquireSync(options))).toBeInstanceOf(TypeError);
    expect(lock.locked).toBe(false);
  });

  test('acquire() rejects with a TimeoutError when the time has passed, and not before', async () => {
    vi.useFakeTimers();
    try {
      const lock = new Lock({ name: 'cache' });
      const guard = lock.acquireSync();
      let settled = false;
      const wait = failure(lock.acquire({ timeout: 500 })).finally(() => {
        settled = true;
      });
      await vi.advanceTimersByTimeAsync(499);
      expect(settled).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      const error = await wait;
      expect(error).toBeInstanceOf(TimeoutError);
      expect((error as Error).message).toBe('Cannot acquire lock "cache": 500 ms have passed');
      expect(lock.statistics()).toEqual({ name: 'cache', locked: true, waiting: 0 });
      guard.release();
      expect(lock.locked).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  test('acquire() honours time-outs beyond 2³¹ ms, and none at Infinity', async () => {
    vi.useFakeTimers();
    try {
      const lock = new Lock();
      const guard = lock.acquireSync();
      let ended = 0;
      const long = failure(lock.acquire({ timeout: 2 ** 31 + 1000 })).finally(() => {
        ended++;
      });
      const endless = lock.acquire({ timeout: Infinity });
      await vi.advanceTimersByTimeAsync(2 ** 31);
      expect(ended).toBe(0);
      await vi.advanceTimersByTimeAsync(1000);
      expect(await long).toBeInstanceOf(TimeoutError);
      expect(lock.statistics().waiting).toBe(1);
      guard.release();
      (await endless).release();
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([[2 ** 31 + 1000], [2 ** 40], [Infinity]])(
    'acquireSync() honours a time-out of %d ms',
    async (timeout) => {
      const lock = new Lock();
      const guard = lock.acquireSync();
      const flag = sharedFlag(3);
      const waiter = pool.submit(lockJobs.waitSync, lock, flag, timeout);
      await Promise.race([untilWaiting(lock, 1), waiter]);
      await Promise.race([turn().then(turn), waiter]);
      guard.release();
      await raised(flag, 1);
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
      expect(await waiter).toBe('got');
    },
  );

  test('acquireSync() gives up after its time-out, and not before', async () => {
    const lock = new Lock();
    const flag = sharedFlag(3);
    const holder = pool.submit(lockJobs.holdSync, lock, flag);
    await raised(flag, 1);
    const began = performance.now();
    const error = thrown(() => lock.acquireSync({ timeout: 30 }));
    expect(performance.now() - began).toBeGreaterThanOrEqual(30);
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toBe('Cannot acquire lock: 30 ms have passed');
    expect(lock.statistics()).toEqual({ locked: true, waiting: 0 });
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    await holder;
  });
});

describe('run() and runSync()', () => {
  test('call the function while they have the lock, and give what it gives', async () => {
    const lock = new Lock();
    expect(await lock.run(() => [lock.locked, 'sync'])).toEqual([true, 'sync']);
    expect(await lock.run(async () => [lock.locked, 'async'])).toEqual([true, 'async']);
    expect(lock.runSync(() => [lock.locked, 'sync'])).toEqual([true, 'sync']);
    expect(lock.locked).toBe(false);
  });

  test('run() has the lock until what the function returned has settled', async () => {
    const lock = new Lock();
    let end: (value: string) => void = () => {};
    const work = lock.run(
      () =>
        new Promise<string>((resolve) => {
          end = resolve;
        }),
    );
    await turn();
    expect(lock.locked).toBe(true);
    end('done');
    expect(await work).toBe('done');
    expect(lock.locked).toBe(false);
  });

  test('give the error of the function on, and release the lock', async () => {
    const lock = new Lock();
    const broken = new Error('broken');
    const fail = (): never => {
      throw broken;
    };
    expect(await failure(lock.run(fail))).toBe(broken);
    expect(await failure(lock.run(() => Promise.reject(broken)))).toBe(broken);
    expect(thrown(() => lock.runSync(fail))).toBe(broken);
    expect(lock.locked).toBe(false);
  });

  test('refuse what is no function before they touch the lock', async () => {
    const lock = new Lock();
    for (const fn of [undefined, null, 'fn', {}] as never[]) {
      expect(await failure(lock.run(fn))).toBeInstanceOf(TypeError);
      expect(thrown(() => lock.runSync(fn))).toBeInstanceOf(TypeError);
    }
    expect(lock.locked).toBe(false);
  });

  test('runSync() refuses an async function, which would go on without the lock: TypeError, and the lock is released', () => {
    const lock = new Lock();
    expect(thrown(() => lock.runSync((async () => {}) as never))).toBeInstanceOf(TypeError);
    expect(lock.locked).toBe(false);
  });

  test('do not call the function if the lock cannot be had', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const fn = vi.fn();
    expect(await failure(lock.run(fn, { timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => lock.runSync(fn))).toBeInstanceOf(DeadlockError);
    expect(fn).not.toHaveBeenCalled();
    guard.release();
  });
});

describe('a thread that would wait for itself', () => {
  test('acquireSync() while another handle of this thread has the lock is a DeadlockError', () => {
    const lock = new Lock({ name: 'cache' });
    const same = fromToken<Lock>(toToken(lock));
    const guard = lock.acquireSync();
    const error = thrown(() => same.acquireSync());
    expect(error).toBeInstanceOf(DeadlockError);
    expect((error as Error).message).toContain('Cannot acquire lock "cache": ');
    guard.release();
    same.acquireSync().release();
  });

  test('acquireSync() right after the lock was handed to a task of this loop is a DeadlockError', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const waiter = lock.acquire();
    guard.release();
    expect(thrown(() => lock.acquireSync())).toBeInstanceOf(DeadlockError);
    (await waiter).release();
    lock.acquireSync().release();
  });

  test('acquireSync() behind a task of this loop in the line is a DeadlockError, and leaves no trace', async () => {
    const lock = new Lock();
    const flag = sharedFlag(3);
    const holder = pool.submit(lockJobs.holdSync, lock, flag);
    await raised(flag, 1);
    const before = lock.acquire();
    expect(thrown(() => lock.acquireSync())).toBeInstanceOf(DeadlockError);
    expect(lock.statistics().waiting).toBe(1);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    (await before).release();
    await holder;
  });
});

describe('names and statistics', () => {
  test('a name is a string or nothing; everything else is a TypeError', () => {
    expect(new Lock().name).toBeUndefined();
    expect(new Lock({}).name).toBeUndefined();
    expect(new Lock({ name: undefined }).name).toBeUndefined();
    expect(new Lock({ name: 'Schloß 🔒' }).name).toBe('Schloß 🔒');
    for (const name of [1, null, {}, Symbol('x')] as never[])
      expect(thrown(() => new Lock({ name }))).toBeInstanceOf(TypeError);
    for (const options of ['cache', 1, null] as never[])
      expect(thrown(() => new Lock(options))).toBeInstanceOf(TypeError);
  });

  test('statistics() are read from shared memory: true while this loop is busy', async () => {
    const lock = new Lock({ name: 'cache' });
    expect(lock.statistics()).toEqual({ name: 'cache', locked: false, waiting: 0 });
    const guard = lock.acquireSync();
    const flag = sharedFlag(3);
    const waiter = pool.submit(lockJobs.waitSync, lock, flag);
    // Without returning to the loop.
    while (lock.statistics().waiting === 0) Atomics.wait(flag, 2, 0, 1);
    expect(lock.statistics()).toEqual({ name: 'cache', locked: true, waiting: 1 });
    guard.release();
    expect(lock.statistics()).toEqual({ name: 'cache', locked: true, waiting: 0 });
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    await waiter;
    expect(lock.statistics()).toEqual({ name: 'cache', locked: false, waiting: 0 });
  });
});

describe('dispose', () => {
  test('a lock that was disposed cannot be used: InvalidStateError', async () => {
    for (const create of Object.values(ORIGINS)) {
      const lock = create();
      lock[Symbol.dispose]();
      lock[Symbol.dispose]();
      expect(await failure(lock.acquire())).toBeInstanceOf(InvalidStateError);
      expect(await failure(lock.run(() => {}))).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => lock.acquireSync())).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => lock.tryAcquire())).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => toToken(lock))).toBeInstanceOf(InvalidStateError);
      expect(await failure(pool.submit(lockJobs.isLock, lock))).toBeInstanceOf(InvalidStateError);
    }
  });

  test('the memory is freed at once with the last handle, and not before', () => {
    const { locks } = census();
    const lock = new Lock();
    const same = fromToken<Lock>(toToken(lock));
    expect(census().locks).toBe(locks + 1);
    lock[Symbol.dispose]();
    expect(census().locks).toBe(locks + 1);
    same.acquireSync().release();
    same[Symbol.dispose]();
    same[Symbol.dispose]();
    expect(census().locks).toBe(locks);
  });

  test('a guard that is held outlives the handle, which is freed with it', () => {
    const { locks } = census();
    const lock = new Lock();
    toToken(lock);
    const guard = lock.acquireSync();
    lock[Symbol.dispose]();
    expect(census().locks).toBe(locks + 1);
    guard.release();
    expect(census().locks).toBe(locks);
  });

  test('a wait that is under way outlives the handle', async () => {
    const { locks } = census();
    const lock = new Lock();
    const guard = lock.acquireSync();
    const wait = lock.acquire();
    lock[Symbol.dispose]();
    guard.release();
    // Would get the memory of the first, had that been freed.
    const other = new Lock();
    toToken(other);
    const otherGuard = other.acquireSync();
    (await wait).release();
    expect(other.locked).toBe(true);
    otherGuard.release();
    other[Symbol.dispose]();
    expect(census().locks).toBe(locks);
  });

  test('a plain lock takes no shared memory', async () => {
    const { locks } = census();
    const lock = new Lock();
    await lock.run(() => {});
    lock.runSync(() => {});
    expect(census().locks).toBe(locks);
  });
});
