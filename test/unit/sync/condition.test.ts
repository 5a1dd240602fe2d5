import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import {
  CancelledError,
  DeadlockError,
  InvalidStateError,
  NotOwnerError,
  OwnerDiedError,
  TimeoutError,
} from '../../../src/core/errors.ts';
import type { Guard } from '../../../src/core/guard.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { Handles } from '../../../src/memory/handles.ts';
import { type Heap, ownHeap } from '../../../src/memory/heap.ts';
import { CONDITION, LOCK } from '../../../src/memory/kinds.ts';
import { CELL, CONDITION_LOCK, CONDITION_RECORD, KIND, OBJECT } from '../../../src/memory/layout.ts';
import { reap } from '../../../src/memory/reaper.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { Condition } from '../../../src/sync/condition.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { LockWord } from '../../../src/sync/lock-word.ts';
import { RLock } from '../../../src/sync/rlock.ts';
import { Semaphore } from '../../../src/sync/semaphore.ts';
import { fromToken, shared, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { syncJobs } from '../../fixtures/sync-jobs.ts';
import { heaps } from '../park/threads.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

async function untilWaiting(object: { statistics(): { waiting: number } }, waiting: number): Promise<void> {
  while (object.statistics().waiting !== waiting) await turn();
}

interface Waiter {
  readonly guard: Guard;
  /** `'notified'`, or the error. */
  readonly ended: Promise<unknown>;
}

/** Somebody on this loop who waits now, and releases the lock when that has ended. */
async function waiter(
  condition: Condition,
  options: { signal?: AbortSignal; timeout?: number } = {},
  done: () => void = () => {},
): Promise<Waiter> {
  const guard = await condition.lock.acquire();
  const ended = condition
    .wait(guard, options)
    .then(
      () => 'notified',
      (error) => error,
    )
    .then((outcome) => {
      expect(guard.released).toBe(false);
      done();
      guard.release();
      return outcome;
    });
  return { guard, ended };
}

describe('wait and notify', () => {
  test('wait() lets the lock go, and has it again with the same guard when it was notified', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const wait = condition.wait(guard);
    expect(guard.released).toBe(true);
    expect(condition.statistics()).toEqual({ waiting: 1 });
    const other = condition.lock.tryAcquire()!;
    condition.notify(other);
    await turn();
    expect(guard.released).toBe(true);
    other.release();
    await wait;
    expect(guard.released).toBe(false);
    expect(condition.lock.locked).toBe(true);
    guard.release();
    expect(condition.lock.locked).toBe(false);
  });

  test('notify() goes to who has waited longest, one or so many, and notifyAll() to all', async () => {
    const condition = new Condition();
    const order: number[] = [];
    const waiters: Promise<unknown>[] = [];
    for (let index = 0; index < 6; index++)
      waiters.push((await waiter(condition, {}, () => void order.push(index))).ended);
    const steps: [(guard: Guard) => void, number[]][] = [
      [(guard) => condition.notify(guard), [0]],
      [(guard) => condition.notify(guard, 2), [0, 1, 2]],
      [(guard) => condition.notifyAll(guard), [0, 1, 2, 3, 4, 5]],
    ];
    for (const [notify, expected] of steps) {
      await condition.lock.run(() => void 0);
      const guard = await condition.lock.acquire();
      notify(guard);
      guard.release();
      await Promise.all(waiters.slice(0, expected.length));
      expect(order).toEqual(expected);
      expect(condition.statistics().waiting).toBe(6 - expected.length);
    }
  });

  test('notify() for more than wait is for those, and nobody else', async () => {
    const condition = new Condition();
    const first = await waiter(condition);
    const guard = await condition.lock.acquire();
    condition.notify(guard, 5);
    guard.release();
    expect(await first.ended).toBe('notified');
    const second = await waiter(condition, { timeout: 20 });
    expect(await second.ended).toBeInstanceOf(TimeoutError);
  });

  test('a notification is never remembered', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    condition.notifyAll(guard);
    expect(await failure(condition.wait(guard, { timeout: 20 }))).toBeInstanceOf(TimeoutError);
    guard.release();
  });

  test.each(['async', 'sync'])('a wait (%s) stands in the queue before it lets the lock go', async (form) => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const waiting: number[] = [];
    const { release } = LockWord.prototype;
    vi.spyOn(LockWord.prototype, 'release').mockImplementation(function (this: LockWord, probed) {
      waiting.push(condition.statistics().waiting);
      release.call(this, probed);
    });
    if (form === 'async') await failure(condition.wait(guard, { timeout: 1 }));
    else thrown(() => condition.waitSync(guard, { timeout: 1 }));
    expect(waiting).toEqual([1]);
    guard.release();
  });

  test('nothing is missed between waiting and letting the lock go: who has it next finds the waiter', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const next = condition.lock.acquire();
    const wait = condition.wait(guard);
    const other = await next;
    expect(condition.statistics().waiting).toBe(1);
    condition.notify(other);
    other.release();
    await wait;
    guard.release();
  });
});

