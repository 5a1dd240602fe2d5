import { afterAll, describe, expect, test } from 'vitest';
import { CancelledError, OwnerDiedError, SendError, ThreadDiedError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { failure, thrown, turn, untilWaiting } from '../../fixtures/awaiting.ts';
import { census } from '../../fixtures/census.ts';
import { jobs, raised, release, sharedFlag } from '../../fixtures/jobs.ts';
import { lockJobs } from '../../fixtures/lock-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

/** Whether two handles are of one lock. */
function areSame(a: Lock, b: Lock): boolean {
  const guard = a.acquireSync();
  const same = b.locked && b.tryAcquire() === undefined;
  guard.release();
  return same && !b.locked;
}

describe('a lock that is sent', () => {
  test('arrives as a handle of the same lock, with its class and name', async () => {
    const lock = new Lock({ name: 'Schloß 🔒' });
    expect(await pool.submit(lockJobs.isLock, lock)).toBe(true);
    expect(await pool.submit(lockJobs.nameOf, lock)).toBe('Schloß 🔒');
    expect(await pool.submit(lockJobs.canBeHad, lock)).toBe(true);
    const guard = lock.acquireSync();
    expect(await pool.submit(lockJobs.canBeHad, lock)).toBe(false);
    guard.release();
  });

  test('while it is held is held there too, until the guard here is released', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const job = pool.submit(lockJobs.waitAsync, lock);
    await untilWaiting(lock, 1);
    guard.release();
    expect(await job).toBe('got');
  });

  test('comes back as a handle of the same lock', async () => {
    const lock = new Lock({ name: 'there and back' });
    let last = lock;
    for (let trip = 0; trip < 3; trip++) last = await pool.submit(lockJobs.echo<Lock>, last);
    expect(last).toBeInstanceOf(Lock);
    expect(last.name).toBe('there and back');
    expect(areSame(lock, last)).toBe(true);
    last[Symbol.dispose]();
    lock.acquireSync().release();
  });

  test('goes in arrays, objects, maps and sets', async () => {
    const lock = new Lock();
    const sent = {
      list: [lock],
      map: new Map<unknown, unknown>([
        ['lock', lock],
        [lock, 1],
      ]),
      set: new Set([lock]),
      deep: { deeper: { lock } },
    };
    const back = await pool.submit(lockJobs.echo<typeof sent>, sent);
    const found = back.list[0] as Lock;
    expect(areSame(lock, found)).toBe(true);
    // What was one in the message is one.
    expect(back.map.get('lock')).toBe(found);
    expect(back.map.get(found)).toBe(1);
    expect(back.set.has(found)).toBe(true);
    expect(back.deep.deeper.lock).toBe(found);
  });

  test('twice in one message arrives as one handle', async () => {
    const lock = new Lock();
    expect(await pool.submit(lockJobs.howMany, [lock, lock])).toBe(1);
    expect(await pool.submit(lockJobs.howMany, [lock, new Lock()])).toBe(2);
  });

  test('goes to two threads at once', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const waits = [pool.submit(lockJobs.waitAsync, lock), pool.submit(lockJobs.waitAsync, lock)];
    await untilWaiting(lock, 2);
    guard.release();
    expect(await Promise.all(waits)).toEqual(['got', 'got']);
  });

  test('goes as an item of map(), and as its result', async () => {
    const locks = [new Lock({ name: 'a' }), new Lock({ name: 'b' })];
    const found: Lock[] = [];
    for await (const lock of pool.map(lockJobs.echo<Lock>, locks)) found.push(lock);
    expect(found.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(areSame(locks[0]!, found[0]!)).toBe(true);
    expect(areSame(locks[0]!, found[1]!)).toBe(false);
  });

  test('goes in the fields of an error', async () => {
    const lock = new Lock();
    const error = (await failure(pool.submit(lockJobs.throwWith, lock))) as { lock: Lock };
    expect(areSame(lock, error.lock)).toBe(true);
  });

  test('may have been made in a thread, and be held there', async () => {
    const lock = await pool.submit(lockJobs.make, 'made there');
    expect(lock.name).toBe('made there');
    lock.acquireSync().release();
    const taken = await pool.submit(lockJobs.makeTaken);
    expect(taken.locked).toBe(true);
    expect(taken.tryAcquire()).toBeUndefined();
  });

  test('a guard cannot be sent: SendError, as argument and as result', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    expect.soft(await failure(pool.submit(lockJobs.echo, { guard }))).toBeInstanceOf(SendError);
    guard.release();
    expect(await failure(pool.submit(lockJobs.acquireAndAnswer, lock))).toBeInstanceOf(SendError);
  });
});

