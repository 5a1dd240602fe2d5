/** The blocking forms: submitSync, toThreadSync, mapSync, resultSync, errorSync; from this loop and from threads. */
import { afterAll, describe, expect, test } from 'vitest';
import {
  CancelledError,
  CaptureError,
  DeadlockError,
  defaultPool,
  Future,
  isMainThread,
  TimeoutError,
  toThread,
  toThreadSync,
} from '../../../src/index.ts';
import { failure, thrown } from '../../fixtures/awaiting.ts';
import { BEGUN, COUNT, ENDED, jobs } from './jobs.ts';
import { EXECUTORS, eachExecutor, elsewhere, flag, goOn, occupy, pool, raised, THREADED } from './stand.ts';

afterAll(() => defaultPool().shutdown({ cancelPending: true, cancelRunning: true }));

// What serves the process as a whole is ended by nobody else.
afterAll(async () => {
  thrown(() => toThreadSync(jobs.exit, 0));
  await defaultPool().shutdown();
});

describe('toThreadSync()', () => {
  test('gives the value, of async functions too, and passes all arguments', () => {
    expect(toThreadSync(jobs.add, 20, 22)).toBe(42);
    expect(toThreadSync(jobs.addLater, 20, 22)).toBe(42);
    expect(toThreadSync((...all: unknown[]) => all, 1, undefined, 'x')).toEqual([1, undefined, 'x']);
  });

  test('runs in another thread', () => {
    expect(toThreadSync(jobs.where).main).toBe(false);
    expect(isMainThread).toBe(true);
  });

  test('throws the error of the function, whole', () => {
    const error = thrown(() => toThreadSync(jobs.fail));
    expect(error).toMatchObject({ name: 'PartError', message: 'no such part', part: 'wheel' });
    expect((error as Error).cause).toBeInstanceOf(RangeError);
    expect(thrown(() => toThreadSync(jobs.failLater))).toMatchObject({ name: 'PartError' });
    expect(thrown(() => toThreadSync(jobs.failWith, 7))).toBe(7);
  });

  test('throws what is wrong with the call', () => {
    const factor = 2;
    expect(() => toThreadSync(5 as never)).toThrow(TypeError);
    expect(() => toThreadSync((n: number) => n * factor, 1)).toThrow(CaptureError);
    expect(() => toThreadSync((x: unknown) => x, new WeakMap())).toThrow('WeakMap cannot be sent');
  });

  test('again and again, between other work of the loop', async () => {
    for (let n = 0; n < 20; n++) {
      expect(toThreadSync(jobs.add, n, n)).toBe(2 * n);
      expect(await toThread(jobs.add, n, 1)).toBe(n + 1);
    }
  });

  test('works while every thread of the default pool is busy with jobs of this loop', async () => {
    const { release, done } = await occupy(defaultPool(), defaultPool().statistics().busyMs.length || 1);
    expect(toThreadSync(jobs.add, 1, 1)).toBe(2);
    release();
    await done;
  });

  test('inside a job, and nested', async () => {
    const nested = await elsewhere().submit(async () => {
      const { toThreadSync: sync } = await import('../../../src/index.ts');
      return sync((n: number) => n + 1, 1);
    });
    expect(nested).toBe(2);
  });

  test('a death of its thread is thrown, and the next call is served', () => {
    expect(thrown(() => toThreadSync(jobs.exit, 3))).toMatchObject({ name: 'ThreadDiedError', exitCode: 3 });
    expect(toThreadSync(jobs.add, 1, 1)).toBe(2);
  });
});