describe('the guard', () => {
  test('must be one that has the lock of this condition; else nothing has changed', async () => {
    const condition = new Condition({ name: 'room' });
    const released = await condition.lock.acquire();
    released.release();
    const ofAnother = await new Lock().acquire();
    const ofPermits = await new Semaphore(1).acquire();
    for (const guard of [released, ofAnother, ofPermits]) {
      for (const error of [
        await failure(condition.wait(guard)),
        await failure(condition.waitFor(guard, () => true)),
        thrown(() => condition.waitSync(guard)),
        thrown(() => condition.waitForSync(guard, () => true)),
        thrown(() => condition.notify(guard)),
        thrown(() => condition.notifyAll(guard)),
      ]) {
        expect(error).toBeInstanceOf(NotOwnerError);
        expect((error as Error).message).toMatch(/^Cannot (?:wait for|notify) condition "room": the guard /);
      }
    }
    expect(condition.statistics()).toEqual({ name: 'room', waiting: 0 });
    expect(ofAnother.released).toBe(false);
    ofAnother.release();
    ofPermits.release();
  });

  test.each([undefined, null, {}, 7])('%s is no guard: TypeError', async (value) => {
    const condition = new Condition();
    expect(await failure(condition.wait(value as unknown as Guard))).toBeInstanceOf(TypeError);
    expect(thrown(() => condition.notify(value as unknown as Guard))).toBeInstanceOf(TypeError);
  });

  test('that waits cannot be used: NotOwnerError, and the wait goes on', async () => {
    const condition = new Condition();
    const { guard, ended } = await waiter(condition);
    const errors = [
      thrown(() => guard.release()),
      thrown(() => condition.notify(guard)),
      await failure(condition.wait(guard)),
    ];
    for (const error of errors) expect(error).toBeInstanceOf(NotOwnerError);
    expect((errors[0] as Error).message).toBe(
      'Cannot release guard: its holder waits for a condition, without it',
    );
    const other = await condition.lock.acquire();
    condition.notify(other);
    other.release();
    expect(await ended).toBe('notified');
  });

  test('may be that of another handle of the lock', async () => {
    const condition = new Condition();
    const lock = fromToken<Lock>(toToken(condition.lock));
    expect(lock).not.toBe(condition.lock);
    const guard = await lock.acquire();
    const wait = condition.wait(guard);
    const other = await condition.lock.acquire();
    lock[Symbol.dispose]();
    condition.notify(other);
    other.release();
    await wait;
    expect([guard.released, condition.lock.locked]).toEqual([false, true]);
    guard.release();
    expect(condition.lock.locked).toBe(false);
  });

  test('that is given up while it waits leaves the lock free, and passes its notification on', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const wait = failure(condition.wait(guard));
    const next = await waiter(condition);
    guard[Symbol.dispose]();
    const other = await condition.lock.acquire();
    condition.notify(other);
    other.release();
    expect(await wait).toBeInstanceOf(NotOwnerError);
    expect(await next.ended).toBe('notified');
    expect(condition.lock.locked).toBe(false);
  });

  test('that is given up while it waits for the lock again leaves the lock free', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const wait = failure(condition.wait(guard));
    const other = await condition.lock.acquire();
    condition.notify(other);
    await untilWaiting(condition.lock, 1);
    guard[Symbol.dispose]();
    other.release();
    expect(await wait).toBeInstanceOf(NotOwnerError);
    expect(condition.lock.locked).toBe(false);
  });

  test('of a task that ends while it waits is given up', async () => {
    const condition = new Condition();
    let wait: Promise<unknown> | undefined;
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        const guard = await condition.lock.acquire();
        wait = failure(condition.wait(guard));
      });
    });
    const other = await condition.lock.acquire();
    condition.notify(other);
    other.release();
    expect(await wait).toBeInstanceOf(NotOwnerError);
    expect(condition.lock.locked).toBe(false);
  });

  test('belongs to the task again afterwards: a task that ends with it has abandoned the lock', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const condition = new Condition();
    const ended = TaskGroup.run((group) => {
      group.spawn(async () => {
        await condition.wait(await condition.lock.acquire());
      });
    });
    await untilWaiting(condition, 1);
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    guard.release();
    await ended;
    expect(warn).toHaveBeenCalledTimes(1);
    expect(thrown(() => condition.lock.tryAcquire())).toBeInstanceOf(OwnerDiedError);
  });
});

