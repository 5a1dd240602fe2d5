import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  DeadlockError,
  EventLoop,
  EventLoopThread,
  Future,
  fromToken,
  SendError,
  ShutDownError,
  ThreadDiedError,
  type ThreadPoolExecutor,
  TimeoutError,
  toToken,
} from '../../../src/index.ts';
import { failure, thrown } from '../../fixtures/awaiting.ts';
import { faults } from './fault-jobs.ts';
import { BEGUN, jobs } from './jobs.ts';
import { loopJobs } from './loop-jobs.ts';
import {
  EXECUTORS,
  eachExecutor,
  eachOwnExecutor,
  elsewhere,
  flag,
  goOn,
  loopThread,
  occupy,
  POOLS,
  pool,
  raised,
  THREADED,
  VIEW,
} from './stand.ts';

const LIMIT = 20_000;

describe('submit', () => {
  test('to a stopped loop', { timeout: LIMIT }, async () => {
    const loop = await loopThread();
    await loop.stop();
    await expect(loop.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
    expect(thrown(() => loop.submitSync(jobs.nothing))).toBeInstanceOf(ShutDownError);
    const there = failure(elsewhere().submit(jobs.submitFrom, loop, 'sync', jobs.nothing, []));
    expect(await there).toBeInstanceOf(ShutDownError);
  });

  test('to a loop that is stopping', { timeout: LIMIT }, async () => {
    const loop = await loopThread();
    const words = flag();
    const held = loop.submit(jobs.hold, words);
    await raised(words, BEGUN);
    const stopping = loop.stop();
    await expect(loop.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
    goOn(words);
    await Promise.all([held, stopping]);
  });

  test('to a dying loop: each is answered, with its value or with the death', {
    timeout: LIMIT,
  }, async () => {
    const loop = await loopThread();
    const dying = loop.submit(jobs.exit, 1);
    const others = Array.from({ length: 20 }, () => loop.submit(jobs.add, 1, 1));
    await failure(dying);
    for (const one of await Promise.allSettled([...others, loop.submit(jobs.add, 1, 1)])) {
      if (one.status === 'fulfilled') expect(one.value).toBe(2);
      else expect(one.reason.code).toMatch(/THREAD_DIED|SHUT_DOWN/);
    }
  });

  test('to a loop that dies before it comes to them: each is told its death', {
    timeout: LIMIT,
  }, async () => {
    const loop = await loopThread();
    const words = flag();
    const dying = loop.submit((w: Int32Array) => {
      Atomics.store(w, 0, 1);
      while (Atomics.load(w, 1) === 0) Atomics.wait(w, 1, 0);
      process.exit(1);
    }, words);
    await raised(words, BEGUN);
    const others = Array.from({ length: 5 }, () => failure(loop.submit(jobs.add, 1, 1)));
    goOn(words);
    await failure(dying);
    for (const error of await Promise.all(others)) expect(error).toBeInstanceOf(ThreadDiedError);
  });

  test('to a loop that never started', { timeout: LIMIT }, async () => {
    expect(await failure(EventLoopThread.start({ initializer: faults.startExit }))).toBeInstanceOf(
      ThreadDiedError,
    );
  });

  test('to a dead loop by a handle that came by token', { timeout: LIMIT }, async () => {
    const loop = await loopThread();
    const token = toToken(loop);
    await failure(loop.submit(jobs.exit, 1));
    await failure(loop.stopped);
    const handle = await Promise.allSettled([Promise.resolve().then(() => fromToken<EventLoop>(token))]);
    if (handle[0].status === 'fulfilled')
      expect(await failure(handle[0].value.submit(jobs.nothing))).toBeDefined();
  });

  eachExecutor(EXECUTORS, (_, the) => {
    test('inside a done callback', { timeout: LIMIT }, async () => {
      const { future, resolve } = Future.withResolvers<number>();
      const next = (n: number): void =>
        void the()
          .submit(jobs.add, n, 1)
          .addDoneCallback((done) => {
            const { value } = done.tryResult()!;
            if (value < 20) next(value);
            else resolve(value);
          });
      next(0);
      expect(await future).toBe(20);
    });
  });
});

describe('stop and shutdown', () => {
  test('of a loop with jobs pending: each is answered', { timeout: LIMIT }, async () => {
    const loop = await loopThread();
    const words = flag();
    const blocking = loop.submit(jobs.block, words);
    await raised(words, BEGUN);
    const pending = Array.from({ length: 5 }, () => loop.submit(jobs.add, 1, 1));
    const stopping = loop.stop({ cancelPending: true });
    for (const one of pending) await expect(one).rejects.toBeInstanceOf(CancelledError);
    goOn(words);
    await stopping;
    expect(await blocking).toBe('done');
  });

  eachOwnExecutor(
    EXECUTORS.filter((one) => one !== VIEW),
    (_, start) => {
      test('during the start', { timeout: LIMIT }, async () => {
        const { executor, end } = await start();
        const futures = Array.from({ length: 3 }, () => executor.submit(jobs.add, 1, 1));
        await end({ cancelPending: true, cancelRunning: true });
        for (const one of await Promise.allSettled(futures))
          if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(CancelledError);
      });

      test('twice, one after the other and at once', { timeout: LIMIT }, async () => {
        const { executor, end } = await start();
        await executor.submit(jobs.nothing);
        await Promise.all([end(), end()]);
        await end({ cancelRunning: true });
      });

      test('never block the calling loop', { timeout: LIMIT }, async () => {
        const { executor, end } = await start();
        const words = flag();
        const held = executor.submit(jobs.hold, words);
        await raised(words, BEGUN);
        const ending = end();
        // This turn would not come.
        await new Promise((resolve) => setImmediate(resolve));
        goOn(words);
        await Promise.all([held, ending]);
      });
    },
  );

  test('of a pool with threads that start at once', { timeout: LIMIT }, async () => {
    const one = pool({ threads: { min: 2, max: 2 } });
    await one.shutdown();
    expect(one.size).toBe(0);
  });

  test('of a pool that a job of it awaits: DeadlockError, or its end', { timeout: LIMIT }, async () => {
    const one = pool();
    const job = one.submit((given: ThreadPoolExecutor) => given.shutdown(), one);
    await Promise.allSettled([job]);
    await one.shutdown({ cancelRunning: true });
    expect(one.size).toBe(0);
  });

  test('of a loop that a job of it awaits: DeadlockError, or its end', { timeout: LIMIT }, async () => {
    const loop = await loopThread();
    await Promise.allSettled([loop.submit((given: EventLoopThread) => given.stop(), loop)]);
    await loop.stop({ cancelRunning: true });
    expect(loop.closed).toBe(true);
  });
});

describe('resultSync() on the loop that must produce the result', () => {
  test('this loop', { timeout: LIMIT }, () => {
    expect(thrown(() => EventLoop.current().submit(jobs.addLater, 1, 1).resultSync())).toBeInstanceOf(
      DeadlockError,
    );
    expect(thrown(() => EventLoop.current().submitSync(jobs.addLater, 1, 1))).toBeInstanceOf(DeadlockError);
  });

  test('the loop of a thread', { timeout: LIMIT }, async () => {
    const loop = await loopThread();
    expect(await loop.submit(loopJobs.resultSyncOfOwn)).toBe('ERR_HEDDLE_DEADLOCK');
    expect(await loop.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('of a future that nobody else can settle', { timeout: LIMIT }, () => {
    const { future } = Future.withResolvers<number>();
    expect(thrown(() => future.resultSync())).toBeInstanceOf(DeadlockError);
    future.cancel();
  });
});

describe('what cannot travel', () => {
  eachExecutor(THREADED, ({ threads }, the) => {
    test('an argument, though every thread is busy', { timeout: LIMIT }, async () => {
      const { release, done } = await occupy(the(), threads);
      await expect(the().submit((x: unknown) => x, new WeakMap())).rejects.toBeInstanceOf(SendError);
      release();
      await done;
    });

    test('a result, and an error', { timeout: LIMIT }, async () => {
      await expect(the().submit(() => new WeakMap())).rejects.toBeInstanceOf(SendError);
      const fail = (): never => {
        throw new WeakMap();
      };
      expect(await failure(the().submit(fail))).toBeInstanceOf(Error);
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('a result with a getter that throws', { timeout: LIMIT }, async () => {
      const trap = (): unknown => ({
        get value(): never {
          throw new RangeError('getter');
        },
      });
      expect(await failure(the().submit(trap))).toBeInstanceOf(Error);
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('a job that returns a function: it travels, or is refused', { timeout: LIMIT }, async () => {
      expect((await the().submit(faults.giveFunction))(1, 2)).toBe(3);
      expect((await the().submit(faults.giveInline))()).toBe(process.pid);
      expect(await failure(the().submit(faults.giveClosure))).toMatchObject({ name: 'CaptureError' });
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });
  });
});

describe('two aborts in a row', () => {
  eachExecutor(EXECUTORS, (_, the) => {
    test('of two jobs, of one signal', { timeout: LIMIT }, async () => {
      for (let time = 0; time < 2; time++) {
        const controller = new AbortController();
        const words = [flag(), flag()];
        const view = the().with({ signal: controller.signal });
        const [held, other] = words.map((one) => view.submit(jobs.hold, one));
        await raised(words[0]!, BEGUN);
        controller.abort('first');
        controller.abort('second');
        expect(await Promise.all([held!, other!].map(failure))).toEqual(['first', 'first']);
      }
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });
  });
});

describe('a job that never ends, in a pool whose threads run several at once', () => {
  for (const scheduling of ['shared', 'stealing'] as const)
    test(`keeps none that came after it from the other thread, also where modules are loaded first (${scheduling})`, {
      timeout: LIMIT,
    }, async () => {
      // Cold: each thread has to load the module of the jobs.
      for (let round = 0; round < 3; round++) {
        const one = pool({ threads: 2, concurrency: 2, scheduling, onCancel: 'terminate', grace: 1 });
        const spinning = one.submit(jobs.spin, flag());
        const quick = Array.from({ length: 3 }, (_, n) => one.submit(jobs.add, n, 1));
        expect(await Promise.all(quick)).toEqual([1, 2, 3]);
        spinning.cancel();
        await failure(spinning);
        await one.shutdown();
      }
    });
});

describe('a runaway regular expression with a time-out', () => {
  eachExecutor(POOLS, (_, the) => {
    test('rejects in time, and the thread is replaced where that was chosen', {
      timeout: LIMIT,
    }, async () => {
      const view = the().with({ onCancel: 'terminate', grace: 1 });
      for (const options of [{ timeout: 300 }, { runTimeout: 100 }]) {
        const words = flag();
        await expect(view.with(options).submit(faults.runaway, words)).rejects.toBeInstanceOf(TimeoutError);
        expect(await the().submit(jobs.add, 1, 1)).toBe(2);
      }
      const words = flag();
      expect(thrown(() => view.with({ timeout: 300 }).submitSync(faults.runaway, words))).toBeInstanceOf(
        TimeoutError,
      );
      expect(the().submitSync(jobs.add, 1, 1)).toBe(2);
    });
  });

  test('on a loop thread: the future rejects, stopping with terminate ends it', {
    timeout: LIMIT,
  }, async () => {
    const loop = await EventLoopThread.start();
    const words = flag();
    const running = loop
      .with({ onCancel: 'terminate', grace: 1, timeout: 300 })
      .submit(faults.runaway, words);
    await expect(running).rejects.toBeInstanceOf(TimeoutError);
    expect(await failure(loop.stopped)).toMatchObject({ name: 'ThreadDiedError', reason: 'terminated' });
    await loop.stop().catch(() => {});
  });
});
