import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { CancelledError, DeadlockError, InvalidStateError, TimeoutError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { Once } from '../../../src/sync/once.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { GO_ON, GOT, permitJobs, raise } from '../../fixtures/permit-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 4 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

async function untilWaiting(once: Once, waiting: number): Promise<void> {
  while (once.statistics().waiting !== waiting) await turn();
}

/** A promise, and what resolves it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('the function', () => {
  test('is called once, whoever asks how often and in which form', async () => {
    const once = new Once();
    const fn = vi.fn();
    expect(once.isDone).toBe(false);
    await once.run(fn);
    expect(once.isDone).toBe(true);
    await once.run(fn);
    once.runSync(fn);
    await Promise.all([once.run(fn), once.run(fn)]);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  test('is called once by all tasks and threads together, and has ended before any of them goes on', async () => {
    for (let round = 0; round < 20; round++) {
      const once = new Once();
      const words = sharedFlag(1);
      const all = await Promise.all([
        pool.submit(permitJobs.doOnceSync, once, words),
        pool.submit(permitJobs.doOnce, once, words),
        pool.submit(permitJobs.doOnceSync, once, words),
        pool.submit(permitJobs.doOnce, once, words),
        permitJobs.doOnce(once, words),
      ]);
      expect(all).toEqual([1, 1, 1, 1, 1]);
      expect(once.statistics()).toEqual({ done: true, waiting: 0 });
      once[Symbol.dispose]();
    }
  });

  test('that returns a promise is awaited by run(); nobody goes on before it has settled', async () => {
    const once = new Once();
    const { opened, open } = gate();
    const first = once.run(() => opened);
    let passed = 0;
    const others = [once.run(vi.fn()), once.run(vi.fn())].map((wait) => wait.then(() => passed++));
    await turn();
    expect(passed).toBe(0);
    expect(once.statistics()).toEqual({ done: false, waiting: 2 });
    open();
    await Promise.all([first, ...others]);
    expect(once.statistics()).toEqual({ done: true, waiting: 0 });
  });

  test('that returns a promise is a TypeError of runSync(), and it has not been done', async () => {
    const once = new Once({ name: 'table' });
    const error = thrown(() => once.runSync(() => Promise.resolve()));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain('Cannot run once "table": fn returned a promise');
    expect(once.isDone).toBe(false);
    const fn = vi.fn();
    once.runSync(fn);
    expect(fn).toHaveBeenCalledTimes(1);
  });

  test('must be one: TypeError otherwise, also if it has been done', async () => {
    const once = new Once();
    for (const round of [1, 2]) {
      for (const fn of [undefined, null, 'fn', {}] as never[]) {
        expect(await failure(once.run(fn))).toBeInstanceOf(TypeError);
        expect(() => once.runSync(fn)).toThrow(TypeError);
      }
      expect(once.isDone).toBe(round === 2);
      once.runSync(() => {});
    }
  });
});

describe('a function that fails', () => {
  test('gives its caller the error, and each of the others calls its own in turn until one succeeds', async () => {
    const once = new Once();
    const calls: number[] = [];
    const broken = new Error('broken');
    const call = (index: number, fails: boolean): Promise<void> =>
      once.run(() => {
        calls.push(index);
        if (fails) throw broken;
      });
    const results = await Promise.allSettled([call(0, true), call(1, true), call(2, false), call(3, false)]);
    expect(calls).toEqual([0, 1, 2]);
    expect(results.map((one) => (one.status === 'rejected' ? one.reason : 'ok'))).toEqual([
      broken,
      broken,
      'ok',
      'ok',
    ]);
    expect(once.isDone).toBe(true);
  });

  test('in runSync() leaves it to the next', () => {
    const once = new Once();
    const broken = new Error('broken');
    expect(
      thrown(() =>
        once.runSync(() => {
          throw broken;
        }),
      ),
    ).toBe(broken);
    expect(once.isDone).toBe(false);
    once.runSync(() => {});
    expect(once.isDone).toBe(true);
  });

  test('in another thread lets a task that waits here call its own, and the reverse', async () => {
    const once = new Once();
    const flag = sharedFlag(3);
    const failing = failure(pool.submit(permitJobs.beFailing, once, flag));
    await raised(flag, GOT);
    const fn = vi.fn();
    const here = once.run(fn);
    raise(flag, GO_ON);
    await here;
    expect(fn).toHaveBeenCalledTimes(1);
    expect((await failing) as Error).toMatchObject({ message: 'not done' });

    const again = new Once();
    const { opened, open } = gate();
    const broken = failure(again.run(() => opened.then(() => Promise.reject('broken'))));
    const words = sharedFlag(1);
    const there = pool.submit(permitJobs.doOnceSync, again, words);
    await untilWaiting(again, 1);
    open();
    expect(await broken).toBe('broken');
    expect(await there).toBe(1);
  });
});

describe('a wait for another', () => {
  test('ends by its time-out, its signal or its task, and leaves no trace', async () => {
    const once = new Once({ name: 'table' });
    const { opened, open } = gate();
    const first = once.run(() => opened);
    const fn = vi.fn();
    const late = await failure(once.run(fn, { timeout: 0 }));
    expect(late).toBeInstanceOf(TimeoutError);
    expect((late as Error).message).toContain('Cannot run once "table": ');
    expect(await failure(once.run(fn, { timeout: 2 }))).toBeInstanceOf(TimeoutError);
    const controller = new AbortController();
    const aborted = failure(once.run(fn, { signal: controller.signal }));
    controller.abort('enough');
    expect(await aborted).toBe('enough');
    let error: unknown;
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        error = await failure(once.run(fn));
      });
      setImmediate(() => group.cancel());
    });
    expect(error).toBeInstanceOf(CancelledError);
    expect(once.statistics()).toEqual({ name: 'table', done: false, waiting: 0 });
    open();
    await first;
    expect(fn).not.toHaveBeenCalled();
  });

  test('is refused with wrong options and an aborted signal, though it has been done', async () => {
    const once = new Once();
    once.runSync(() => {});
    expect(await failure(once.run(() => {}, { timeout: -1 }))).toBeInstanceOf(RangeError);
    expect(() => once.runSync(() => {}, { timeout: Number.NaN })).toThrow(RangeError);
    expect(await failure(once.run(() => {}, { signal: AbortSignal.abort('no') }))).toBe('no');
    await once.run(() => {}, { timeout: 0 });
    once.runSync(() => {}, { timeout: 0 });
  });

  test('of a blocked thread ends when another thread has done it', async () => {
    const once = new Once();
    const flag = sharedFlag(3);
    const words = sharedFlag(1);
    const doing = pool.submit(permitJobs.beDoing, once, flag);
    await raised(flag, GOT);
    const waiter = pool.submit(permitJobs.doOnceSync, once, words);
    await untilWaiting(once, 1);
    const opener = pool.submit(permitJobs.raiseWhenWaiting, once, 2, flag);
    const fn = vi.fn();
    once.runSync(fn);
    expect(fn).not.toHaveBeenCalled();
    expect(await waiter).toBe(0);
    await Promise.all([doing, opener]);
  });
});

describe('the task that calls the function', () => {
  test('may be cancelled: if the function fails by that, the next calls its own', async () => {
    const once = new Once();
    const never = new Lock();
    const guard = never.acquireSync();
    const fn = vi.fn();
    await TaskGroup.run((group) => {
      group.spawn(() => once.run(() => never.acquire()));
      setImmediate(() => {
        expect(once.isDone).toBe(false);
        group.cancel();
      });
    });
    await once.run(fn);
    expect(fn).toHaveBeenCalledTimes(1);
    guard.release();
  });

  test('that ends before the function has not done it: it is reported, and the next calls its own', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const once = new Once({ name: 'table' });
    const { opened, open } = gate();
    let first: Promise<void> | undefined;
    await TaskGroup.run((group) =>
      group
        .spawn(
          async () => {
            first = once.run(() => opened);
          },
          { name: 'careless' },
        )
        .then(() => {}),
    );
    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned.mock.calls[0]![0]).toMatchObject({
      code: 'HEDDLE_ABANDONED_GUARD',
      message: expect.stringContaining('Task "careless" has ended while it held once "table"'),
    });
    open();
    await first;
    expect(once.isDone).toBe(false);
    const fn = vi.fn();
    await once.run(fn);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(once.isDone).toBe(true);
  });
});

describe('a thread that would wait for itself', () => {
  test('is told if it is doing it, in a task or in the very function', async () => {
    const once = new Once();
    toToken(once);
    const { opened, open } = gate();
    const first = once.run(() => opened);
    expect(thrown(() => once.runSync(() => {}))).toBeInstanceOf(DeadlockError);
    open();
    await first;
    const nested = new Once();
    expect(thrown(() => nested.runSync(() => nested.runSync(() => {})))).toBeInstanceOf(DeadlockError);
    expect(nested.isDone).toBe(false);
  });

  test('is told if a task of its loop is before it in the line, which might have to do it', async () => {
    const once = new Once();
    const flag = sharedFlag(3);
    const doing = pool.submit(permitJobs.beDoing, once, flag);
    await raised(flag, GOT);
    const before = once.run(() => {});
    expect(thrown(() => once.runSync(() => {}))).toBeInstanceOf(DeadlockError);
    expect(once.statistics().waiting).toBe(1);
    raise(flag, GO_ON);
    await Promise.all([before, doing]);
  });
});

describe('death', () => {
  test('of the thread that was doing it lets the next call its own, on its loop and blocked', async () => {
    for (const blocked of [false, true]) {
      const once = new Once();
      const flag = sharedFlag(3);
      const words = sharedFlag(1);
      const dying = failure(pool.submit(permitJobs.beDying, once, flag));
      await raised(flag, GOT);
      const next = blocked ? pool.submit(permitJobs.doOnceSync, once, words) : permitJobs.doOnce(once, words);
      await untilWaiting(once, 1);
      raise(flag, GO_ON);
      expect(await next).toBe(1);
      await dying;
      expect(once.statistics()).toEqual({ done: true, waiting: 0 });
    }
  });
});

describe('a handle', () => {
  test('of it in another thread, and another one here, stand for the same', async () => {
    const once = new Once({ name: 'table' });
    const same = fromToken<Once>(toToken(once));
    same.runSync(() => {});
    expect(once.isDone).toBe(true);
    expect(same.name).toBe('table');
    expect(await pool.submit(permitJobs.doOnceSync, once, sharedFlag(1))).toBe(0);
  });

  test('that is disposed while it is being done: that goes on, and nothing else', async () => {
    const once = new Once();
    const same = fromToken<Once>(toToken(once));
    const { opened, open } = gate();
    const first = same.run(() => opened);
    const second = same.run(() => {});
    await turn();
    same[Symbol.dispose]();
    expect(() => same.isDone).toThrow(InvalidStateError);
    expect(await failure(same.run(() => {}))).toBeInstanceOf(InvalidStateError);
    open();
    await Promise.all([first, second]);
    expect(once.isDone).toBe(true);
  });
});