describe('waitFor', () => {
  test('gives what the predicate gives, at once if that is truthy', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    expect(await condition.waitFor(guard, () => 'ready', { timeout: 0 })).toBe('ready');
    expect(condition.waitForSync(guard, () => 7, { timeout: 0 })).toBe(7);
    expect(guard.released).toBe(false);
    guard.release();
  });

  test('looks after each notification, with the lock held, until it is truthy', async () => {
    const condition = new Condition();
    const items: string[] = [];
    const held: boolean[] = [];
    const guard = await condition.lock.acquire();
    const wait = condition.waitFor(guard, () => {
      held.push(!guard.released);
      return items[1];
    });
    for (const item of ['a', 'b']) {
      const other = await condition.lock.acquire();
      items.push(item);
      condition.notify(other);
      other.release();
      await turn();
    }
    expect(await wait).toBe('b');
    expect(held).toEqual([true, true, true]);
    guard.release();
  });

  test('a predicate that returns a promise is a TypeError, with the lock held', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const predicate = (): Promise<boolean> => Promise.resolve(true);
    expect(await failure(condition.waitFor(guard, predicate))).toBeInstanceOf(TypeError);
    expect(thrown(() => condition.waitForSync(guard, predicate))).toBeInstanceOf(TypeError);
    expect(await failure(condition.waitFor(guard, 1 as never))).toBeInstanceOf(TypeError);
    expect(guard.released).toBe(false);
    guard.release();
  });

  test('throws what the predicate throws, with the lock held', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const error = new Error('no idea');
    let calls = 0;
    const wait = failure(
      condition.waitFor(guard, () => {
        if (calls++ > 0) throw error;
        return false;
      }),
    );
    const other = await condition.lock.acquire();
    condition.notify(other);
    other.release();
    expect(await wait).toBe(error);
    expect(guard.released).toBe(false);
    guard.release();
  });

  test('has one time-out over all notifications; it fails with the lock held', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    let looked = 0;
    const wait = failure(condition.waitFor(guard, () => looked++ < 0, { timeout: 50 }));
    let over = false;
    void wait.then(() => {
      over = true;
    });
    // Much more often than the time-out: a deadline that is set anew each time would never come.
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (over) break;
      const other = await condition.lock.acquire();
      if (guard.released) condition.notify(other);
      other.release();
      if (!guard.released) await turn();
      if (looked > 10_000) break;
    }
    const error = await wait;
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toBe(
      'Cannot wait for condition: 50 ms have passed, and the predicate does not hold',
    );
    expect(guard.released).toBe(false);
    expect(looked).toBeGreaterThan(2);
    guard.release();
  });

  test('looks a last time when the time is up', async () => {
    const condition = new Condition();
    for (const form of ['async', 'sync'] as const) {
      const guard = await condition.lock.acquire();
      let calls = 0;
      const predicate = (): boolean => calls++ > 0;
      const options = { timeout: 10 };
      if (form === 'async') expect(await condition.waitFor(guard, predicate, options)).toBe(true);
      else expect(condition.waitForSync(guard, predicate, options)).toBe(true);
      expect(calls).toBe(2);
      guard.release();
    }
  });

  test('a predicate that releases the guard is told so', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    expect(await failure(condition.waitFor(guard, () => guard.release() as never))).toBeInstanceOf(
      NotOwnerError,
    );
    expect(condition.statistics().waiting).toBe(0);
  });
});

