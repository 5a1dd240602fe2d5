import { setTimeout as nodeSleep } from 'node:timers/promises';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { CancelledError } from '../../../src/core/errors.ts';
import { cancelled, isCancelled, throwIfCancelled } from '../../../src/scope/cancelled.ts';
import { currentTask } from '../../../src/scope/current-task.ts';
import { outside } from '../../../src/scope/outside.ts';
import { type AttachedChild, attachToTask, currentScope } from '../../../src/scope/scope.ts';
import { shield } from '../../../src/scope/shield.ts';
import { sleep } from '../../../src/scope/sleep.ts';
import { startTask, type Task } from '../../../src/scope/task.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { until } from '../../../src/scope/until.ts';
import { withTimeout } from '../../../src/scope/with-timeout.ts';

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const forever = (): Promise<void> => sleep(Infinity);

async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It should have rejected');
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((a, b) => {
    resolve = a;
    reject = b;
  });
  return { promise, resolve, reject };
}

describe('Task', () => {
  test('is a promise by type and by method', async () => {
    const task: Promise<number> = startTask(async () => 1);
    expect(await task.then((one) => one + 1)).toBe(2);
    expect(await task.finally(() => {})).toBe(1);
    expect(
      await startTask(() => Promise.reject(new Error('x'))).catch((error) => (error as Error).message),
    ).toBe('x');
    expect(String(task)).toBe('[object Task]');
    expectTypeOf(startTask(async () => 'a')).toEqualTypeOf<Task<string>>();
  });

  test('tells how it ended', async () => {
    const good = startTask(() => 1);
    expect(good.status).toBe('fulfilled');
    const bad = startTask(() => Promise.reject(new Error('x')));
    expect(bad.status).toBe('pending');
    await failure(bad);
    expect(bad.status).toBe('rejected');
    const cut = startTask(forever);
    cut.cancel();
    await failure(cut);
    expect(cut.status).toBe('cancelled');
  });

  test('rejects every wait with one CancelledError, which has the reason as cause and is signal.reason', async () => {
    const seen: unknown[] = [];
    const task = startTask(async () => {
      for (let i = 0; i < 3; i++) seen.push(await failure(sleep(1_000_000)));
      seen.push(await failure(until(new Promise(() => {}))));
      seen.push(await failure(until(Promise.resolve(1))));
      seen.push(await failure(startTask(() => 1)));
      seen.push(await failure(withTimeout(5, () => 1)));
      seen.push(await failure(TaskGroup.run(() => 1)));
      throwIfCancelled();
    });
    const reason = { some: 'reason' };
    expect(task.cancel(reason)).toBe(true);
    expect(task.cancel('another')).toBe(true);
    const error = await failure(task);
    expect(error).toBeInstanceOf(CancelledError);
    expect((error as CancelledError).cause).toBe(reason);
    expect(task.signal.aborted).toBe(true);
    expect(task.signal.reason).toBe(error);
    expect(seen).toHaveLength(8);
    for (const one of seen) expect(one).toBe(error);
    expect(task.cancel()).toBe(false);
  });

  test('ended by an AbortError for its signal is cancelled, and gives the CancelledError', async () => {
    const task = startTask((signal) => nodeSleep(1_000_000, undefined, { signal }));
    task.cancel('why');
    const error = await failure(task);
    expect(task.status).toBe('cancelled');
    expect(error).toBe(task.signal.reason);
  });

  test('that swallows its cancellation is fulfilled', async () => {
    const task = startTask(async () => {
      await forever().catch(() => {});
      return 'stubborn';
    });
    task.cancel();
    expect(await task).toBe('stubborn');
    expect(task.status).toBe('fulfilled');
    expect(task.signal.aborted).toBe(true);
  });

  test('awaited by a cancelled task goes on', async () => {
    const work = deferred<number>();
    const shared = startTask(() => work.promise);
    const waiting = startTask(async () => await shared);
    await macrotask();
    waiting.cancel('impatient');
    expect(await failure(waiting)).toMatchObject({ cause: 'impatient' });
    expect(shared.status).toBe('pending');
    work.resolve(5);
    expect(await shared).toBe(5);
  });

  test('whose result comes before the cancellation of the awaiter in the same tick is delivered', async () => {
    await TaskGroup.run(async (group) => {
      const inner = group.spawn(forever);
      const waiting = group.spawn(async () => await inner.catch(() => 'delivered'));
      await macrotask();
      inner.cancel();
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
      expect(inner.status).toBe('cancelled');
      waiting.cancel();
      expect(await waiting).toBe('delivered');
    });
  });

  test('cancelled in the tick in which its function returned keeps the value', async () => {
    const work = deferred<number>();
    const task = startTask(() => work.promise);
    work.resolve(1);
    expect(task.cancel()).toBe(true);
    expect(await task).toBe(1);
    expect(task.status).toBe('fulfilled');
  });

  test('that awaits two things at once and is cut off at one leaves no unhandled rejection of the other', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const task = startTask(async () => {
        const a = sleep(1_000_000);
        const b = sleep(1_000_000);
        const c = startTask(forever).then(() => {});
        c.catch(() => {});
        await a;
        await b;
      });
      task.cancel();
      await failure(task);
      await macrotask();
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  test('a listener of its signal may cancel, spawn and throw nothing over', async () => {
    await TaskGroup.run(async (group) => {
      const other = group.spawn(forever);
      const task = group.spawn(async (signal) => {
        signal.addEventListener('abort', () => {
          other.cancel('chain');
          group.spawn(() => {});
        });
        await forever();
      });
      await macrotask();
      task.cancel();
      await failure(task);
      expect(await failure(other)).toMatchObject({ cause: 'chain' });
    });
  });

  test('hands its signal to every function that could look at it', async () => {
    const bound = function (this: unknown, ...args: unknown[]): unknown {
      return args[0];
    }.bind(undefined);
    const old = function (): unknown {
      // biome-ignore lint/complexity/noArguments: what is tested
      return arguments[0];
    };
    for (const fn of [
      (signal: unknown) => signal,
      (...rest: unknown[]) => rest[0],
      async (signal: unknown = 1) => signal,
      (/* nothing */) => currentTask()?.signal,
      bound,
      old,
      vi.fn((...rest: unknown[]) => rest[0]),
    ]) {
      const task = startTask(fn as (signal: AbortSignal) => unknown);
      expect(await task).toBe(task.signal);
    }
  });
});

describe('the current task', () => {
  test('is followed through awaits and callbacks, and is none outside', async () => {
    expect(currentTask()).toBeUndefined();
    await TaskGroup.run(async (group) => {
      expect(currentTask()).toBeUndefined();
      const task: Task<void> = group.spawn(async () => {
        expect(currentTask()).toBe(task);
        await sleep(0);
        expect(currentTask()).toBe(task);
        await new Promise<void>((resolve) => setTimeout(resolve));
        expect(currentTask()).toBe(task);
        await shield(async () => expect(currentTask()).toBe(task));
        outside(() => expect(currentTask()).toBeUndefined());
      });
      await task;
    });
  });

  test('is none in code that a settled task left behind', async () => {
    const go = deferred<void>();
    let left: Promise<unknown[]> | undefined;
    const task = startTask(() => {
      left = go.promise.then(() => [currentTask(), currentScope(), cancelled()]);
    });
    await task;
    task.cancel();
    go.resolve();
    expect(await left).toEqual([undefined, undefined, false]);
  });

  test('is still the task in code that an ended block left behind', async () => {
    const go = deferred<void>();
    const seen = deferred<unknown>();
    const task: Task<unknown> = startTask(async () => {
      await withTimeout(60_000, () => void go.promise.then(() => seen.resolve(currentTask() === task)));
      return await seen.promise;
    });
    await macrotask();
    go.resolve();
    expect(await task).toBe(true);
  });
});

describe('cancelled(), throwIfCancelled(), isCancelled()', () => {
  test('see the cancellation of the task without any wait', async () => {
    const task = startTask(async () => {
      expect(cancelled()).toBe(false);
      throwIfCancelled();
      currentTask()?.cancel('self');
      expect(cancelled()).toBe(true);
      await shield(() => expect(cancelled()).toBe(false));
      throwIfCancelled();
    });
    expect(await failure(task)).toMatchObject({ cause: 'self' });
    expect(cancelled()).toBe(false);
    expect(() => throwIfCancelled()).not.toThrow();
  });

  test('poll for a cancellation that only another thread knows of', async () => {
    let flag = false;
    const task: Task<unknown> = startTask(
      async () => {
        await Promise.resolve();
        flag = true;
        throwIfCancelled();
      },
      { owner: { failed: () => {}, ended: () => {}, poll: () => void (flag && task.cancel('flag')) } },
    );
    expect(await failure(task)).toMatchObject({ cause: 'flag' });
  });

  test('know a cancellation by its chain of causes', () => {
    const error = new CancelledError('x');
    expect(isCancelled(error)).toBe(true);
    expect(isCancelled(new Error('y', { cause: new Error('z', { cause: error }) }))).toBe(true);
    expect(isCancelled(new Error('x'))).toBe(false);
    expect(isCancelled(undefined)).toBe(false);
    const circle = new Error('a');
    circle.cause = new Error('b', { cause: circle });
    expect(isCancelled(circle)).toBe(false);
  });
});

describe('attachToTask()', () => {
  function child(): AttachedChild & { end(): void; reasons: unknown[]; ended: Promise<void> } {
    const end = deferred<void>();
    const reasons: unknown[] = [];
    return {
      cancel: (reason) => reasons.push(reason),
      ended: end.promise,
      terminate: () => {},
      describe: () => 'a child',
      end: () => end.resolve(),
      reasons,
    };
  }

  test("makes the task's end await the child", async () => {
    const one = child();
    const task = startTask(() => {
      attachToTask(one);
      return 'value';
    });
    await macrotask();
    expect(task.status).toBe('pending');
    expect(one.reasons).toEqual([]);
    one.end();
    expect(await task).toBe('value');
  });

  test('cancels the child once when the task is cancelled, and at once in a cancelled task', async () => {
    const one = child();
    const late = child();
    const task = startTask(async () => {
      attachToTask(one);
      await failure(forever());
      attachToTask(late);
    });
    task.cancel('why');
    await macrotask();
    expect(one.reasons).toEqual([task.signal.reason]);
    expect(late.reasons).toEqual([task.signal.reason]);
    expect(task.status).toBe('pending');
    one.end();
    late.end();
    await task;
  });

  test('cancels the child first when the task fails', async () => {
    const one = child();
    const failed = new Error('failed');
    const task = startTask(() => {
      attachToTask(one);
      throw failed;
    });
    expect(one.reasons).toHaveLength(1);
    expect((one.reasons[0] as Error).cause).toBe(failed);
    expect(task.status).toBe('pending');
    one.end();
    expect(await failure(task)).toBe(failed);
    expect(task.status).toBe('rejected');
  });

  test('detaches', async () => {
    const one = child();
    const task = startTask(() => attachToTask(one)());
    expect(task.status).toBe('fulfilled');
  });

  test('cancels with the block in which the child was attached, and awaits it there', async () => {
    const one = child();
    const timed = withTimeout(1, () => {
      attachToTask(one);
      return forever();
    });
    const settled = vi.fn();
    void timed.then(settled, settled);
    await sleep(5);
    expect(one.reasons).toHaveLength(1);
    expect(settled).not.toHaveBeenCalled();
    one.end();
    await failure(timed);
  });

  test('does nothing outside any task', async () => {
    const one = child();
    attachToTask(one)();
    const task = startTask(() => void outside(() => attachToTask(one)));
    expect(task.status).toBe('fulfilled');
  });
});