describe('the memory of a lock that was sent', () => {
  test('is freed when all sides have disposed their handles', async () => {
    const before = census();
    const lock = new Lock();
    await pool.submit(lockJobs.dispose, lock);
    expect(census().locks).toBe(before.locks + 1);
    lock[Symbol.dispose]();
    expect(census()).toEqual(before);
  });

  test('is freed when the job that was to get it is cancelled while it is queued', async () => {
    const one = new ThreadPoolExecutor({ threads: 1 });
    const before = census();
    const flag = sharedFlag();
    const first = one.submit(jobs.block, flag);
    await raised(flag);
    const lock = new Lock();
    const queued = [one.submit(lockJobs.isLock, lock), one.submit(lockJobs.isLock, [lock, { lock }])];
    lock[Symbol.dispose]();
    expect(census().locks).toBe(before.locks + 1);
    for (const job of queued) {
      job.cancel();
      expect(await failure(job)).toBeInstanceOf(CancelledError);
    }
    expect(census()).toEqual(before);
    release(flag);
    await first;
    await one.shutdown();
  });

  test('is freed when the pool drops its queue', async () => {
    const one = new ThreadPoolExecutor({ threads: 1 });
    const before = census();
    const flag = sharedFlag();
    const first = one.submit(jobs.block, flag);
    await raised(flag);
    const lock = new Lock();
    const queued = failure(one.submit(lockJobs.isLock, lock));
    lock[Symbol.dispose]();
    const down = one.shutdown({ cancelPending: true });
    await queued;
    expect(census()).toEqual(before);
    release(flag);
    await first;
    await down;
  });

  test('is freed when another argument cannot be sent', async () => {
    const before = census();
    const lock = new Lock();
    expect(await failure(pool.submit(lockJobs.echo, [lock, Symbol('x')]))).toBeInstanceOf(SendError);
    lock[Symbol.dispose]();
    expect(census()).toEqual(before);
  });

  test('is freed when another argument is refused by structured clone', async () => {
    await pool.submit(lockJobs.echo, 1);
    const before = census();
    const lock = new Lock();
    expect(await failure(pool.submit(lockJobs.echo, [lock, new WeakMap()]))).toBeInstanceOf(SendError);
    lock[Symbol.dispose]();
    expect(census()).toEqual(before);
  });

  test('is freed with the thread that had the last handle', async () => {
    for (const shut of ['shutdown', 'exit'] as const) {
      const one = new ThreadPoolExecutor({ threads: 1 });
      const before = census();
      const lock = new Lock();
      const same = await one.submit(lockJobs.echo<Lock>, lock);
      lock[Symbol.dispose]();
      same[Symbol.dispose]();
      if (shut === 'exit') expect(await failure(one.submit(jobs.exit, 0))).toBeInstanceOf(ThreadDiedError);
      await one.shutdown();
      while (census().locks > before.locks) await turn();
      expect(census()).toEqual(before);
    }
  });
});

describe('death of the owner, in another thread', () => {
  test('a job that ends with its guard counts as dead; its thread lives on', async () => {
    const lock = new Lock();
    await pool.submit(lockJobs.endHolding, lock);
    const error = thrown(() => lock.tryAcquire()) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    error.guard!.release();
    expect(await pool.submit(lockJobs.canBeHad, lock)).toBe(true);
  });

  test('the error names the thread that died', async () => {
    const lock = new Lock({ name: 'cache' });
    await failure(pool.submit(lockJobs.exitHolding, lock));
    const error = thrown(() => lock.tryAcquire()) as OwnerDiedError;
    expect(error.message).toMatch(/^Cannot acquire lock "cache".*: thread \d+ ended while holding it; /);
    error.guard!.release();
  });

  test('the error is handed on from thread to thread until somebody releases its guard', async () => {
    const lock = new Lock();
    await failure(pool.submit(lockJobs.exitHolding, lock));
    for (let times = 0; times < 2; times++) {
      const error = (await failure(pool.submit(lockJobs.failByDeath, lock))) as OwnerDiedError;
      expect(error).toBeInstanceOf(OwnerDiedError);
    }
    (thrown(() => lock.tryAcquire()) as OwnerDiedError).guard!.release();
    expect(await pool.submit(lockJobs.canBeHad, lock)).toBe(true);
  });

  test('an error that leaves its thread has no guard, and so hands itself on', async () => {
    const lock = new Lock();
    await failure(pool.submit(lockJobs.exitHolding, lock));
    const error = (await failure(pool.submit(lockJobs.failByDeath, lock))) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    expect(error.guard).toBeUndefined();
    (thrown(() => lock.tryAcquire()) as OwnerDiedError).guard!.release();
  });

  test('a thread that dies while it mends hands the error on', async () => {
    const lock = new Lock();
    await failure(pool.submit(lockJobs.exitHolding, lock));
    await failure(pool.submit(lockJobs.exitHolding, lock));
    expect(await failure(pool.submit(lockJobs.exitHolding, lock))).toBeInstanceOf(OwnerDiedError);
    (thrown(() => lock.tryAcquire()) as OwnerDiedError).guard!.release();
    lock.acquireSync().release();
  });

  test('the death of one who waits changes nothing for the others', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const killable = pool.with({ onCancel: 'terminate', grace: 0 });
    const dying = killable.submit(lockJobs.waitSync, lock, sharedFlag(3));
    await untilWaiting(lock, 1);
    const waiter = lock.acquire();
    dying.cancel();
    await untilWaiting(lock, 1);
    guard.release();
    (await waiter).release();
    expect(lock.statistics()).toEqual({ locked: false, waiting: 0 });
  });
});