describe('submitSync()', () => {
  eachExecutor(THREADED, ({ threads, overlaps }, the) => {
    test('with a time-out: TimeoutError, which spoils no later call', () => {
      for (let time = 0; time < 3; time++) {
        const words = flag();
        expect(thrown(() => the().with({ timeout: 50 }).submitSync(jobs.hold, words))).toBeInstanceOf(
          TimeoutError,
        );
        expect(the().submitSync(jobs.add, time, 1)).toBe(time + 1);
      }
    });

    test('with a signal that is aborted: its reason', () => {
      const words = flag();
      const view = the().with({ signal: AbortSignal.abort('stop') });
      expect(thrown(() => view.submitSync(jobs.count, words))).toBe('stop');
      expect(Atomics.load(words, COUNT)).toBe(0);
    });

    test('waits its turn', async () => {
      const words = flag();
      const before = Array.from({ length: 5 * threads }, () => the().submit(jobs.count, words));
      // Behind all that were given to the same loop, or to the pool but for those that its threads are running.
      expect(the().submitSync(jobs.count, words)).toBeGreaterThan(overlaps ? 5 : 4 * threads);
      await Promise.all(before);
    });

    test('gives what async jobs need time for, while this loop is blocked', () => {
      expect(the().submitSync(jobs.addLater, 1, 2)).toBe(3);
    });
  });

  eachExecutor(EXECUTORS, ({ threads }, the) => {
    test.runIf(threads === 0)('of an async function that only this loop can end: DeadlockError', async () => {
      const words = flag();
      expect(thrown(() => the().submitSync(jobs.hold, words))).toBeInstanceOf(DeadlockError);
      goOn(words);
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('leaves nothing behind on the loop: timers and promises go on after it', async () => {
      let ran = false;
      setImmediate(() => {
        ran = true;
      });
      expect(the().submitSync(jobs.add, 1, 1)).toBe(2);
      expect(ran).toBe(false);
      await new Promise((resolve) => setImmediate(resolve));
      expect(ran).toBe(true);
    });
  });

  test('a blocked job is woken by its cancellation, and the job it waits for is cancelled', async () => {
    const words = flag();
    const blocked = elsewhere().submit(async (held: Int32Array) => {
      const { ThreadPoolExecutor } = await import('../../../src/index.ts');
      const { jobs: there } = await import('./jobs.ts');
      const inner = new ThreadPoolExecutor({ threads: 1 });
      try {
        return inner.submitSync(there.hold, held);
      } finally {
        await inner.shutdown({ cancelRunning: true });
      }
    }, words);
    await raised(words, BEGUN);
    blocked.cancel();
    await expect(blocked).rejects.toBeInstanceOf(CancelledError);
    await raised(words, ENDED);
  });
});

describe('resultSync() and errorSync()', () => {
  eachExecutor(THREADED, ({ threads }, the) => {
    test('block for the result', () => {
      expect(the().submit(jobs.addLater, 1, 2).resultSync()).toBe(3);
      expect(the().submit(jobs.addLater, 1, 2).errorSync()).toBe(undefined);
    });

    test('resultSync() throws the error, errorSync() gives it', () => {
      expect(thrown(() => the().submit(jobs.failLater).resultSync())).toMatchObject({ name: 'PartError' });
      expect(the().submit(jobs.failLater).errorSync()).toMatchObject({ name: 'PartError' });
    });

    test('of jobs in any order', () => {
      const futures = Array.from({ length: 10 }, (_, n) => the().submit(jobs.addLater, n, n));
      expect(futures.toReversed().map((one) => one.resultSync())).toEqual(
        futures.map((_, n) => 2 * n).toReversed(),
      );
    });

    test('time out, and the job goes on', async () => {
      const { release, done } = await occupy(the(), threads);
      const future = the().submit(jobs.add, 1, 1);
      expect(thrown(() => future.resultSync({ timeout: 10 }))).toBeInstanceOf(TimeoutError);
      expect(thrown(() => future.errorSync({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
      release();
      expect(future.resultSync()).toBe(2);
      await done;
    });

    test('of a cancelled job: CancelledError at once, though it goes on', async () => {
      const words = flag();
      const future = the().submit(jobs.holdDeaf, words);
      await raised(words, BEGUN);
      future.cancel();
      expect(thrown(() => future.resultSync())).toBeInstanceOf(CancelledError);
      expect(future.errorSync()).toBeInstanceOf(CancelledError);
      goOn(words);
    });
  });

  test('of a job whose thread dies meanwhile: ThreadDiedError', () => {
    const told = { name: 'ThreadDiedError', exitCode: 2 };
    expect(thrown(() => pool().submit(jobs.exit, 2).resultSync())).toMatchObject(told);
    expect(pool().submit(jobs.exit, 2).errorSync()).toMatchObject(told);
  });

  test('of a future that another thread settles, from a thread that blocks', async () => {
    const { future, resolve } = Future.withResolvers<string>();
    const words = flag();
    const blocked = elsewhere().submit(
      (given: Future<string>, w: Int32Array) => {
        Atomics.store(w, 0, 1);
        return given.resultSync();
      },
      future,
      words,
    );
    await raised(words, BEGUN);
    resolve('settled');
    expect(await blocked).toBe('settled');
  });

  test('a job blocked in it is woken by its cancellation', async () => {
    const { future } = Future.withResolvers<string>();
    const words = flag();
    const blocked = elsewhere().submit(
      (given: Future<string>, w: Int32Array) => {
        Atomics.store(w, 0, 1);
        try {
          return given.resultSync();
        } finally {
          Atomics.store(w, 2, 1);
        }
      },
      future,
      words,
    );
    await raised(words, BEGUN);
    blocked.cancel();
    await failure(blocked);
    await raised(words, ENDED);
    expect(future.status).toBe('pending');
    future.cancel();
  });
});
