import { getEventListeners } from 'node:events';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { TimeoutError } from '../../../src/core/errors.ts';
import { interruptible } from '../../../src/scope/interruptible.ts';
import { shield } from '../../../src/scope/shield.ts';
import { sleep } from '../../../src/scope/sleep.ts';
import { startTask } from '../../../src/scope/task.ts';
import { Unawaited } from '../../../src/scope/unawaited.ts';
import { until } from '../../../src/scope/until.ts';
import { withTimeout } from '../../../src/scope/with-timeout.ts';

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const forever = (): Promise<void> => sleep(Infinity);
const never = new Promise<never>(() => {});

async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It should have rejected');
}

describe('sleep()', () => {
  test('resolves to nothing, and with 0 after a macrotask', async () => {
    let later = false;
    void Promise.resolve().then(() => (later = true));
    expect(await sleep(0)).toBeUndefined();
    expect(later).toBe(true);
  });

  test('refuses what is no duration by rejecting', async () => {
    expect(await failure(sleep(-1))).toBeInstanceOf(RangeError);
    expect(await failure(sleep(NaN))).toBeInstanceOf(RangeError);
    expect(await failure(sleep('5' as never))).toBeInstanceOf(TypeError);
    expect(await failure(sleep(undefined as never))).toBeInstanceOf(TypeError);
  });

  test('rejects with signal.reason, aborted before or meanwhile, and takes its listener off', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    await sleep(0, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    const sleeping = sleep(1_000_000, { signal });
    controller.abort('reason');
    expect(await failure(sleeping)).toBe('reason');
    expect(await failure(sleep(0, { signal }))).toBe('reason');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('interruptible() and until()', () => {
  test('give the value or the error of the promise', async () => {
    expect(await until(Promise.resolve(1), { timeout: 1_000_000 })).toBe(1);
    expect(await failure(until(Promise.reject('x')))).toBe('x');
    expectTypeOf(until(Promise.resolve('a'))).toEqualTypeOf<Promise<string>>();
  });

  test('reject with a TimeoutError whose message is the one described', async () => {
    const error = await failure(interruptible(never, { timeout: 1 }, () => 'Cannot get: empty'));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toBe('Cannot get: empty');
  });

  test('with a timeout of 0 give what is there already', async () => {
    expect(await until(Promise.resolve(1), { timeout: 0 })).toBe(1);
    expect(await until(startTask(() => 2) as PromiseLike<number>, { timeout: 0 })).toBe(2);
    expect(await failure(until(never, { timeout: 0 }))).toBeInstanceOf(TimeoutError);
  });

  test('order who wins: wrong argument, then aborted signal, then the value, then the time-out', async () => {
    const aborted = AbortSignal.abort('aborted');
    const there = Promise.resolve(1);
    expect(await failure(until(there, { timeout: -1, signal: aborted }))).toBeInstanceOf(RangeError);
    expect(await failure(until(there, { timeout: 0, signal: aborted }))).toBe('aborted');
    expect(await until(there, { timeout: 0 })).toBe(1);
  });

  test('listen to one signal once, however many wait, and not at all when nobody does', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const waits = Array.from({ length: 50 }, () => until(never, { signal }));
    const done = until(Promise.resolve(1), { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    expect(await done).toBe(1);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort('stop');
    for (const wait of waits) expect(await failure(wait)).toBe('stop');
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('keep a wait that was granted before the cancellation', async () => {
    let grant!: (value: string) => void;
    const source = new Promise<string>((resolve) => (grant = resolve));
    const task = startTask(() => interruptible(source, undefined, () => 'x'));
    await macrotask();
    grant('granted');
    await Promise.resolve();
    await Promise.resolve();
    task.cancel();
    expect(await task).toBe('granted');
  });

  test('do not let a failure of what was waited for go unhandled after the wait has ended', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const controller = new AbortController();
      const late = new Promise((_, reject) => setImmediate(() => reject(new Error('late'))));
      const wait = until(late, { signal: controller.signal });
      controller.abort('gone');
      expect(await failure(wait)).toBe('gone');
      expect(await failure(until(Promise.reject(new Error('x')), { signal: controller.signal }))).toBe(
        'gone',
      );
      await macrotask();
      await macrotask();
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });
});

describe('withTimeout()', () => {
  test('gives the value of a function that is in time', async () => {
    expect(await withTimeout(1_000_000, async () => 'value')).toBe('value');
    expect(await withTimeout(Infinity, () => 1)).toBe(1);
    expectTypeOf(withTimeout(1, async (signal) => signal.aborted)).toEqualTypeOf<Promise<boolean>>();
  });

  test('cancels and awaits the function, then rejects with TimeoutError', async () => {
    let ended = false;
    const error = await failure(
      withTimeout(1, async (signal) => {
        try {
          await forever();
        } catch (thrown) {
          expect(signal.reason).toBe(thrown);
          throw thrown;
        } finally {
          await shield(macrotask);
          ended = true;
        }
      }),
    );
    expect(error).toBeInstanceOf(TimeoutError);
    expect(ended).toBe(true);
  });

  test('gives the value of a function that swallows the time-out', async () => {
    expect(
      await withTimeout(1, async () => {
        await forever().catch(() => {});
        return 'kept';
      }),
    ).toBe('kept');
  });

  test('lets an error of the clean-up win, with the TimeoutError in its chain', async () => {
    const error = (await failure(
      withTimeout(1, async () => {
        await forever().catch(() => {
          throw new Error('clean-up', { cause: new Error('root') });
        });
      }),
    )) as Error;
    expect(error.message).toBe('clean-up');
    expect((error.cause as Error).cause).toBeInstanceOf(TimeoutError);
  });

  test('passes on an error of the function before the time-out, untouched', async () => {
    const error = new Error('x');
    expect(await failure(withTimeout(1_000_000, () => Promise.reject(error)))).toBe(error);
    expect(error.cause).toBeUndefined();
  });

  test('with 0 calls the function, and a result that it gives without waiting wins', async () => {
    expect(await withTimeout(0, () => 1)).toBe(1);
    expect(await withTimeout(0, async () => 2)).toBe(2);
    expect(await failure(withTimeout(0, () => sleep(0)))).toBeInstanceOf(TimeoutError);
  });

  test('cancelled from outside after its own time-out, passes the cancellation on', async () => {
    const task = startTask(() =>
      withTimeout(1, async () => {
        try {
          await forever();
        } finally {
          task.cancel('outer');
        }
      }),
    );
    expect(await failure(task)).toMatchObject({ cause: 'outer' });
    expect(task.status).toBe('cancelled');
  });

  test('refuses wrong arguments by rejecting', async () => {
    expect(await failure(withTimeout(-1, () => {}))).toBeInstanceOf(RangeError);
    expect(await failure(withTimeout(NaN, () => {}))).toBeInstanceOf(RangeError);
    expect(await failure(withTimeout(1, 5 as never))).toBeInstanceOf(TypeError);
  });

  test('honours a time-out beyond 2³¹ milliseconds', async () => {
    expect(await withTimeout(2 ** 32, () => sleep(2))).toBeUndefined();
  });
});

describe('shield()', () => {
  test('runs to its end though the caller is cancelled, and the caller sees that at its next wait', async () => {
    const log: unknown[] = [];
    const task = startTask(async () => {
      const value = await shield(async (signal) => {
        await sleep(1);
        log.push(signal.aborted);
        return 'value';
      });
      log.push(value);
      await sleep(0);
      log.push('never');
    });
    task.cancel('why');
    expect(await failure(task)).toMatchObject({ cause: 'why' });
    expect(log).toEqual([false, 'value']);
  });

  test('works in a task that is cancelled already, with groups and time-outs inside', async () => {
    const task = startTask(async () => {
      await failure(forever());
      const error = await shield(() => failure(withTimeout(1, forever)));
      expect(error).toBeInstanceOf(TimeoutError);
      return await shield(() => sleep(0).then(() => 'clean'));
    });
    task.cancel();
    expect(await task).toBe('clean');
  });

  test('gives its error', async () => {
    const error = new Error('x');
    expect(await failure(shield(() => Promise.reject(error)))).toBe(error);
  });

  test('that nobody awaits is awaited by the end of the task', async () => {
    let ended = false;
    const task = startTask(() => {
      void shield(async () => {
        await sleep(1);
        ended = true;
      });
    });
    task.cancel();
    await task;
    expect(ended).toBe(true);
  });
});

describe('an error that nobody awaits', () => {
  test('is reported once when its holder has been collected, and not if it was awaited late', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const kept = startTask(() => Promise.reject(new Error('awaited late')), { name: 'late' });
      await (async () => {
        startTask(() => Promise.reject(new Error('dropped')), { name: 'dropped' });
        await macrotask();
      })();
      const collect = (globalThis as { gc?: () => void }).gc!;
      for (let i = 0; i < 50 && emitted.mock.calls.length === 0; i++) {
        collect();
        await macrotask();
      }
      expect(emitted).toHaveBeenCalledTimes(1);
      expect(emitted.mock.calls[0]![0]).toMatchObject({
        code: 'HEDDLE_UNAWAITED_ERROR',
        message: expect.stringContaining('task "dropped"'),
      });
      expect(await failure(kept)).toMatchObject({ message: 'awaited late' });
      expect(emitted).toHaveBeenCalledTimes(1);
    } finally {
      emitted.mockRestore();
    }
  });

  test('is forgotten once it is observed', async () => {
    const before = process.listenerCount('beforeExit');
    const one = new Unawaited(() => 'x');
    one.rejected(new Error('a'));
    expect(process.listenerCount('beforeExit')).toBe(before + 1);
    one.observed();
    one.rejected(new Error('b'));
    expect(process.listenerCount('beforeExit')).toBe(before);
  });
});
