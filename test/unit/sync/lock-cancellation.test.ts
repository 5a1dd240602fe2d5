import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { CancelledError, InvalidStateError, TimeoutError } from '../../../src/core/errors.ts';
import type { Guard } from '../../../src/core/guard.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { currentTask } from '../../../src/scope/current-task.ts';
import { outside } from '../../../src/scope/outside.ts';
import { shield } from '../../../src/scope/shield.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { withTimeout } from '../../../src/scope/with-timeout.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { lockJobs } from '../../fixtures/lock-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 1 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const FREE = { locked: false, waiting: 0 };

describe('a signal', () => {
  test('that is aborted already ends the wait with its reason, though the lock is free', async () => {
    const lock = new Lock();
    const reason = new Error('enough');
    expect(await failure(lock.acquire({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(lock.statistics()).toEqual(FREE);
  });

  test('that aborts ends the wait with its reason, and the next in line is served', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const controller = new AbortController();
    const first = failure(lock.acquire({ signal: controller.signal }));
    const second = lock.acquire();
    const reason = { any: 'thing' };
    controller.abort(reason);
    expect(await first).toBe(reason);
    expect(lock.statistics().waiting).toBe(1);
    guard.release();
    (await second).release();
    expect(lock.statistics()).toEqual(FREE);
  });

  test('that aborts in the middle of the line leaves the order of the others', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const controller = new AbortController();
    const order: number[] = [];
    const work = [0, 1, 2, 3, 4].map((index) =>
      lock
        .run(() => void order.push(index), index % 2 === 1 ? { signal: controller.signal } : {})
        .catch(() => {}),
    );
    controller.abort();
    guard.release();
    await Promise.all(work);
    expect(order).toEqual([0, 2, 4]);
  });

  test('that aborts after the lock was granted, before the task went on, changes nothing: the wait succeeds', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const controller = new AbortController();
    const wait = lock.acquire({ signal: controller.signal });
    guard.release();
    controller.abort();
    const got = await wait;
    expect(lock.locked).toBe(true);
    got.release();
    expect(lock.statistics()).toEqual(FREE);
  });

  test('that aborts after another thread has granted the lock, before this loop has heard, changes nothing', async () => {
    const lock = new Lock();
    const flag = sharedFlag(3);
    const holder = pool.submit(lockJobs.holdSync, lock, flag);
    await raised(flag, 1);
    const controller = new AbortController();
    const wait = lock.acquire({ signal: controller.signal });
    grantByAnotherThread(flag);
    controller.abort();
    (await wait).release();
    expect(lock.statistics()).toEqual(FREE);
    await holder;
  });

  test('leaves no listener behind, however the wait ends', async () => {
    const lock = new Lock();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const guard = lock.acquireSync();
    const wait = lock.acquire({ signal });
    const short = failure(lock.acquire({ signal, timeout: 1 }));
    expect(await short).toBeInstanceOf(TimeoutError);
    guard.release();
    (await wait).release();
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

describe('who wins', () => {
  const aborted = AbortSignal.abort(new Error('aborted'));

  test('a wrong argument, before an aborted signal', async () => {
    expect(await failure(new Lock().acquire({ timeout: -1, signal: aborted }))).toBeInstanceOf(RangeError);
  });

  test('a wrong argument, before the cancellation of the task', async () => {
    await inCancelledTask(async () => {
      const lock = new Lock();
      expect(await failure(lock.acquire({ timeout: -1 }))).toBeInstanceOf(RangeError);
      expect(thrown(() => lock.acquireSync({ timeout: -1 }))).toBeInstanceOf(RangeError);
    });
  });

  test('an aborted signal, before a lock that was disposed', async () => {
    const lock = new Lock();
    lock[Symbol.dispose]();
    expect(await failure(lock.acquire({ signal: aborted }))).toBe(aborted.reason);
    expect(await failure(lock.acquire())).toBeInstanceOf(InvalidStateError);
  });

  test('a free lock, before a time-out of 0', async () => {
    const guard = await new Lock().acquire({ timeout: 0 });
    expect(guard.released).toBe(false);
    guard.release();
  });

  test('a grant by another thread, before a time-out that comes before this loop has heard', async () => {
    const lock = new Lock();
    const flag = sharedFlag(3);
    const holder = pool.submit(lockJobs.holdSync, lock, flag);
    await raised(flag, 1);
    const fired: (() => void)[] = [];
    const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((fire: () => void) => {
      fired.push(fire);
      return 0;
    }) as never);
    const wait = lock.acquire({ timeout: 1000 });
    timers.mockRestore();
    grantByAnotherThread(flag);
    expect(fired.length).toBe(1);
    fired[0]!();
    (await wait).release();
    expect(lock.statistics()).toEqual(FREE);
    await holder;
  });
});

describe('the cancellation of the task', () => {
  test('ends a wait, which was handed no signal, with the CancelledError of the task', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    let error: unknown;
    let reason: unknown;
    await TaskGroup.run((group) => {
      group.spawn(async (signal) => {
        error = await failure(lock.acquire());
        reason = signal.reason;
      });
      setImmediate(() => group.cancel('enough'));
    });
    expect(error).toBeInstanceOf(CancelledError);
    expect(error).toBe(reason);
    expect((error as Error).cause).toBe('enough');
    expect(lock.statistics()).toEqual({ locked: true, waiting: 0 });
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test('does not end waits of other tasks', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const other = lock.acquire();
    await TaskGroup.run((group) => {
      group.spawn(() => lock.acquire());
      setImmediate(() => group.cancel());
    });
    expect(lock.statistics().waiting).toBe(1);
    guard.release();
    (await other).release();
  });

  test('refuses every later wait, async and blocking, though the lock is free; tryAcquire() is no wait', async () => {
    await inCancelledTask(async () => {
      const lock = new Lock();
      const fn = vi.fn();
      expect(await failure(lock.acquire())).toBeInstanceOf(CancelledError);
      expect(thrown(() => lock.acquireSync())).toBeInstanceOf(CancelledError);
      expect(await failure(lock.run(fn))).toBeInstanceOf(CancelledError);
      expect(thrown(() => lock.runSync(fn))).toBeInstanceOf(CancelledError);
      expect(fn).not.toHaveBeenCalled();
      expect(lock.statistics()).toEqual(FREE);
      const guard = lock.tryAcquire();
      expect(guard?.released).toBe(false);
      guard?.release();
    });
  });

  test('does not reach a wait in shield()', async () => {
    await inCancelledTask(async () => {
      const lock = new Lock();
      await shield(() => lock.run(() => {}));
      expect(lock.statistics()).toEqual(FREE);
    });
  });

  test('does not reach a wait in outside()', async () => {
    await inCancelledTask(() => outside(() => new Lock().run(() => {})));
  });

  test('by withTimeout() shows up as its TimeoutError outside, and as cancellation inside', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    let inner: unknown;
    const outer = await failure(
      withTimeout(1, async () => {
        inner = await failure(lock.acquire());
        throw inner;
      }),
    );
    expect(outer).toBeInstanceOf(TimeoutError);
    expect(inner).toBeInstanceOf(CancelledError);
    expect(lock.statistics().waiting).toBe(0);
    guard.release();
  });

  test('in the same tick after a grant loses no lock: the wait succeeds', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    let got: Guard | undefined;
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        got = await lock.acquire();
        got.release();
      });
      setImmediate(() => {
        guard.release();
        group.cancel();
      });
    });
    expect(got?.released).toBe(true);
    expect(lock.statistics()).toEqual(FREE);
  });

  test('in the same tick before the release passes the lock to the next in line', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    let next: Promise<Guard> | undefined;
    await TaskGroup.run((group) => {
      group.spawn(() => lock.acquire());
      setImmediate(() => {
        next = outside(() => lock.acquire());
        group.cancel();
        guard.release();
      });
    });
    (await next!).release();
    expect(lock.statistics()).toEqual(FREE);
  });

  test('after a grant by another thread, before this loop has heard, loses no lock', async () => {
    const lock = new Lock();
    const flag = sharedFlag(3);
    const holder = pool.submit(lockJobs.holdSync, lock, flag);
    await raised(flag, 1);
    let got: Guard | undefined;
    await TaskGroup.run(async (group) => {
      group.spawn(async () => {
        got = await lock.acquire();
        got.release();
      });
      await outside(turn);
      grantByAnotherThread(flag);
      group.cancel();
    });
    expect(got?.released).toBe(true);
    expect(lock.statistics()).toEqual(FREE);
    await holder;
  });

  test('while the function of run() is under way releases the lock', async () => {
    const lock = new Lock();
    const held = new Lock();
    const guard = held.acquireSync();
    await TaskGroup.run((group) => {
      group.spawn(() => lock.run(() => held.acquire()));
      setImmediate(() => {
        expect(lock.locked).toBe(true);
        group.cancel();
      });
    });
    expect(lock.statistics()).toEqual(FREE);
    guard.release();
  });

  test('of a job wakes it from a blocking wait', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const job = pool.submit(lockJobs.waitSync, lock, sharedFlag(3));
    while (lock.statistics().waiting === 0) await turn();
    job.cancel();
    while (lock.statistics().waiting > 0) await turn();
    guard.release();
    expect(lock.statistics()).toEqual(FREE);
    expect(await failure(job)).toBeInstanceOf(CancelledError);
  });
});

/** Lets the thread that holds the lock in `holdSync` release it, without returning to this loop. */
function grantByAnotherThread(flag: Int32Array): void {
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  Atomics.wait(flag, 2, 0);
}

async function inCancelledTask(fn: () => unknown): Promise<void> {
  let called = false;
  await TaskGroup.run((group) => {
    const task = group.spawn(async () => {
      currentTask()!.cancel();
      await fn();
      called = true;
    });
    return task;
  });
  expect(called).toBe(true);
}
