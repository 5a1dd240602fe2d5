import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, type MockInstance, test, vi } from 'vitest';
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
import { nameOf } from '../../../src/memory/handles.ts';
import { ownHeap } from '../../../src/memory/heap.ts';
import { RLOCK } from '../../../src/memory/kinds.ts';
import { KIND } from '../../../src/memory/layout.ts';
import { ownParking } from '../../../src/park/own-parking.ts';
import { outside } from '../../../src/scope/outside.ts';
import { shield } from '../../../src/scope/shield.ts';
import { sleep } from '../../../src/scope/sleep.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { withTimeout } from '../../../src/scope/with-timeout.ts';
import { Condition } from '../../../src/sync/condition.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { RLock } from '../../../src/sync/rlock.ts';
import { Semaphore } from '../../../src/sync/semaphore.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { program } from '../../docs/program.ts';
import { root } from '../../docs/snippets.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { rlockJobs } from '../../fixtures/rlock-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 4 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

function reports(): MockInstance<typeof process.emitWarning> {
  return vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
}

/** A task called `worker` that does `fn`. */
function task<T>(fn: () => Promise<T>): Promise<T> {
  return TaskGroup.run((group) => group.spawn(fn, { name: 'worker' }));
}

function canBeHadElsewhere(lock: RLock): Promise<boolean> {
  return pool.submit(rlockJobs.canBeHad, lock);
}

function raise(flag: Int32Array, index: number): void {
  Atomics.store(flag, index, 1);
  Atomics.notify(flag, index);
}

/** The address of the lock of that name in the shared memory; 0 if there is none. */
function addressOf(name: string): number {
  const { words, blocks } = ownHeap();
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block))
    if (words[block + KIND] === RLOCK && nameOf(ownHeap(), block) === name) return block;
  return 0;
}

