import { afterEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { NotOwnerError, OwnerDiedError } from '../../../src/core/errors.ts';
import type { Guard } from '../../../src/core/guard.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** The codes and messages of what is reported from now on. */
function reports(): MockInstance<typeof process.emitWarning> {
  return vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
}

/** A task called `worker` that does `fn`. */
function task<T>(fn: () => Promise<T>): Promise<T> {
  return TaskGroup.run((group) => group.spawn(fn, { name: 'worker' }));
}

describe('a guard', () => {
  test('released twice throws a NotOwnerError, and changes nothing for who has the lock now', () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    guard.release();
    const next = lock.acquireSync();
    expect(thrown(() => guard.release())).toBeInstanceOf(NotOwnerError);
    expect(lock.locked).toBe(true);
    next.release();
  });

  test('is disposed any number of times', () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    guard[Symbol.dispose]();
    const next = lock.acquireSync();
    guard[Symbol.dispose]();
    expect(lock.locked).toBe(true);
    next.release();
    next[Symbol.dispose]();
    expect(lock.locked).toBe(false);
  });

  test('may be released by any task of its thread', async () => {
    const warned = reports();
    const lock = new Lock();
    let guard: Guard | undefined;
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        guard = await lock.acquire();
        // Ends when another task has released it.
        while (!guard.released) await turn();
      });
      group.spawn(async () => {
        while (guard === undefined) await turn();
        guard.release();
      });
    });
    expect(lock.locked).toBe(false);
    expect(warned).not.toHaveBeenCalled();
  });

  test('that was kept outlives its task: keep() returns it, and nothing is reported', async () => {
    const warned = reports();
    const lock = new Lock();
    const guard = await task(async () => {
      const got = await lock.acquire();
      expect(got.keep()).toBe(got);
      expect(got.keep()).toBe(got);
      return got;
    });
    expect(guard.released).toBe(false);
    expect(lock.locked).toBe(true);
    guard.release();
    expect(lock.locked).toBe(false);
    expect(warned).not.toHaveBeenCalled();
  });

  test('of code outside any task needs no keep()', async () => {
    const warned = reports();
    const lock = new Lock();
    const guard = await lock.acquire();
    await turn();
    expect(guard.released).toBe(false);
    guard.release();
    expect(warned).not.toHaveBeenCalled();
  });
});

describe('a task that ends with a guard it neither released nor kept', () => {
  const ENDS = {
    returns: async () => {},
    throws: async () => {
      throw new Error('on purpose');
    },
  };

  for (const [how, end] of Object.entries(ENDS))
    for (const form of ['acquire', 'acquireSync', 'tryAcquire'] as const)
      test(`and ${how}, after ${form}(), counts as a dead owner, with one report`, async () => {
        const warned = reports();
        const lock = new Lock({ name: 'cache' });
        let guard: Guard | undefined;
        await task(async () => {
          guard = await lock[form]();
          await end();
        }).catch(() => {});
        expect(warned).toHaveBeenCalledTimes(1);
        expect(warned.mock.calls[0]![0]).toMatchObject({ code: 'HEDDLE_ABANDONED_GUARD' });
        expect((warned.mock.calls[0]![0] as Error).message).toMatch(/"worker".*lock "cache"/);
        expect(guard?.released).toBe(true);
        guard?.[Symbol.dispose]();
        expect(thrown(() => guard?.release())).toBeInstanceOf(NotOwnerError);
        const error = thrown(() => lock.tryAcquire()) as OwnerDiedError;
        expect(error).toBeInstanceOf(OwnerDiedError);
        expect(error.message).toContain('a task ended while holding it');
        error.guard!.release();
        lock.acquireSync().release();
        expect(warned).toHaveBeenCalledTimes(1);
      });

  test('hands the lock to the first who waits, who learns of it, and nobody else does', async () => {
    reports();
    const lock = new Lock();
    let waits: Promise<unknown>[] = [];
    await task(async () => {
      await lock.acquire();
      waits = [failure(lock.acquire()), lock.acquire()];
    });
    const error = (await waits[0]) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    expect(lock.locked).toBe(true);
    error.guard!.release();
    ((await waits[1]) as Guard).release();
  });
});

describe("an OwnerDiedError's guard", () => {
  async function orphaned(): Promise<Lock> {
    const lock = new Lock();
    await task(async () => void (await lock.acquire()));
    return lock;
  }

  test.each([['acquire'], ['acquireSync'], ['tryAcquire']] as const)('of %s() has the lock', async (form) => {
    reports();
    const lock = await orphaned();
    expect(lock.locked).toBe(false);
    const error = (await failure((async () => lock[form]())())) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    expect(error.guard!.released).toBe(false);
    expect(lock.locked).toBe(true);
    expect(lock.tryAcquire()).toBeUndefined();
    error.guard!.release();
    expect(lock.locked).toBe(false);
  });

  test('makes the lock whole when it is released', async () => {
    reports();
    const lock = await orphaned();
    (thrown(() => lock.acquireSync()) as OwnerDiedError).guard!.release();
    lock.acquireSync().release();
    (await lock.acquire()).release();
  });

  test('that its task drops hands the error on to the next, with a report of its own', async () => {
    const warned = reports();
    const lock = await orphaned();
    for (const times of [2, 3]) {
      const error = await failure(task(() => lock.run(() => {})));
      expect((error as { errors: unknown[] }).errors[0]).toBeInstanceOf(OwnerDiedError);
      expect(warned).toHaveBeenCalledTimes(times);
    }
    (thrown(() => lock.acquireSync()) as OwnerDiedError).guard!.release();
    lock.acquireSync().release();
  });

  test('of run() is given to its caller, and the function is not called', async () => {
    reports();
    const fn = vi.fn();
    for (const run of [(lock: Lock) => lock.run(fn), async (lock: Lock) => lock.runSync(fn)]) {
      const lock = await orphaned();
      const error = (await failure(run(lock))) as OwnerDiedError;
      expect(error).toBeInstanceOf(OwnerDiedError);
      expect(fn).not.toHaveBeenCalled();
      error.guard!.release();
      expect(await lock.run(() => 'whole')).toBe('whole');
    }
  });
});