describe('giving up', () => {
  test('a time-out: TimeoutError, with the lock held again', async () => {
    const condition = new Condition({ name: 'room' });
    const guard = await condition.lock.acquire();
    const error = await failure(condition.wait(guard, { timeout: 5 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toMatch(/^Cannot wait for condition "room": 5 ms/);
    expect(thrown(() => condition.waitSync(guard, { timeout: 5 }))).toBeInstanceOf(TimeoutError);
    expect(guard.released).toBe(false);
    expect(condition.statistics().waiting).toBe(0);
    guard.release();
  });

  test('a time-out of 0 fails at once, and does not let the lock go', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const next = condition.lock.acquire();
    expect(await failure(condition.wait(guard, { timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => condition.waitSync(guard, { timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(condition.lock.statistics().waiting).toBe(1);
    expect(guard.released).toBe(false);
    guard.release();
    (await next).release();
  });

  test.each(['signal', 'task'])('by a %s: it has the lock before it rejects', async (by) => {
    const condition = new Condition();
    const controller = new AbortController();
    const reason = new Error('enough');
    let guard: Guard | undefined;
    let rejected: unknown;
    await TaskGroup.run(async (group) => {
      const task = group.spawn(async () => {
        guard = await condition.lock.acquire();
        try {
          await condition.wait(guard, by === 'signal' ? { signal: controller.signal } : {});
        } catch (error) {
          rejected = error;
          guard.release();
        }
      });
      await untilWaiting(condition, 1);
      const other = await condition.lock.acquire();
      if (by === 'signal') controller.abort(reason);
      else task.cancel(reason);
      await untilWaiting(condition.lock, 1);
      expect(condition.statistics().waiting).toBe(0);
      expect([rejected, guard!.released]).toEqual([undefined, true]);
      other.release();
    });
    if (by === 'signal') expect(rejected).toBe(reason);
    else expect(rejected).toBeInstanceOf(CancelledError);
    expect(condition.lock.locked).toBe(false);
  });

  test('what ends a wait before it begins leaves the lock held', async () => {
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const reason = new Error('enough');
    const options = { signal: AbortSignal.abort(reason) };
    expect(await failure(condition.wait(guard, options))).toBe(reason);
    expect(await failure(condition.waitFor(guard, () => true, options))).toBe(reason);
    expect(await failure(condition.wait(guard, { timeout: -1 }))).toBeInstanceOf(RangeError);
    expect(guard.released).toBe(false);
    guard.release();
  });

  test('in the moment of the notification: it is cancelled, and the next is notified', async () => {
    const condition = new Condition();
    const controller = new AbortController();
    const reason = new Error('enough');
    const first = await waiter(condition, { signal: controller.signal });
    const second = await waiter(condition);
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    controller.abort(reason);
    guard.release();
    expect(await first.ended).toBe(reason);
    expect(await second.ended).toBe('notified');
  });

  test('before the notification, in the same tick: the next is notified', async () => {
    const condition = new Condition();
    const controller = new AbortController();
    const reason = new Error('enough');
    const first = await waiter(condition, { signal: controller.signal });
    const second = await waiter(condition);
    const guard = await condition.lock.acquire();
    controller.abort(reason);
    condition.notify(guard);
    guard.release();
    expect(await first.ended).toBe(reason);
    expect(await second.ended).toBe('notified');
  });

  test('while it waits for the lock again: it has the lock, is cancelled, and the next is notified', async () => {
    const condition = new Condition();
    const controller = new AbortController();
    const reason = new Error('enough');
    const first = await waiter(condition, { signal: controller.signal });
    const second = await waiter(condition);
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    await untilWaiting(condition.lock, 1);
    controller.abort(reason);
    await turn();
    expect([first.guard.released, second.guard.released]).toEqual([true, true]);
    guard.release();
    expect(await first.ended).toBe(reason);
    expect(await second.ended).toBe('notified');
  });

  test('what is passed on is not for who came after the notification', async () => {
    const condition = new Condition();
    const controller = new AbortController();
    const first = await waiter(condition, { signal: controller.signal });
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    await untilWaiting(condition.lock, 1);
    // Lets the lock go to the first; what that passes on when it fails must not be for this one.
    controller.abort(new Error('enough'));
    const late = condition.wait(guard, { timeout: 30 });
    await first.ended;
    expect(await failure(late)).toBeInstanceOf(TimeoutError);
    guard.release();
  });

  test('a time-out is for the notification, not for the lock', async () => {
    const condition = new Condition();
    const first = await waiter(condition, { timeout: 20 });
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    await new Promise((resolve) => setTimeout(resolve, 40));
    guard.release();
    expect(await first.ended).toBe('notified');
  });
});

describe('blocking', () => {
  test('what nobody else could end is a DeadlockError, with the lock held', async () => {
    const condition = new Condition();
    const guard = condition.lock.acquireSync();
    expect(thrown(() => condition.waitSync(guard))).toBeInstanceOf(DeadlockError);
    expect(thrown(() => condition.waitForSync(guard, () => false))).toBeInstanceOf(DeadlockError);
    expect([guard.released, condition.statistics().waiting]).toEqual([false, 0]);
    guard.release();
  });

  test('while a task of this thread is in the line for the lock is a DeadlockError', async () => {
    const condition = new Condition();
    const guard = condition.lock.acquireSync();
    const next = condition.lock.acquire();
    expect(thrown(() => condition.waitSync(guard, { timeout: 10_000 }))).toBeInstanceOf(DeadlockError);
    guard.release();
    (await next).release();
  });

  test('a thread is notified by this one, and this one by a thread', async () => {
    const condition = new Condition();
    const job = pool.submit(syncJobs.await, condition, 'sync');
    await untilWaiting(condition, 1);
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    const answer = pool.submit(syncJobs.notify, condition, 1);
    condition.waitSync(guard);
    guard.release();
    expect(await job).toBe('notified');
    await answer;
  });
});

describe('death', () => {
  test.each(['exit', 'throw'] as const)(
    'of the notifier, which has the lock (%s): OwnerDiedError, by the guard that waited',
    async (how) => {
      const condition = new Condition();
      const { guard, ended } = await waiter(condition);
      await failure(pool.submit(syncJobs.notifyAndEnd, condition, how));
      const error = await ended;
      expect(error).toBeInstanceOf(OwnerDiedError);
      expect((error as OwnerDiedError).guard).toBe(guard);
      await condition.lock.run(() => {});
    },
  );

  test.each(['async', 'sync'] as const)(
    'of who was notified and has not got the lock (%s): the next is notified',
    async (form) => {
      const condition = new Condition();
      const killers = pool.with({ onCancel: 'terminate', grace: 0 });
      const job = killers.submit(syncJobs.awaitDeath, condition, form);
      await untilWaiting(condition, 1);
      const second = await waiter(condition);
      const guard = await condition.lock.acquire();
      condition.notify(guard);
      await untilWaiting(condition.lock, 1);
      job.cancel();
      await untilWaiting(condition, 0);
      guard.release();
      expect(await second.ended).toBe('notified');
    },
  );

  test.each(['async', 'sync'] as const)('of who waits (%s): it is passed over', async (form) => {
    const condition = new Condition();
    const killers = pool.with({ onCancel: 'terminate', grace: 0 });
    const job = killers.submit(syncJobs.awaitDeath, condition, form);
    await untilWaiting(condition, 1);
    const second = await waiter(condition);
    await untilWaiting(condition, 2);
    job.cancel();
    await untilWaiting(condition, 1);
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    guard.release();
    expect(await second.ended).toBe('notified');
  });
});

describe('the death of the only thread that has a condition', () => {
  test.each([
    ['before the condition holds its lock by itself', false],
    ['afterwards', true],
  ])('%s frees both, and all between', (_, published) => {
    const [dying, living] = heaps(2) as [Heap, Heap];
    const handles = new Handles(dying);
    const { words, blocks } = dying;
    const lock = handles.create(LOCK, undefined, () => {});
    handles.create(CONDITION, 'room', (condition) => {
      words[condition + CONDITION_LOCK] = lock;
      words[condition + CONDITION_RECORD] = handles.holdForObject(lock);
      if (published) blocks.publish(words[condition + CONDITION_RECORD]!);
    });
    expect(blocks.countUsed()).toBe(5);
    reap(living, [dying.token], () => {});
    expect(blocks.countUsed()).toBe(0);
  });
});

describe('the lock', () => {
  test('is the one that was given, or one of its own: the same object every time', () => {
    const lock = new Lock();
    expect(new Condition({ lock }).lock).toBe(lock);
    const condition = new Condition({ name: 'room' });
    expect(condition.lock).toBe(condition.lock);
    expect(condition.lock.name).toBe('room');
  });

  test.each([new Lock(), new RLock()])(
    '%s in place of the options: TypeError, for it would not be used',
    (lock) => {
      expect(() => new Condition(lock as never)).toThrow(
        /^options must be an object such as \{ lock \}, received/,
      );
    },
  );

  test.each([1, {}, new Semaphore(1)])('%s is no lock: TypeError', (lock) => {
    expect(thrown(() => new Condition({ lock: lock as never }))).toBeInstanceOf(TypeError);
  });

  test('may be shared by several conditions', async () => {
    const lock = new Lock();
    const full = new Condition({ lock });
    const empty = new Condition({ lock });
    const guard = await lock.acquire();
    const wait = full.wait(guard);
    const other = await lock.acquire();
    empty.notifyAll(other);
    await turn();
    expect(full.statistics().waiting).toBe(1);
    full.notify(other);
    other.release();
    await wait;
    guard.release();
  });

  test('may be an RLock, which is let go however often it is held', async () => {
    const condition = new Condition({ lock: new RLock() });
    const outer = condition.lock.acquireSync();
    const inner = condition.lock.acquireSync();
    const wait = condition.wait(inner);
    const job = pool.submit(syncJobs.notify, condition as unknown as Condition, 1);
    await wait;
    await job;
    expect(inner.released).toBe(false);
    inner.release();
    expect(condition.lock.locked).toBe(true);
    outer.release();
    expect(condition.lock.locked).toBe(false);
  });

  test('travels with the condition', async () => {
    const condition = new Condition({ name: 'room' });
    expect(await pool.submit(syncJobs.isSameLock, condition)).toBe(true);
    const same = fromToken<Condition>(toToken(condition));
    expect(same.name).toBe('room');
    expect(same.lock).toBe(same.lock);
    const guard = same.lock.acquireSync();
    expect(condition.lock.locked).toBe(true);
    condition.notify(guard);
    guard.release();
  });
});

/**
 * How many conditions and locks there are in the shared memory, and blocks of any other kind, without the cells of other threads:
 * a pool thread may have one more while it is just becoming idle.
 */
function count(): Record<string, number> {
  const { words, blocks, token } = ownHeap();
  const found = { conditions: 0, locks: 0, others: 0 };
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND] === CONDITION) found.conditions++;
    else if (words[block + KIND] === LOCK) found.locks++;
    // Cells that this thread keeps for its next waits come and go.
    else if (words[block + KIND] !== CELL || (blocks.stateOf(block) === token && words[block + OBJECT] !== 0))
      found.others++;
  }
  return found;
}

/** What there is more of than before: what was garbage then may have been collected. */
function moreThan(before: Record<string, number>): Record<string, number> {
  const more = Object.entries(count()).map(([kind, n]) => [kind, n - before[kind]!] as const);
  return Object.fromEntries(more.filter(([, n]) => n > 0));
}

describe('disposal', () => {
  test('frees the memory of the condition, its lock, and all between', () => {
    const before = count();
    for (let time = 0; time < 3; time++) {
      const condition = new Condition();
      condition.lock.acquireSync().release();
      condition[Symbol.dispose]();
      condition[Symbol.dispose]();
    }
    const lock = new Lock();
    const condition = new Condition({ lock });
    condition.statistics();
    lock[Symbol.dispose]();
    expect(count()['locks']).toBe(before['locks']! + 1);
    condition[Symbol.dispose]();
    expect(moreThan(before)).toEqual({});
  });

  test('of all handles, here and in threads, frees it too', async () => {
    // A pool keeps what it knows of a function.
    await pool.submit(syncJobs.disposeCondition, new Condition());
    const before = count();
    const condition = new Condition();
    await pool.submit(syncJobs.disposeCondition, condition);
    condition[Symbol.dispose]();
    expect(moreThan(before)).toEqual({});
  });

  test('of a condition that nobody but a waiter uses leaves the wait as it is', async () => {
    const before = count();
    const condition = new Condition();
    const guard = await condition.lock.acquire();
    const same = fromToken<Condition>(toToken(condition));
    let ended = false;
    const wait = condition.waitFor(guard, () => ended);
    condition[Symbol.dispose]();
    for (let round = 0; round < 2; round++) {
      const other = await same.lock.acquire();
      ended = round === 1;
      same.notify(other);
      other.release();
      await turn();
    }
    expect(await wait).toBe(true);
    guard.release();
    same[Symbol.dispose]();
    expect(moreThan(before)).toEqual({});
  });

  test('then every use is an InvalidStateError', async () => {
    const condition = new Condition({ name: 'room' });
    const { lock } = condition;
    const guard = await lock.acquire();
    condition[Symbol.dispose]();
    for (const error of [
      await failure(condition.wait(guard)),
      thrown(() => condition.notify(guard)),
      thrown(() => condition.statistics()),
    ]) {
      expect(error).toBeInstanceOf(InvalidStateError);
      expect((error as Error).message).toBe('Cannot use condition "room": it was disposed');
    }
    guard.release();
  });
});

test.each([0, -1, 1.5, Number.NaN, Infinity])('notify() of %s is a RangeError', async (n) => {
  const condition = new Condition();
  const guard = await condition.lock.acquire();
  expect(thrown(() => condition.notify(guard, n))).toBeInstanceOf(RangeError);
  guard.release();
});

test('by name it is one condition with one lock', () => {
  const a = shared('condition.test/room', () => new Condition());
  const b = shared('condition.test/room', () => new Condition());
  const guard = a.lock.acquireSync();
  expect(b.lock.locked).toBe(true);
  b.notify(guard);
  guard.release();
});

describe('any sequence of waiting, notifying and giving up', () => {
  type Step = { readonly kind: 'notify' | 'abort' | 'wait'; readonly n: number };
  const steps = fc.array(
    fc.array(
      fc.record({ kind: fc.constantFrom('notify', 'abort', 'wait'), n: fc.integer({ min: 0, max: 5 }) }),
      { maxLength: 5 },
    ),
    { maxLength: 8 },
  ) as fc.Arbitrary<Step[][]>;

  test('ends as a plain list says: first come, first notified, and what fails is passed on', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (rounds) => {
        const condition = new Condition();
        const controllers: AbortController[] = [];
        const found: string[] = [];
        const expected: string[] = [];
        let waiting: number[] = [];
        for (const round of rounds) {
          const notified: number[] = [];
          let passedOn = 0;
          for (const { kind } of round) {
            if (kind === 'wait') {
              const index = controllers.length;
              const controller = new AbortController();
              controllers.push(controller);
              found.push('waits');
              expected.push('waits');
              waiting.push(index);
              const { ended } = await waiter(condition, { signal: controller.signal });
              void ended.then((outcome) => {
                found[index] = outcome === 'notified' ? 'notified' : 'aborted';
              });
            }
          }
          const guard = await condition.lock.acquire();
          for (const { kind, n } of round) {
            if (kind === 'notify' && n > 0) {
              condition.notify(guard, n);
              notified.push(...waiting.slice(0, n));
              waiting = waiting.slice(n);
            } else if (kind === 'abort' && n < controllers.length) {
              controllers[n]!.abort();
              if (waiting.includes(n)) expected[n] = 'aborted';
              else if (notified.includes(n) && expected[n] === 'waits') {
                expected[n] = 'aborted';
                passedOn++;
              }
              waiting = waiting.filter((one) => one !== n);
            }
          }
          notified.push(...waiting.slice(0, passedOn));
          waiting = waiting.slice(passedOn);
          for (const one of notified) if (expected[one] === 'waits') expected[one] = 'notified';
          guard.release();
          while (found.filter((one) => one === 'waits').length > waiting.length) await turn();
          await turn();
          expect(found).toEqual(expected);
        }
        expect(condition.statistics().waiting).toBe(waiting.length);
        for (const controller of controllers) controller.abort();
        condition[Symbol.dispose]();
      }),
      { numRuns: 60 },
    );
  });
});