/** Whether the promise has settled, after all that can happen on this loop has. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const tell = (): void => {
    done = true;
  };
  promise.then(tell, tell);
  await turn();
  return done;
}

describe('a thread that has it', () => {
  test('acquires it again at once, and it is free when all guards were released', async () => {
    const lock = new RLock();
    const guards = [
      lock.acquireSync(),
      lock.acquireSync(),
      lock.tryAcquire()!,
      lock.acquireSync({ timeout: 0 }),
    ];
    expect(new Set(guards).size).toBe(4);
    while (guards.length > 0) {
      expect(lock.locked).toBe(true);
      expect(await canBeHadElsewhere(lock)).toBe(false);
      guards.pop()!.release();
    }
    expect(lock.locked).toBe(false);
    expect(await canBeHadElsewhere(lock)).toBe(true);
  });

  test.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 0, 2]], [[1, 2, 0]]])(
    'may release its guards in the order %j: it is free after the last',
    (order) => {
      const lock = new RLock();
      const guards = order.map(() => lock.acquireSync());
      for (const [done, index] of order.entries()) {
        expect(lock.locked).toBe(true);
        guards[index]!.release();
        expect(guards.filter(({ released }) => released).length).toBe(done + 1);
      }
      expect(lock.locked).toBe(false);
    },
  );

  test('has it a thousand times, and gives it back a thousand times', () => {
    const lock = new RLock();
    const dive = (depth: number): number => (depth === 0 ? 0 : lock.runSync(() => dive(depth - 1)) + 1);
    expect(dive(1000)).toBe(1000);
    expect(lock.locked).toBe(false);
  });

  test('by whichever of its tasks: the blocking forms come in beside a guard of acquire()', async () => {
    const lock = new RLock();
    const guard = await lock.acquire();
    const again = lock.acquireSync();
    guard.release();
    expect(await canBeHadElsewhere(lock)).toBe(false);
    again.release();
    expect(await canBeHadElsewhere(lock)).toBe(true);
  });

  test('has it by every handle of the same lock', async () => {
    const lock = new RLock();
    using same = fromToken<RLock>(toToken(lock));
    expect(same).not.toBe(lock);
    const guard = lock.acquireSync();
    const again = same.acquireSync();
    const below = await same.acquire({ within: guard });
    guard.release();
    again.release();
    expect(lock.locked).toBe(true);
    below.release();
    expect(same.locked).toBe(false);
  });

  test('and releases a guard twice is told by a NotOwnerError, and still has the lock by the others', () => {
    const lock = new RLock();
    const outer = lock.acquireSync();
    const inner = lock.acquireSync();
    inner.release();
    expect(thrown(() => inner.release())).toBeInstanceOf(NotOwnerError);
    inner[Symbol.dispose]();
    expect(lock.locked).toBe(true);
    outer.release();
    expect(lock.locked).toBe(false);
  });

  test('does not make another thread have it', async () => {
    const lock = new RLock();
    const flag = sharedFlag(3);
    const holder = pool.submit(rlockJobs.holdTwice, lock, flag);
    await raised(flag, 1);
    expect(lock.locked).toBe(true);
    expect(lock.tryAcquire()).toBeUndefined();
    expect(thrown(() => lock.acquireSync({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => lock.acquireSync({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    const waiter = lock.acquire();
    expect(lock.statistics()).toEqual({ locked: true, waiting: 1 });
    expect(thrown(() => lock.acquireSync())).toBeInstanceOf(DeadlockError);
    raise(flag, 0);
    (await waiter).release();
    await holder;
  });

  test('has not yet what another thread has given to a task of it that has not heard: that is before it in the line', async () => {
    const lock = new RLock();
    const flag = sharedFlag(3);
    const holder = pool.submit(rlockJobs.holdTwice, lock, flag);
    await raised(flag, 1);
    const waiter = lock.acquire();
    raise(flag, 0);
    Atomics.wait(flag, 2, 0);
    expect(lock.tryAcquire()).toBeUndefined();
    expect(thrown(() => lock.acquireSync())).toBeInstanceOf(DeadlockError);
    const guard = await waiter;
    lock.acquireSync().release();
    guard.release();
    expect(lock.locked).toBe(false);
    await holder;
  });

  test('blocks nobody in runSync() that is within runSync(), and not after an error either', () => {
    const lock = new RLock();
    expect(
      thrown(() =>
        lock.runSync(() =>
          lock.runSync(() => {
            throw new RangeError('on purpose');
          }),
        ),
      ),
    ).toEqual(new RangeError('on purpose'));
    expect(lock.locked).toBe(false);
    expect(thrown(() => lock.runSync(async () => {}))).toBeInstanceOf(TypeError);
    expect(lock.locked).toBe(false);
  });
});

describe('acquire() outside of any run', () => {
  test('waits though a task of the same loop has it, in order of arrival', async () => {
    const lock = new RLock();
    const guard = await lock.acquire();
    const order: number[] = [];
    const work = Array.from({ length: 20 }, (_, index) => lock.run(() => void order.push(index)));
    expect(await settled(work[0]!)).toBe(false);
    expect(lock.statistics().waiting).toBe(20);
    guard.release();
    await Promise.all(work);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  test('waits for a guard of acquireSync() too', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    const waiter = lock.acquire();
    expect(await settled(waiter)).toBe(false);
    const again = lock.acquireSync();
    guard.release();
    expect(await settled(waiter)).toBe(false);
    again.release();
    (await waiter).release();
  });

  test('loses no increment between tasks, threads and depths', async () => {
    const lock = new RLock();
    const words = sharedFlag(1);
    const rounds = 200;
    await Promise.all([
      pool.submit(rlockJobs.countSync, lock, words, rounds),
      pool.submit(rlockJobs.countAsync, lock, words, rounds),
      pool.submit(rlockJobs.countSync, lock, words, rounds),
      rlockJobs.countAsync(lock, words, rounds),
      rlockJobs.countAsync(lock, words, rounds),
    ]);
    expect(words[0]).toBe(5 * rounds);
    expect(lock.statistics()).toEqual({ locked: false, waiting: 0 });
  });
});

describe('acquire({ within })', () => {
  test('has it at once if nobody is below the guard', async () => {
    const lock = new RLock();
    const guard = await lock.acquire();
    const below = await lock.acquire({ within: guard, timeout: 0 });
    const further = await lock.acquire({ within: below, timeout: 0 });
    for (const one of [further, below, guard]) {
      expect(await canBeHadElsewhere(lock)).toBe(false);
      one.release();
    }
    expect(await canBeHadElsewhere(lock)).toBe(true);
  });

  test('waits for those who are below the same guard, in order of arrival', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    const first = await lock.acquire({ within: guard });
    const order: number[] = [];
    const others = [1, 2, 3].map(async (index) => {
      const got = await lock.acquire({ within: guard });
      order.push(index);
      await turn();
      got.release();
    });
    await turn();
    expect(order).toEqual([]);
    first.release();
    await Promise.all(others);
    expect(order).toEqual([1, 2, 3]);
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test('waits until what is below the one before is over as well', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    const first = await lock.acquire({ within: guard });
    const deep = await lock.acquire({ within: first });
    const second = lock.acquire({ within: guard });
    first.release();
    expect(await settled(second)).toBe(false);
    deep.release();
    (await second).release();
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test('keeps the lock though the guard around is released, for those who wait too', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    const first = await lock.acquire({ within: guard });
    const second = lock.acquire({ within: guard });
    const outsider = lock.acquire();
    guard.release();
    expect(lock.locked).toBe(true);
    first.release();
    const got = await second;
    expect(await settled(outsider)).toBe(false);
    got.release();
    (await outsider).release();
    expect(lock.locked).toBe(false);
  });

  test('may be a guard of acquireSync(), tryAcquire() or acquire(), and of another handle', async () => {
    const lock = new RLock();
    using same = fromToken<RLock>(toToken(lock));
    for (const guard of [
      lock.acquireSync(),
      lock.tryAcquire()!,
      await lock.acquire({ within: lock.acquireSync() }),
    ])
      (await same.acquire({ within: guard, timeout: 0 })).release();
  });

  test('of a guard that was released, or of something else, is a NotOwnerError, and changes nothing', async () => {
    const lock = new RLock({ name: 'cache' });
    const guard = lock.acquireSync();
    const released = lock.acquireSync();
    released.release();
    for (const within of [
      released,
      new RLock().acquireSync(),
      new Lock().acquireSync(),
      new Semaphore().acquireSync(),
    ]) {
      const error = await failure(lock.acquire({ within }));
      expect(error).toBeInstanceOf(NotOwnerError);
      expect((error as Error).message).toContain('Cannot acquire lock "cache" within a guard: ');
      expect(await failure(lock.run(() => {}, { within }))).toBeInstanceOf(NotOwnerError);
    }
    expect(lock.statistics().waiting).toBe(0);
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test.each([[null], [true], ['guard'], [{}], [{ release() {} }], [new Lock()]])(
    'of %o is a TypeError',
    async (within) => {
      const lock = new RLock();
      const error = await failure(lock.acquire({ within: within as unknown as Guard }));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain('within must be a guard');
      expect(lock.locked).toBe(false);
    },
  );

  test('leaves no trace if the wait times out, is aborted or cancelled: the next is served', async () => {
    const lock = new RLock({ name: 'cache' });
    const guard = lock.acquireSync();
    const first = await lock.acquire({ within: guard });
    const controller = new AbortController();
    const late = failure(lock.acquire({ within: guard, timeout: 1 }));
    const aborted = failure(lock.acquire({ within: guard, signal: controller.signal }));
    let cancelled: unknown;
    const group = TaskGroup.run(async (made) => {
      made.spawn(async () => {
        cancelled = await failure(lock.acquire({ within: guard }));
      });
      await turn();
      made.cancel();
    });
    const served = lock.acquire({ within: guard });
    controller.abort('enough');
    expect(await aborted).toBe('enough');
    await group;
    expect(cancelled).toBeInstanceOf(CancelledError);
    const error = (await late) as Error;
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toBe('Cannot acquire lock "cache": 1 ms have passed');
    const now = (await failure(lock.acquire({ within: guard, timeout: 0 }))) as Error;
    expect(now).toBeInstanceOf(TimeoutError);
    expect(now.message).toBe('Cannot acquire lock "cache": it cannot be had at once');
    first.release();
    (await served).release();
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test('is refused by a signal that has aborted, and in a task that was cancelled, though it can be had', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    const signal = AbortSignal.abort('enough');
    expect(await failure(lock.acquire({ within: guard, signal }))).toBe('enough');
    const seen: unknown[] = [];
    await TaskGroup.run(async (group) => {
      group.spawn(async () => {
        group.cancel();
        for (const work of [
          () => lock.acquire({ within: guard }),
          () => lock.acquire(),
          async () => lock.acquireSync(),
        ])
          seen.push(await failure(work()));
        lock.tryAcquire()!.release();
      });
    });
    expect(seen.map((error) => error instanceof CancelledError)).toEqual([true, true, true]);
    guard.release();
    expect(await failure(lock.acquire({ signal }))).toBe('enough');
    expect(lock.locked).toBe(false);
  });

  test('is served though the stack overflows in whoever gives it its turn', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    let overflows = 0;
    for (let pad = 0; pad < 40; pad++) {
      const first = await lock.acquire({ within: guard });
      const waits = lock.acquire({ within: guard });
      const tried = (fn: () => void): void => {
        try {
          fn();
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          overflows++;
        }
      };
      const release = (): void => {
        if (!first.released) first.release();
      };
      // At every depth near the end, the whole of it some words deeper each time.
      const dive = (..._words: unknown[]): void => {
        tried(() => dive());
        tried(release);
      };
      dive(...new Array(pad));
      (await waits).release();
    }
    expect(overflows).toBeGreaterThan(40);
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test('that was granted in the tick of its abort succeeds', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    const first = await lock.acquire({ within: guard });
    const controller = new AbortController();
    const second = lock.acquire({ within: guard, signal: controller.signal });
    first.release();
    controller.abort();
    (await second).release();
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test('that was aborted in the tick before its turn passes it on', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    const first = await lock.acquire({ within: guard });
    const controller = new AbortController();
    const second = failure(lock.acquire({ within: guard, signal: controller.signal }));
    const third = lock.acquire({ within: guard });
    controller.abort('enough');
    first.release();
    expect(await second).toBe('enough');
    (await third).release();
    guard.release();
  });

  test('that has its turn succeeds though it is aborted before the loop comes to it', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    const first = await lock.acquire({ within: guard });
    // More than are settled in one round: the turn of some is told later.
    const controllers = Array.from({ length: 1500 }, () => new AbortController());
    let served = 0;
    const waits = controllers.map(async ({ signal }, index) => {
      const got = await lock.acquire({ within: guard, signal });
      served++;
      got.release();
      controllers[index + 1]?.abort();
    });
    first.release();
    controllers[0]!.abort();
    await Promise.all(waits);
    expect(served).toBe(1500);
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test('lets the loop go round while thousands take their turn', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    let served = 0;
    let seen = -1;
    setImmediate(() => {
      seen = served;
    });
    await Promise.all(Array.from({ length: 5000 }, () => lock.run(() => void served++, { within: guard })));
    expect(served).toBe(5000);
    expect(seen).toBeLessThan(5000);
    expect(seen).toBeGreaterThan(-1);
    guard.release();
  });
});

describe('run()', () => {
  test('has the lock again for what its function calls, through awaits and calls, at any depth', async () => {
    const lock = new RLock();
    const dive = async (depth: number): Promise<number> => {
      await turn();
      if (depth === 0) return 0;
      return (await lock.run(() => dive(depth - 1))) + 1;
    };
    expect(await lock.run(() => dive(20))).toBe(20);
    expect(lock.locked).toBe(false);
  });

  test('has it for acquire() in its function, and for tasks that its function starts', async () => {
    const lock = new RLock();
    await lock.run(async () => {
      (await lock.acquire({ timeout: 0 })).release();
      await TaskGroup.run((group) => {
        for (let i = 0; i < 3; i++) group.spawn(() => lock.run(() => turn()));
      });
      await withTimeout(60_000, async () => (await lock.acquire()).release());
      await shield(async () => (await lock.acquire()).release());
    });
    expect(lock.locked).toBe(false);
  });

  test('lets those that its function runs at the same time exclude each other', async () => {
    const lock = new RLock();
    let inside = 0;
    let most = 0;
    let count = 0;
    const add = (): Promise<void> =>
      lock.run(async () => {
        most = Math.max(most, ++inside);
        const before = count;
        await turn();
        count = before + 1;
        inside--;
      });
    await lock.run(() => Promise.all(Array.from({ length: 30 }, add)));
    expect([most, count]).toEqual([1, 30]);
    expect(lock.locked).toBe(false);
  });

  test('gives what the function gives, and its error, and has the lock until it has settled', async () => {
    const lock = new RLock();
    expect(await lock.run(() => 1)).toBe(1);
    const error = new Error('on purpose');
    expect(await failure(lock.run(() => Promise.reject(error)))).toBe(error);
    expect(
      await failure(
        lock.run(() => {
          throw error;
        }),
      ),
    ).toBe(error);
    expect(lock.locked).toBe(false);
    expect(await failure(lock.run(1 as never))).toBeInstanceOf(TypeError);
    expect(thrown(() => lock.runSync(1 as never))).toBeInstanceOf(TypeError);
  });

  test('has the lock until what its function started as a block has ended', async () => {
    const lock = new RLock();
    const flag = { over: false };
    await lock.run(() => {
      void TaskGroup.run(async () => {
        await turn();
        expect(lock.locked).toBe(true);
        flag.over = true;
      });
    });
    expect(flag.over).toBe(true);
    expect(lock.locked).toBe(false);
  });

  test('is left by code that outlives it: that waits like anybody', async () => {
    const lock = new RLock();
    let left: Promise<void> | undefined;
    let asked = false;
    const guard = await lock.run(async () => {
      left = (async () => {
        while (lock.locked) await turn();
        // The run is over, and somebody else has the lock.
        while (!lock.locked) await turn();
        asked = true;
        (await lock.acquire()).release();
      })();
      return undefined;
    });
    expect(guard).toBeUndefined();
    await turn();
    await turn();
    const other = await lock.acquire();
    while (!asked) await turn();
    expect(await settled(left!)).toBe(false);
    expect(lock.statistics().waiting).toBe(1);
    other.release();
    await left;
  });

  test('is left by outside(): what is called there waits', async () => {
    const lock = new RLock();
    let waiter: Promise<Guard> | undefined;
    await lock.run(async () => {
      waiter = outside(() => lock.acquire());
      expect(await settled(waiter)).toBe(false);
    });
    (await waiter!).release();
  });

  test('of one lock is none of another', async () => {
    const lock = new RLock();
    const other = new RLock();
    const guard = await other.acquire();
    await lock.run(async () => {
      expect(await failure(other.acquire({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
      await lock.run(() => {});
    });
    guard.release();
    await lock.run(() =>
      other.run(() => lock.run(() => other.run(() => {}, { timeout: 0 }), { timeout: 0 })),
    );
    expect([lock.locked, other.locked]).toEqual([false, false]);
  });

  test('with within is below that guard, whatever is around', async () => {
    const lock = new RLock();
    const guard = lock.acquireSync();
    await lock.run(
      async () => {
        expect(await failure(lock.acquire({ within: guard, timeout: 0 }))).toBeInstanceOf(TimeoutError);
        await lock.run(() => {}, { timeout: 0 });
      },
      { within: guard },
    );
    guard.release();
    expect(lock.locked).toBe(false);
  });

  test('that is cancelled while its function is under way releases the lock', async () => {
    const lock = new RLock();
    await TaskGroup.run(async (group) => {
      group.spawn(() => lock.run(() => lock.run(() => sleep(60_000))));
      await turn();
      expect(lock.locked).toBe(true);
      group.cancel();
    });
    expect(lock.locked).toBe(false);
  });

  test('does not hand its function a signal: it has no parameters', async () => {
    const lock = new RLock();
    expect(await lock.run((...args: unknown[]) => args)).toEqual([]);
  });
});

describe('the end of an owner', () => {
  test('that is a thread with several guards is told to the next, once', async () => {
    const lock = new RLock({ name: 'cache' });
    await failure(pool.submit(rlockJobs.exitHoldingTwice, lock));
    const error = (await failure(lock.acquire())) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    expect(error.message).toMatch(/^Cannot acquire lock "cache": thread \d+ ended while holding it/);
    expect(await canBeHadElsewhere(lock)).toBe(false);
    error.guard!.release();
    lock.acquireSync().release();
    expect(await canBeHadElsewhere(lock)).toBe(true);
  });

  test('that is a task is reported once, and told to the next, once', async () => {
    const warned = reports();
    const lock = new RLock({ name: 'cache' });
    await task(async () => void (await lock.acquire()));
    expect(warned).toHaveBeenCalledTimes(1);
    expect((warned.mock.calls[0]![0] as Error).message).toMatch(/"worker".*lock "cache"/);
    for (const form of ['acquire', 'acquireSync', 'tryAcquire'] as const) {
      const error = (await failure((async () => lock[form]())())) as OwnerDiedError;
      expect(error).toBeInstanceOf(OwnerDiedError);
      expect(error.message).toContain('a task ended while holding it');
      error.guard!.release();
      lock.acquireSync().release();
      await task(async () => void (await lock.acquire()));
    }
    expect(warned).toHaveBeenCalledTimes(4);
  });

  test('below a guard is told to the next below it, and to nobody else', async () => {
    reports();
    const lock = new RLock();
    const guard = lock.acquireSync();
    let waits: Promise<unknown>[] = [];
    await task(async () => {
      await lock.acquire({ within: guard });
      waits = [
        failure(outside(() => lock.acquire({ within: guard }))),
        outside(() => lock.acquire({ within: guard })),
      ];
    });
    const error = (await waits[0]) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    expect(error.message).toContain('a task ended while holding it');
    error.guard!.release();
    ((await waits[1]) as Guard).release();
    guard.release();
    lock.acquireSync().release();
  });

  test('below a guard is told to who comes there later', async () => {
    reports();
    const lock = new RLock();
    const guard = lock.acquireSync();
    await task(async () => void (await lock.acquire({ within: guard })));
    const error = (await failure(lock.acquire({ within: guard }))) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    error.guard!.release();
    (await lock.acquire({ within: guard })).release();
    guard.release();
    lock.acquireSync().release();
  });

  test('below a guard where nobody comes is told to who acquires the lock next', async () => {
    reports();
    const lock = new RLock();
    const guard = lock.acquireSync();
    const middle = await lock.acquire({ within: guard });
    await task(async () => void (await lock.acquire({ within: middle })));
    middle.release();
    guard.release();
    const error = thrown(() => lock.tryAcquire()) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    error.guard!.release();
    lock.acquireSync().release();
  });

  test('beside other guards of the thread is told to the next of the thread', async () => {
    reports();
    const lock = new RLock();
    const guard = lock.acquireSync();
    await task(async () => void lock.acquireSync());
    const error = thrown(() => lock.acquireSync()) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    lock.acquireSync().release();
    error.guard!.release();
    guard.release();
    lock.acquireSync().release();
  });

  test('around others does not take the lock from them', async () => {
    reports();
    const lock = new RLock();
    let below: Guard | undefined;
    await task(async () => {
      const guard = await lock.acquire();
      below = (await lock.acquire({ within: guard })).keep();
    });
    expect(await canBeHadElsewhere(lock)).toBe(false);
    below!.release();
    expect(thrown(() => lock.tryAcquire())).toBeInstanceOf(OwnerDiedError);
  });
});

describe('a handle', () => {
  test('that was disposed cannot be used, and its guards and waits go on; the memory is freed with the last', async () => {
    const lock = new RLock({ name: 'disposed' });
    const guard = lock.acquireSync();
    const outer = lock.acquire();
    const below = await lock.acquire({ within: guard });
    const waits = lock.acquire({ within: guard });
    lock[Symbol.dispose]();
    expect(addressOf('disposed')).not.toBe(0);
    for (const use of [
      () => lock.acquireSync(),
      () => lock.tryAcquire(),
      () => lock.locked,
      () => lock.statistics(),
    ])
      expect(thrown(use)).toBeInstanceOf(InvalidStateError);
    expect(await failure(lock.acquire())).toBeInstanceOf(InvalidStateError);
    below.release();
    (await waits).release();
    guard.release();
    expect(addressOf('disposed')).not.toBe(0);
    (await outer).release();
    expect(addressOf('disposed')).toBe(0);
  });

  test('that was disposed is kept while a task waits by it for another thread', async () => {
    const lock = new RLock({ name: 'waited for' });
    const flag = sharedFlag(3);
    const holder = pool.submit(rlockJobs.holdTwice, lock, flag);
    await raised(flag, 1);
    const waits = lock.acquire();
    lock[Symbol.dispose]();
    const address = addressOf('waited for');
    expect(ownParking().handles.has(address)).toBe(true);
    raise(flag, 0);
    const guard = await waits;
    expect(ownParking().handles.has(address)).toBe(true);
    guard.release();
    expect(ownParking().handles.has(address)).toBe(false);
    await holder;
  });

  test('keeps the process up while a task waits below a guard, and no longer', async () => {
    const heddle = JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href);
    const text = `
      import { RLock } from ${heddle};
      const lock = new RLock();
      const guard = lock.acquireSync();
      const below = await lock.acquire({ within: guard });
      const late = setTimeout(() => below.release(), 50).unref();
      (await lock.acquire({ within: guard })).keep();
      console.log('served');
      await lock.acquire({ within: guard, timeout: 1 }).catch((error) => console.log(error.name));
    `;
    const { out, err, code } = await program(['--input-type=module-typescript', '--eval', text], {
      cwd: join(root),
      timeout: 15_000,
    });
    expect([out, err, code]).toEqual(['served\nTimeoutError\n', '', 0]);
  });

  test('has the name in its statistics and messages', async () => {
    const lock = new RLock({ name: 'cache' });
    expect(lock.name).toBe('cache');
    expect(lock.statistics()).toEqual({ name: 'cache', locked: false, waiting: 0 });
    expect(new RLock().statistics()).toEqual({ locked: false, waiting: 0 });
    expect(thrown(() => new RLock({ name: 1 as never }))).toBeInstanceOf(TypeError);
    expect(thrown(() => new RLock(1 as never))).toBeInstanceOf(TypeError);
  });

  test('a guard cannot be sent', async () => {
    const guard = new RLock().acquireSync();
    const error = await failure(pool.submit(rlockJobs.canBeHad, guard as never));
    expect((error as Error).message).toContain('a guard');
  });
});

describe('any sequence of acquires and releases', () => {
  /** The rules, without any cleverness: looked at anew after each step. */
  class Rules {
    readonly below: Entry[] = [];

    settle(): void {
      for (let changed = true; changed; ) changed = this.#step(this.below);
    }

    get locked(): boolean {
      return this.below.some(({ state }) => state === 'held' || state === 'released');
    }

    /** Whether anything there has changed. */
    #step(entries: Entry[]): boolean {
      let changed = false;
      for (const entry of entries) {
        if (this.#step(entry.below)) changed = true;
        if (entry.state !== 'released' || entry.below.some(({ state }) => state !== 'over')) continue;
        entry.state = 'over';
        changed = true;
      }
      const busy = entries.some(({ state }) => state === 'held' || state === 'released');
      const next = entries.find(({ state }) => state === 'waits');
      if (busy || next === undefined) return changed;
      next.state = 'held';
      return true;
    }
  }

  interface Entry {
    state: 'waits' | 'held' | 'released' | 'over';
    readonly below: Entry[];
    readonly real: { guard: Guard | undefined; readonly abort: AbortController | undefined };
  }

  const OPERATION = fc.record({
    what: fc.constantFrom(
      'sync',
      'try',
      'async',
      'within',
      'within',
      'within',
      'release',
      'release',
      'release',
      'abort',
    ),
    which: fc.nat(1000),
  });

  test('gives the lock to whom the rules give it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(OPERATION, { maxLength: 40 }), async (operations) => {
        const lock = new RLock();
        const rules = new Rules();
        const all: Entry[] = [];
        const guardsOf = (): Entry[] => all.filter(({ state }) => state === 'held');
        const settled = async (): Promise<void> => {
          rules.settle();
          const real = (): boolean[] =>
            all.map(({ real: { guard } }) => guard !== undefined && !guard.released);
          const wanted = all.map(({ state }) => state === 'held');
          await turn();
          // A turn of a loop that is busy does not hand over everything.
          for (let more = 0; more < 50 && real().join() !== wanted.join(); more++) await turn();
          expect(real()).toEqual(wanted);
          expect(lock.locked).toBe(rules.locked);
        };
        const add = (list: Entry[], entry: Entry): void => {
          list.push(entry);
          all.push(entry);
        };
        for (const { what, which } of operations) {
          if (what === 'sync' || what === 'try') {
            // A wait that only this thread could end would be a deadlock, but none is possible: the thread has it, or nobody.
            const guard = what === 'sync' ? lock.acquireSync() : lock.tryAcquire();
            // Comes in beside the others.
            add(rules.below, { state: 'held', below: [], real: { guard, abort: undefined } });
          } else if (what === 'async' || what === 'within') {
            const held = guardsOf();
            const around = what === 'within' && held.length > 0 ? held[which % held.length] : undefined;
            const entry: Entry = {
              state: 'waits',
              below: [],
              real: { guard: undefined, abort: new AbortController() },
            };
            add(around === undefined ? rules.below : around.below, entry);
            lock
              .acquire({ within: around?.real.guard, signal: entry.real.abort!.signal })
              .then((guard) => {
                entry.real.guard = guard;
              })
              .catch(() => {});
          } else if (what === 'release') {
            const held = guardsOf();
            const entry = held[which % Math.max(1, held.length)];
            if (entry === undefined) continue;
            entry.real.guard!.release();
            entry.state = 'released';
          } else {
            const waiting = all.filter(({ state }) => state === 'waits');
            const entry = waiting[which % Math.max(1, waiting.length)];
            if (entry === undefined) continue;
            entry.real.abort!.abort();
            entry.state = 'over';
          }
          await settled();
        }
        while (guardsOf().length > 0) {
          for (const entry of guardsOf()) {
            entry.real.guard!.release();
            entry.state = 'released';
          }
          await settled();
        }
        expect(lock.locked).toBe(false);
        expect(lock.statistics().waiting).toBe(0);
        lock[Symbol.dispose]();
      }),
      { numRuns: 150 },
    );
  });
});

describe('a condition of it', () => {
  test('is waited for with all guards of the thread given away, and had again as they were: blocking', async () => {
    const lock = new RLock();
    const condition = new Condition({ lock });
    const flag = sharedFlag(2);
    const guards = [lock.acquireSync(), lock.acquireSync(), lock.acquireSync()];
    const notifier = pool.submit(rlockJobs.notify, condition, flag);
    condition.waitSync(guards[1]!);
    expect(flag[0]).toBe(1);
    expect(guards.map(({ released }) => released)).toEqual([false, false, false]);
    await notifier;
    // It has it as before, and so again.
    lock.acquireSync({ timeout: 0 }).release();
    for (const guard of guards) {
      expect(await canBeHadElsewhere(lock)).toBe(false);
      guard.release();
    }
    expect(await canBeHadElsewhere(lock)).toBe(true);
  });

  test('is waited for by a guard deep below others, which are all without the lock meanwhile', async () => {
    const lock = new RLock();
    const condition = new Condition({ lock });
    const outer = await lock.acquire();
    const beside = lock.acquireSync();
    const inner = await lock.acquire({ within: outer });
    const waits = condition.wait(inner);
    await turn();
    expect([outer, beside, inner].map(({ released }) => released)).toEqual([true, true, true]);
    expect(lock.locked).toBe(false);
    for (const within of [outer, beside, inner])
      expect(await failure(lock.acquire({ within }))).toBeInstanceOf(NotOwnerError);
    for (const guard of [outer, beside, inner]) {
      expect((thrown(() => condition.notify(guard)) as Error).message).toContain('its holder waits already');
      expect(thrown(() => condition.notify(guard))).toBeInstanceOf(NotOwnerError);
      expect(await failure(condition.wait(guard))).toBeInstanceOf(NotOwnerError);
    }
    lock.runSync(() => lock.runSync(() => expect(lock.locked).toBe(true)));
    const other = await lock.acquire();
    condition.notify(other);
    expect(await settled(waits)).toBe(false);
    other.release();
    await waits;
    expect([outer, beside, inner].map(({ released }) => released)).toEqual([false, false, false]);
    outer.release();
    inner.release();
    expect(await canBeHadElsewhere(lock)).toBe(false);
    beside.release();
    expect(await canBeHadElsewhere(lock)).toBe(true);
  });

  test('is waited for in run(), and others below the run wait for that', async () => {
    const lock = new RLock();
    const condition = new Condition({ lock });
    const order: string[] = [];
    const run = lock.run(async () => {
      const waiting = (async () => {
        using guard = await lock.acquire();
        await condition.wait(guard);
        order.push('notified');
      })();
      await Promise.all([waiting, lock.run(() => void order.push('sibling'))]);
    });
    while (condition.statistics().waiting === 0) await turn();
    using guard = await lock.acquire();
    order.push('outside');
    condition.notify(guard);
    guard.release();
    await run;
    expect(order).toEqual(['outside', 'notified', 'sibling']);
    expect(lock.locked).toBe(false);
  });

  test('is not waited for while others have the lock below a guard: InvalidStateError, and nothing has changed', async () => {
    const lock = new RLock();
    const condition = new Condition({ lock });
    const guard = await lock.acquire();
    const beside = lock.acquireSync();
    const below = await lock.acquire({ within: guard });
    for (const waiter of [guard, beside]) {
      expect(await failure(condition.wait(waiter))).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => condition.waitSync(waiter))).toBeInstanceOf(InvalidStateError);
    }
    expect(condition.statistics().waiting).toBe(0);
    expect(lock.locked).toBe(true);
    for (const one of [below, beside, guard]) one.release();
    expect(lock.locked).toBe(false);
  });

  test('whose guards are released meanwhile has the lock again by the guard that waits alone', async () => {
    const lock = new RLock();
    const condition = new Condition({ lock });
    const outer = lock.acquireSync();
    const inner = await lock.acquire({ within: outer });
    const waits = condition.wait(inner);
    await turn();
    outer[Symbol.dispose]();
    expect(lock.locked).toBe(false);
    const other = lock.acquireSync();
    condition.notify(other);
    expect(await settled(waits)).toBe(false);
    other.release();
    await waits;
    expect(lock.locked).toBe(true);
    inner.release();
    expect(lock.locked).toBe(false);
  });

  test('that is given up while it waits leaves the lock to others, and nothing behind', async () => {
    const lock = new RLock({ name: 'given up' });
    const condition = new Condition({ lock });
    const outer = lock.acquireSync();
    const inner = await lock.acquire({ within: outer });
    const waits = failure(condition.wait(inner));
    await turn();
    inner[Symbol.dispose]();
    outer[Symbol.dispose]();
    lock.runSync(() => {
      using guard = lock.acquireSync();
      condition.notify(guard);
    });
    expect(await waits).toBeInstanceOf(NotOwnerError);
    expect(lock.locked).toBe(false);
    condition[Symbol.dispose]();
    lock[Symbol.dispose]();
    expect(addressOf('given up')).toBe(0);
  });

  test('whose wait times out has all guards again', async () => {
    const lock = new RLock();
    const condition = new Condition({ lock });
    const outer = lock.acquireSync();
    const inner = await lock.acquire({ within: outer });
    expect(await failure(condition.wait(inner, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => condition.waitSync(outer, { timeout: 1 }))).toBeInstanceOf(InvalidStateError);
    inner.release();
    expect(thrown(() => condition.waitSync(outer, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(outer.released).toBe(false);
    outer.release();
    expect(lock.locked).toBe(false);
  });

  test('tells the one who waited, and has the lock again, of the death of its owner', async () => {
    const lock = new RLock();
    const condition = new Condition({ lock });
    const outer = lock.acquireSync();
    const inner = await lock.acquire({ within: outer });
    const waits = failure(condition.wait(inner));
    await turn();
    await failure(pool.submit(rlockJobs.notifyAndExit, condition));
    const error = (await waits) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    expect(error.guard).toBe(inner);
    expect([outer.released, inner.released]).toEqual([false, false]);
    inner.release();
    outer.release();
    lock.acquireSync().release();
  });

  test('lets go of what a task has left half done below it: whoever has the lock meanwhile is told', async () => {
    reports();
    const lock = new RLock();
    const condition = new Condition({ lock });
    const guard = lock.acquireSync();
    await task(async () => void lock.acquireSync());
    const waits = condition.wait(guard);
    await turn();
    const error = thrown(() => lock.acquireSync()) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    condition.notify(error.guard!);
    error.guard!.release();
    await waits;
    guard.release();
    lock.acquireSync().release();
  });

  test('that is about to have the lock again is before the thread in the line', async () => {
    const lock = new RLock();
    const condition = new Condition({ lock });
    const guard = lock.acquireSync();
    const waits = condition.wait(guard);
    await turn();
    const other = lock.acquireSync();
    condition.notify(other);
    await turn();
    other.release();
    // The task has been given the lock, and has not gone on yet.
    expect(lock.tryAcquire()).toBeUndefined();
    expect(thrown(() => lock.acquireSync())).toBeInstanceOf(DeadlockError);
    await waits;
    guard.release();
    expect(lock.locked).toBe(false);
  });
});
